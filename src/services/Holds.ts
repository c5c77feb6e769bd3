/** What a person asked to be kept for inspection: the VM of a job, of a template's next failure, or of the next failure at all. */

import type { PlatformError } from "@effect/platform/Error"
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import { isCalled } from "../domain/Called.ts"
import type { Conclusion, JobRequest } from "../domain/Job.ts"
import * as Files from "../files/Files.ts"

/** One request. It is met by one failed job, and forgotten after a day. */
export const Request = Schema.Struct({
  /** What it is about; `next` has an empty `named`. */
  kind: Schema.Literal("job", "template", "next"),
  /** Name, number or address of the job, or the template as labels name it. */
  named: Schema.String,
  /** When it was made, in milliseconds since the epoch. */
  at: Schema.Number,
  /** Lifetime of the VM from then on, in milliseconds. */
  keepFor: Schema.Number,
  /** Whether it is kept although another job needs its place. */
  firm: Schema.Boolean
})
export type Request = typeof Request.Type

/** A job that came to its end, or to that of one try, in a VM of this host. */
export interface Failed {
  readonly job: JobRequest
  readonly vm: string
  readonly runner: string
  /** None if the job has not run. */
  readonly conclusion: Option.Option<Conclusion>
}

/** Name of the file in `state_dir`. */
export const FILE_NAME = "holds.json"
/** Maximum number of requests; beyond it, the oldest are forgotten. */
const REQUESTS = 20
/** A request that no failure has met is forgotten after this. */
export const FORGOTTEN_AFTER = Duration.days(1)

/** Conclusions for which nobody looks into a VM, even if he asked for that job. */
const FINE: ReadonlySet<Conclusion> = new Set(["success", "skipped", "neutral"])
/** Conclusions of which somebody may want to see the cause: an operator has cancelled the others. */
const BAD: ReadonlySet<Conclusion> = new Set(["failure", "timed_out", "startup_failure"])

/** Whether a failed job meets a request. */
export const meets = ({ kind, named }: Request, { job, vm, runner, conclusion }: Failed): boolean => {
  if (kind === "job") {
    const names = { name: job.name, url: `${job.fields.jobURL ?? ""}`, vm, runner }
    return isCalled(named)(names) && !Option.exists(conclusion, (it) => FINE.has(it))
  }
  if (!Option.match(conclusion, { onNone: () => true, onSome: (it) => BAD.has(it) })) return false
  return kind === "next" || named === job.template.id || named === `${job.template}`
}

/** Requests in a few words: `the next failure`. */
export const words = ({ kind, named }: Pick<Request, "kind" | "named">): string => {
  switch (kind) {
    case "job":
      return `job ${named}`
    case "template":
      return `the next failure of template ${named}`
    case "next":
      return "the next failure"
  }
}

/** The requests of a host. */
interface Requests {
  /** Those in force, the oldest first. */
  readonly all: Effect.Effect<ReadonlyArray<Request>>
  /** The oldest one that a failed job meets. */
  readonly metBy: (failed: Failed) => Effect.Effect<Option.Option<Request>>
  /** Adds one. Fails if it cannot be kept on the disk. */
  readonly add: (request: Request) => Effect.Effect<void, Files.Untrusted | PlatformError>
  /** Forgets those for which this holds; best effort on the disk. Gives their number. */
  readonly forget: (which: (request: Request) => boolean) => Effect.Effect<number>
}

const File = Schema.parseJson(Schema.Array(Request))
const decode = Schema.decodeOption(File)
const encode = Schema.encodeSync(File)

/** What is to be kept; nothing, unless the layer is provided. */
export class Holds extends Context.Reference<Holds>()("anklet/Holds", {
  defaultValue: (): Requests => ({
    all: Effect.succeed([]),
    metBy: () => Effect.succeedNone,
    add: () => Effect.void,
    forget: () => Effect.succeed(0)
  })
}) {
  /** Kept in a file of `state_dir`, so that a restart does not forget them. */
  static readonly layer = (stateDir: string) =>
    Layer.effect(
      Holds,
      Effect.gen(function* () {
        const fs = yield* FileSystem
        const paths = yield* Path
        const file = paths.join(stateDir, FILE_NAME)
        const provided = Effect.provideService(FileSystem, fs)
        const found = yield* Effect.orElseSucceed(Files.readText(file), () => Option.none<string>())
        const requests = yield* Ref.make(Option.getOrElse(Option.flatMap(found, decode), () => [] as typeof File.Type))
        const all = Effect.zipWith(Ref.get(requests), Clock.currentTimeMillis, (all, now) =>
          all.filter(({ at }) => now - at < Duration.toMillis(FORGOTTEN_AFTER))
        )
        const save = (next: ReadonlyArray<Request>) =>
          Effect.zipRight(Ref.set(requests, next), provided(Files.replace(file, encode(next))))
        return {
          all,
          metBy: (failed) => Effect.map(all, (all) => Option.fromNullable(all.find((it) => meets(it, failed)))),
          add: (request) => Effect.flatMap(all, (all) => save([...all, request].slice(-REQUESTS))),
          forget: (which) =>
            Effect.gen(function* () {
              const before = yield* all
              const after = before.filter((it) => !which(it))
              if (after.length < before.length) yield* Effect.ignore(save(after))
              return before.length - after.length
            })
        }
      })
    )
}
