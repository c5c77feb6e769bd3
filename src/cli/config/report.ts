/** What became of the keys of an older config, in rows for a person. Pure. */
import { type Entry, KINDS, needsPerson } from "../../config/older/Report.ts"
import type { Asked } from "../doctor/examined.ts"
import { line, type Shown } from "../shown.ts"
import type { Colour, Screen } from "../terminal.ts"

/** Width of the column with what became of a key. */
const WIDTH = 16

const linesOf = (entries: ReadonlyArray<Entry>): string => {
  const all = [...new Set(entries.flatMap(({ line }) => (line === undefined ? [] : [line])))]
  return all.length === 0 ? "" : `line${all.length === 1 ? "" : "s"} ${all.join(", ")}  `
}

const told = ({ key, to, message }: Entry): string =>
  `${key}${to === undefined ? "" : ` -> ${to}`}${message === "" ? "" : `${to === undefined ? ": " : ", "}${message}`}`

/** What says the same, together. */
const grouped = <A>(entries: ReadonlyArray<A>, by: (entry: A) => string): ReadonlyArray<ReadonlyArray<A>> => {
  const groups = new Map<string, Array<A>>()
  for (const entry of entries) groups.set(by(entry), [...(groups.get(by(entry)) ?? []), entry])
  return [...groups.values()]
}

/** What stays as it is, service by service; the rest, key by key. */
const textsOf = (entries: ReadonlyArray<Entry>): ReadonlyArray<string> => [
  ...grouped(
    entries.filter(({ kind, message }) => kind === "kept" && message === ""),
    ({ service = "" }) => service
  ).map((kept) => {
    const service = kept[0]?.service
    return `${service === undefined ? "" : `${service}: `}${kept.map(({ key }) => key).join(", ")}`
  }),
  ...grouped(
    entries.filter(({ kind, message }) => kind !== "kept" || message !== ""),
    told
  ).map((alike) => {
    const services = [...new Set(alike.flatMap(({ service }) => (service === undefined ? [] : [service])))]
    const [first] = alike
    const of = services.length === 0 ? "" : `${services.join(", ")}: `
    return first === undefined ? "" : `${linesOf(alike)}${of}${told(first)}`
  })
]

/** Entries under the word that tells their kind, which is written once. */
const under = (kind: string, colour: Colour, texts: ReadonlyArray<string>, paint: Screen["paint"]) =>
  texts.map((text, index) => line`  ${paint(colour, (index === 0 ? kind : "").padEnd(WIDTH))}${text}`)

/** Whether something must be changed before jobs run. */
export const isWrong = ({ finding: { level } }: Asked): boolean => level === "problem" || level === "warning"

/** The rows of what GitHub said of the services: what is well, then what is wrong with its remedy. */
export const askedRows = (asked: ReadonlyArray<Asked>, paint: Screen["paint"]): ReadonlyArray<Shown> => {
  const texts = (those: ReadonlyArray<Asked>, text: (finding: Asked["finding"]) => string) =>
    grouped(those, ({ finding }) => text(finding)).flatMap((alike) => {
      const services = [...new Set(alike.map(({ service }) => service))]
      return alike.slice(0, 1).map(({ finding }) => `${services.join(", ")}: ${text(finding)}`)
    })
  return [
    ...under(
      "asked",
      "cyan",
      texts(
        asked.filter((one) => !isWrong(one)),
        ({ what }) => what
      ),
      paint
    ),
    ...under(
      "look at",
      "yellow",
      texts(asked.filter(isWrong), ({ what, remedy }) => `${what}: ${remedy}`),
      paint
    )
  ]
}

/** The rows of the report. */
export const rowsOf = (entries: ReadonlyArray<Entry>, paint: Screen["paint"]): ReadonlyArray<Shown> =>
  KINDS.flatMap((kind) => {
    const those = entries.filter((entry) => entry.kind === kind)
    const colour: Colour = those.some(needsPerson) ? "yellow" : "cyan"
    return under(kind, colour, textsOf(those), paint)
  })
