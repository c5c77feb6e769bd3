/** All that the answer to `anklet why` follows from: a job as its CI, its store and this host know it. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { Template } from "../../domain/Job.ts"
import type { RateLimit } from "../../domain/RateLimit.ts"
import type { CiWords, Found, Missing } from "../../plugins/Plugin.ts"
import { Activity, type Note } from "../../services/Activity.ts"
import { Capacity, type Lack } from "../../services/Capacity.ts"
import type { JobRecord, Survey } from "../../services/Coordinator.ts"
import { Coordinators } from "../../services/Coordinators.ts"
import { Templates } from "../../services/Templates.ts"
import { DaemonInfo, type ServiceInfo } from "../DaemonInfo.ts"
import * as Status from "../Status.ts"

/** What is known of a job that a service watches. Times are in milliseconds since the epoch. */
export interface Facts {
  readonly ci: CiWords
  readonly found: Found
  readonly record: JobRecord
  readonly hosts: Survey["hosts"]
  /** Name of the host that polls the CI for all; empty where none is known. */
  readonly looker: string
  readonly lookedAt: number
  /** Nothing is claimed before this. */
  readonly claimsFrozenUntil: number
  readonly nameOf: (info: string) => string
  /** Id of this host in the store. */
  readonly self: string
  readonly note: Note | undefined
  /** Whether the template is on this host, or could be pulled now. */
  readonly isAvailable: boolean
  /** The memory that its VM would lack on this host, beside the VMs that run. */
  readonly lack: Option.Option<Lack>
  readonly limits: ReadonlyArray<RateLimit>
  readonly status: Status.Status
  /** Seconds between two polls of the service that watches the job. */
  readonly interval: number
  readonly now: number
}

/** What is known of the job that is asked about. */
export type Known =
  | { readonly _tag: "Facts"; readonly facts: Facts }
  | { readonly _tag: "NoStore"; readonly found: Found; readonly problem: string }
  | {
      readonly _tag: "NotFound"
      readonly text: string
      readonly cis: ReadonlyArray<CiWords>
      /** Why it leads to no job, as far as the plugins say. */
      readonly missing: ReadonlyArray<Missing>
      /** Why services could not ask their CIs. */
      readonly problems: ReadonlyArray<string>
    }

/** Ask the store and this host about a job that this service watches. */
const factsOf = Effect.fnUntraced(function* (service: ServiceInfo, found: Found) {
  const view = (yield* Coordinators).viewOf(service.name)
  const asked = yield* Effect.either(Effect.all([view.inspect(found.scope, found.key), view.survey(found.scope)]))
  if (Either.isLeft(asked)) return { _tag: "NoStore", found, problem: asked.left.message } satisfies Known
  const [record, survey] = asked.right
  const facts = yield* factsFrom(service, found, { record, survey, status: yield* Status.read() })
  return { _tag: "Facts", facts } satisfies Known
})

/** What the template of a job that waits says: whether it can be had now, and the memory that a VM of it would lack. */
export const templateFacts = Effect.fnUntraced(function* (template: Template, { vms }: Status.Status) {
  return {
    isAvailable: yield* (yield* Templates).available(template),
    lack:
      vms === null
        ? Option.none()
        : yield* (yield* Capacity).lack(
            template,
            vms.map(({ name }) => name)
          )
  }
})

/** All that is known of a job, from what its store and this host have answered. */
export const factsFrom = Effect.fnUntraced(function* (
  service: ServiceInfo,
  found: Found,
  { record, survey, status }: { readonly record: JobRecord; readonly survey: Survey; readonly status: Status.Status },
  ofTemplate: (template: Template) => ReturnType<typeof templateFacts> = (template) => templateFacts(template, status)
) {
  const view = (yield* Coordinators).viewOf(service.name)
  const facts: Facts = {
    ...survey,
    ci: service.words,
    found,
    record,
    looker: view.nameOf(survey.hosts.find(({ id }) => id === survey.looker)?.info ?? ""),
    nameOf: view.nameOf,
    self: view.self,
    note: yield* (yield* Activity).noted(found.key),
    ...(found.state === "queued" && Either.isRight(found.request)
      ? yield* ofTemplate(found.request.right.template)
      : { isAvailable: true, lack: Option.none() }),
    limits: Option.isSome(service.rateLimits) ? yield* service.rateLimits.value : [],
    status,
    interval: Duration.toSeconds(service.sleepInterval),
    now: yield* Clock.currentTimeMillis
  }
  return facts
})

/** Find the job of this address or number among those that the services of this host watch, and gather what is known of it. */
export const gather = Effect.fn("Why.gather")(function* (text: string) {
  const { services } = yield* DaemonInfo
  const problems: Array<string> = []
  for (const service of services) {
    const asked = yield* Effect.either(service.find(text))
    if (Either.isLeft(asked)) problems.push(`${service.name}: ${asked.left.message}`)
    else if (Option.isSome(asked.right)) return yield* factsOf(service, asked.right.value)
  }
  const cis = new Map(services.map(({ plugin, words }) => [plugin, words]))
  const missing = (yield* Effect.forEach(services, ({ missing }) => missing(text))).flatMap(Option.toArray)
  return { _tag: "NotFound", text, cis: [...cis.values()], missing, problems } satisfies Known
})
