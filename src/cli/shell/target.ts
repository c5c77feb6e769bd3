/** Which VM a person means: that of a job, of a service, or one by its name. Pure. */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type { Holding } from "../../control/Holding.ts"
import type { Jobs } from "../../control/Jobs.ts"
import { isCalled } from "../../domain/Called.ts"
import { hiding } from "../../secrets/Secrets.ts"
import type { Past } from "../../services/History.ts"
import { UsageError } from "../anklet.ts"

/** What was named has no VM on this Mac now; `detail` says why, and what to do. */
export class NoVm extends hiding(Schema.TaggedError<NoVm>()("NoVm", { detail: Schema.String })) {
  override get message() {
    return this.detail
  }
}

/** What is known of jobs. */
export interface Known {
  readonly running: ReadonlyArray<Pick<Jobs["running"][number], "name" | "url" | "host" | "service" | "vm" | "runner">>
  readonly waiting: ReadonlyArray<Pick<Jobs["waiting"][number], "name" | "url" | "reason">>
  /** Stores that did not answer. */
  readonly problems: ReadonlyArray<string>
  /** Names of this daemon's services. */
  readonly services: ReadonlyArray<string>
  /** Jobs that ended here, the newest first. */
  readonly ended: ReadonlyArray<Pick<Past, "job">>
  /** VMs on this Mac that are kept for inspection, the newest first. */
  readonly held: ReadonlyArray<Pick<Holding["held"][number], "vm" | "name" | "url">>
}

/** How this Mac is called in an answer of its own daemon. */
const HERE = "this host"

/** Why there is no VM. */
const none = (asked: string, { running, waiting, problems, services, ended }: Known): string => {
  const isMeant = isCalled(asked)
  const elsewhere = running.find((job) => isMeant(job))
  if (elsewhere !== undefined)
    return `"${elsewhere.name}" runs on ${elsewhere.host}, not on this Mac: run this command there`
  const queued = waiting.find(isMeant)
  if (queued !== undefined) return `"${queued.name}" waits, and has no VM yet: ${queued.reason}`
  if (services.includes(asked)) return `${asked} has no job now; "anklet jobs" lists those that run`
  const over = ended.find(({ job }) =>
    isMeant({ name: job.name, url: `${job.fields.jobURL ?? ""}`, vm: job.vm, runner: job.runner })
  )
  if (over !== undefined) return `"${over.job.name}" has ended, and its VM is removed; "anklet jobs" says how it ended`
  const here = running.filter(({ host }) => host === HERE).map(({ service, name }) => `${service} ("${name}")`)
  return [
    `"${asked}" is no job, VM, runner or service that this daemon knows`,
    here.length === 0 ? "no job runs on this Mac now" : `jobs run on ${here.join(", ")}`,
    ...problems.map((problem) => `other Macs may know it, but ${problem}`)
  ].join("; ")
}

/** What a person typed, without what a browser adds to an address. */
const askedFor = (text: string): string => text.trim().replace(/[?#].*$/, "")

const here = (asked: string, { running }: Known) => {
  const isMeant = isCalled(asked)
  return running.filter((job) => job.host === HERE && (job.service === asked || isMeant(job)))
}

/**
 * The job that is meant, by its address or, where it has none, its name: one that this Mac runs, or that waits. What has
 * ended, or runs on another Mac, cannot be kept here.
 */
export const jobOf = (text: string, known: Known): Either.Either<string, NoVm> => {
  const asked = askedFor(text)
  const job = here(asked, known)[0] ?? known.waiting.find(isCalled(asked))
  return job === undefined ? Either.left(new NoVm({ detail: none(asked, known) })) : Either.right(job.url || job.name)
}

/** The name of the VM that is meant. A job of this Mac goes before one of another with the same name. */
export const targetOf = (text: string, known: Known): Either.Either<string, NoVm | UsageError> => {
  const asked = askedFor(text)
  const found = here(asked, known)
  const [job, ...others] = found
  if (job === undefined) {
    const kept = known.held.find(isCalled(asked))
    return kept === undefined ? Either.left(new NoVm({ detail: none(asked, known) })) : Either.right(kept.vm)
  }
  if (others.length > 0)
    return Either.left(
      new UsageError({
        detail: `"${asked}" may be the job of ${found.map(({ service }) => service).join(" or of ")}: name the service`
      })
    )
  return job.vm === ""
    ? Either.left(
        new NoVm({ detail: `"${job.name}" has no VM yet: ${job.service} prepares it; try again in a moment` })
      )
    : Either.right(job.vm)
}
