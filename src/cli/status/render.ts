/** The status of a daemon, as people read it: what is wrong and what waits comes first. Pure. */
import * as Headline from "../../control/Headline.ts"
import type { Status } from "../../control/Status.ts"
import type { QueueSeen } from "../../control/Waiting.ts"
import { clock, span } from "../../domain/Format.ts"
import { join, line, lines, type Shown, type Text } from "../shown.ts"
import { cut, table } from "../table.ts"
import type { Colour, Screen } from "../terminal.ts"
import { EVERYTHING, marked, paragraph, type View } from "./parts.ts"
import { ageOf, doingOf, endOf, stages } from "./words.ts"

/** Colour of each state of a host. */
const COLOURS: Readonly<Record<Headline.Headline["state"], Colour>> = {
  accepting: "green",
  full: "green",
  partly: "yellow",
  paused: "yellow",
  draining: "yellow",
  blocked: "red"
}

/** Maximum number of waiting jobs that are listed, each with its address. */
export const WAITING = 3
/** Maximum number of recent jobs that are listed. */
export const RECENT = 5

const titled = (screen: Screen, title: Text, ...body: ReadonlyArray<Text>): ReadonlyArray<Text> => [
  "",
  screen.paint("bold", title),
  ...body
]

const services = (screen: Screen, it: Status, { chosen }: View): ReadonlyArray<Text> => [
  ...titled(
    screen,
    "Services",
    table(
      screen,
      ["service", "", "what it does"],
      it.services.map((service) => {
        const [word, colour, rest] = doingOf(service, it.now)
        const isChosen = service.doing._tag === "Working" && service.doing.job.key === chosen
        return [marked(isChosen, service.name), screen.paint(colour, word), rest]
      })
    )
  ),
  ...it.services.flatMap(({ name, doing }) => {
    if (doing._tag !== "Working") return []
    const { job } = doing
    return [
      "",
      ...paragraph(screen, `${name}: ${job.fields.jobURL ?? job.name}`),
      ...(job.vm === undefined ? [] : [cut(`  VM ${job.vm}`, screen.width)]),
      ...(job.runner === undefined ? [] : [cut(`  runner ${job.runner}`, screen.width)]),
      cut(`  ${job.template}${job.attempt > 1 ? `, attempt ${job.attempt}` : ""}`, screen.width),
      ...paragraph(screen, stages(job, it.now)).map((text) => line`  ${text}`)
    ]
  })
]

/** Number of jobs that wait, and the age of that number. */
const countOf = ({ jobs, claimed }: QueueSeen, age: string): string =>
  `${jobs} waiting, ${claimed} running or prepared${age === "" ? "" : `, ${age}`}`

const queue = (screen: Screen, it: QueueSeen, now: number, { chosen }: View): ReadonlyArray<Text> => {
  if (it.problem !== "")
    return titled(screen, `Queue of ${it.scope}`, ...paragraph(screen, `not known: ${it.problem}`, "red"))
  const age = ageOf(it, now)
  const counted = countOf(it, age)
  const rows = it.classes.flatMap(({ template, late, reasons }) =>
    reasons.map(({ jobs, why }, n) => [
      `${jobs}`,
      template,
      `${why === "" ? "ready to run" : why}${n === 0 && late > 0 ? `; ${late} of them come after all new jobs` : ""}`
    ])
  )
  return [
    ...titled(screen, line`Queue of ${it.scope}`, age === "" ? counted : screen.paint("yellow", counted)),
    ...(rows.length === 0 ? [] : [table(screen, ["jobs", "template", "why not on this host"], rows)]),
    ...(it.waiting.length === 0
      ? []
      : [
          "",
          ...it.waiting.slice(0, WAITING).flatMap(({ key, since, name, workflow, url }) => [
            cut(
              `${marked(key === chosen, `${span(now - since)}`)}: ${name}${workflow === "" ? "" : ` (${workflow})`}`,
              screen.width
            ),
            // an address that is cut or broken leads nowhere
            ...(url === "" ? [] : [line`    ${url}`])
          ]),
          ...(it.jobs > WAITING
            ? [screen.paint("dim", `and ${it.jobs - Math.min(WAITING, it.waiting.length)} more`)]
            : [])
        ])
  ]
}

const vms = (screen: Screen, it: Status): ReadonlyArray<Text> => {
  if (it.vms === null) return titled(screen, "VMs", ...paragraph(screen, `not known: ${it.problem}`, "red"))
  const used = table(
    screen,
    ["VM", "status", "owner", "job"],
    it.vms.map((vm) => [vm.name, vm.status, vm.owner, vm.job])
  )
  const many = `${it.vms.length} of ${it.vmLimit} VM slots in use`
  return titled(screen, "VMs", many, ...(it.vms.length > 0 ? [used] : []))
}

const recent = (screen: Screen, { ended, now }: Status, { chosen }: View): ReadonlyArray<Text> =>
  ended.length === 0
    ? []
    : titled(
        screen,
        "Recent jobs",
        table(
          screen,
          ["when", "service", "job", "outcome"],
          ended.slice(0, RECENT).map((end) => {
            const { service, job } = end
            const [colour, outcome] = endOf(end)
            return [
              marked(job.key === chosen, `${span(now - (job.stages.at(-1)?.at ?? now))} ago`),
              service,
              job.name,
              colour === undefined ? outcome : screen.paint(colour, outcome)
            ]
          })
        )
      )

const pulls = (screen: Screen, it: Status): ReadonlyArray<Text> =>
  it.pulls.flatMap(({ template, since, part }) =>
    titled(
      screen,
      "Pull",
      `${template}${since === 0 ? ", by another daemon" : `, for ${span(it.now - since)}`}${part === null ? "" : `, ${Math.round(part * 100)} %`}`
    )
  )

const limits = (screen: Screen, it: Status): ReadonlyArray<Text> =>
  it.limits.length === 0
    ? []
    : titled(
        screen,
        "Rate limits",
        ...it.limits.map(({ credential, remaining, limit, resetAt, waitsUntil }) =>
          join(
            [
              `${credential}: ${remaining === null ? "no answer yet" : `${remaining} of ${limit} requests left`}`,
              ...(resetAt === null ? [] : [`until ${clock(resetAt)}`]),
              ...(waitsUntil > it.now ? [screen.paint("yellow", `no polling until ${clock(waitsUntil)}`)] : [])
            ],
            ", "
          )
        )
      )

const stores = (screen: Screen, it: Status): ReadonlyArray<Text> =>
  it.stores.length === 0
    ? []
    : titled(
        screen,
        "Stores",
        ...it.stores.map(
          ({ name, isAway, services }) =>
            line`${name}: ${isAway ? screen.paint("red", "does not answer") : "connected"} (${services.join(", ")})`
        )
      )

/** The whole status of a daemon. */
export const status = (screen: Screen, it: Status, view: View = EVERYTHING): Shown => {
  const { state, text } = it.headline ?? Headline.of(it)
  const first = `anklet ${it.version}, pid ${it.pid}, up for ${span(it.now - it.startedAt)}: `
  return lines([
    ...(first.length + text.length <= screen.width
      ? [line`${first}${screen.paint(COLOURS[state], text)}`]
      : [first, ...paragraph(screen, text, COLOURS[state])]),
    screen.paint("dim", it.config),
    ...((it.refusedConfig ?? "") === ""
      ? []
      : paragraph(screen, `changed, and not taken over: ${it.refusedConfig}`, "yellow")),
    ...services(screen, it, view),
    ...it.queues.flatMap((found) => queue(screen, found, it.now, view)),
    ...vms(screen, it),
    ...pulls(screen, it),
    ...recent(screen, it, view),
    ...stores(screen, it),
    ...limits(screen, it),
    ...(it.templates.length > 0 ? titled(screen, "Templates", ...paragraph(screen, it.templates.join(", "))) : [])
  ])
}
