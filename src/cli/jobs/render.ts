/** Jobs as people read them. Pure. */
import type { Jobs } from "../../control/Jobs.ts"
import { hasFailed } from "../../control/Stats.ts"
import { moment, span } from "../../domain/Format.ts"
import type { Past } from "../../services/History.ts"
import { line, lines, type Shown, type Text } from "../shown.ts"
import { NEXT } from "../status/words.ts"
import { table } from "../table.ts"
import type { Screen } from "../terminal.ts"

/** What is shown, each part only where it was asked for. */
export interface Parts {
  readonly waiting: Jobs["waiting"]
  readonly running: Jobs["running"]
  readonly ended: ReadonlyArray<Past>
  /** Number of ended jobs that were asked for; `ended` are the newest of them. */
  readonly all: number
  readonly show: ReadonlySet<"waiting" | "running" | "ended">
  readonly problems: ReadonlyArray<string>
  readonly now: number
}

/** How a job ended, in one word; why it did not run stands below it. */
export const endOf = ({ conclusion, cause, outcome }: Past): string =>
  conclusion ?? (cause !== undefined ? "failed" : outcome === "finished" ? "let go" : "handed back")

const ranFor = ({ job, at }: Past): string => {
  const started = job.stages.find(({ stage }) => stage === "started")
  const done = job.stages.find(({ stage }) => stage === "done")
  return started === undefined ? "" : span((done?.at ?? at) - started.at)
}

const repositoryOf = ({ job }: Past): string => {
  const { owner, repo } = job.fields
  return owner !== undefined && repo !== undefined ? `${owner}/${repo}` : ""
}

const titled = (screen: Screen, title: string, body: ReadonlyArray<Text>): ReadonlyArray<Text> => [
  screen.paint("bold", title),
  ...body,
  ""
]

/** Each job with what belongs to it on lines of its own, which are never cut: an address is made to be copied. */
const entry = (head: Text, ...below: ReadonlyArray<Text>): ReadonlyArray<Text> => [
  head,
  ...below.filter((it) => it !== "").map((it) => line`    ${it}`)
]

const from = (workflow: string, repository: string) => [workflow, repository].filter((it) => it !== "").join(", ")

const waiting = (screen: Screen, { waiting, now }: Parts) =>
  waiting.flatMap(({ name, workflow, repository, template, url, since, attempt, reason }) =>
    entry(
      line`  ${screen.paint("yellow", name)}  ${from(workflow, repository)}, for ${span(now - since)}${attempt > 0 ? `, ${attempt} ${attempt === 1 ? "attempt" : "attempts"} failed` : ""}`,
      reason,
      template,
      url
    )
  )

const running = (screen: Screen, { running, now }: Parts) =>
  running.flatMap(({ name, workflow, repository, template, url, host, service, stage, since, vm, runner }) =>
    entry(
      line`  ${screen.paint("green", name)}  ${[from(workflow, repository), `${NEXT[stage]} for ${span(now - since)}`].filter((it) => it !== "").join(", ")}`,
      `${service} of ${host}${template === "" ? "" : `, ${template}`}`,
      vm === "" ? "" : `VM ${vm}`,
      runner === "" ? "" : `runner ${runner}`,
      url
    )
  )

const ended = (screen: Screen, parts: Parts): ReadonlyArray<Text> => [
  table(
    screen,
    ["when (UTC)", "end", "ran for", "job", "repository"],
    parts.ended.map((past) => [
      moment(past.at),
      screen.paint(hasFailed(past) ? "red" : past.conclusion === "success" ? "green" : "yellow", endOf(past)),
      ranFor(past),
      past.job.name,
      repositoryOf(past)
    ])
  ),
  ...parts.ended
    .filter(hasFailed)
    .flatMap((past) =>
      entry(
        line`  ${past.job.name}, ${moment(past.at)}${past.outcome === "finished" ? "" : `: ${past.outcome}`}`,
        past.job.template,
        past.job.fields.jobURL ?? ""
      )
    ),
  ...(parts.all > parts.ended.length ? [`${parts.all - parts.ended.length} older ones: --since shows them`] : [])
]

/** All parts that were asked for. */
export const jobs = (screen: Screen, parts: Parts): Shown => {
  const { show } = parts
  const part = (name: "waiting" | "running" | "ended", title: string, body: ReadonlyArray<Text>, none: string) =>
    show.has(name) ? titled(screen, title, body.length === 0 ? [screen.paint("dim", `  ${none}`)] : body) : []
  return lines(
    [
      ...parts.problems.map((problem) => screen.paint("red", problem)),
      ...part("waiting", `Waiting: ${parts.waiting.length}`, waiting(screen, parts), "no job waits"),
      ...part("running", `Running: ${parts.running.length}`, running(screen, parts), "no job runs"),
      ...part("ended", `Ended: ${parts.all}`, parts.ended.length === 0 ? [] : ended(screen, parts), "none is recorded")
    ].slice(0, -1)
  )
}
