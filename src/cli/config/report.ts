/** What became of the keys of an older config, in rows for a person. Pure. */
import { type Entry, KINDS, needsPerson } from "../../config/older/Report.ts"
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

/** Entries that say the same, together. */
const grouped = (entries: ReadonlyArray<Entry>, by: (entry: Entry) => string): ReadonlyArray<ReadonlyArray<Entry>> => {
  const groups = new Map<string, Array<Entry>>()
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

/** The rows of the report. */
export const rowsOf = (entries: ReadonlyArray<Entry>, paint: Screen["paint"]): ReadonlyArray<Shown> =>
  KINDS.flatMap((kind) => {
    const those = entries.filter((entry) => entry.kind === kind)
    const colour: Colour = those.some(needsPerson) ? "yellow" : "cyan"
    return textsOf(those).map((text, index) => line`  ${paint(colour, (index === 0 ? kind : "").padEnd(WIDTH))}${text}`)
  })
