/** How a status says what jobs and services do. Pure. */
import type { QueueSeen } from "../../control/Waiting.ts"
import { span } from "../../domain/Format.ts"
import type { Ended, JobProgress, ServiceActivity } from "../../services/Activity.ts"
import type { Colour } from "../terminal.ts"

/** What a job does after each stage. */
export const NEXT: Readonly<Record<JobProgress["stages"][number]["stage"], string>> = {
  queued: "being claimed",
  seen: "being claimed",
  claimed: "fetching its template",
  pulled: "being cloned",
  cloned: "booting",
  booted: "registering its runner",
  registered: "starting its runner",
  started: "running",
  done: "being cleaned up",
  clean: "ended"
}

/** What a job does now, and for how long. */
export const stageOf = (job: JobProgress, now: number): string => {
  const last = job.stages.at(-1)
  const adopted = job.adopted && last?.stage !== "done"
  return last === undefined || adopted ? "running (adopted)" : `${NEXT[last.stage]} for ${span(now - last.at)}`
}

/** What a service does: a word, its colour, and the details. */
export const doingOf = (
  { doing, since, trouble }: ServiceActivity,
  now: number
): readonly [word: string, colour: Colour, rest: string] => {
  switch (doing._tag) {
    case "Looking":
      return ["polls", "dim", `for ${span(now - since)}`]
    case "Waiting":
      return ["waits", "dim", `${doing.why}; next poll in ${span(doing.until - now)}`]
    case "Working": {
      const work = `"${doing.job.name}" ${stageOf(doing.job, now)}`
      return trouble === undefined
        ? ["works", "green", work]
        : ["works", "yellow", `${work}; it cannot poll: ${trouble}`]
    }
    case "Failing":
      return ["fails", "red", `${doing.why} (${doing.failures} in a row; next try in ${span(doing.until - now)})`]
    case "Drained":
      return ["drained", "yellow", ""]
  }
}

/** The stage clock of a job: the duration of each stage. */
export const stages = (job: JobProgress, now: number): string =>
  [
    ...job.stages.slice(1).map(({ stage, at }, n) => `${stage} ${span(at - (job.stages[n]?.at ?? at))}`),
    ...(job.stages.at(-1)?.stage === "clean" ? [] : [`now ${span(now - (job.stages.at(-1)?.at ?? now))}`])
  ].join(", ")

const COLOURS: Readonly<Record<string, Colour>> = { success: "green", failure: "red", cancelled: "yellow" }

/** How a job ended, and in which colour: as its CI says, or why it went back. */
export const endOf = ({ outcome, conclusion }: Ended): readonly [Colour | undefined, string] => [
  conclusion === undefined ? undefined : COLOURS[conclusion],
  conclusion ?? outcome
]

/** How old what is said of a queue is, where it is older than it should be; empty where it is not. */
export const ageOf = ({ seenAt, lateAt }: Pick<QueueSeen, "seenAt" | "lateAt">, now: number): string =>
  seenAt === 0 ? "not polled yet" : now > lateAt ? `as of ${span(now - seenAt)} ago` : ""
