/** GitHub Actions as the CI of a service: what the course of a job asks of it. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { JobRequest, Scope } from "../../domain/Job.ts"
import type { Ci, JobRef, Remark, Taken } from "../../job/Ci.ts"
import * as Pass from "../../job/Pass.ts"
import type { Anka } from "../../services/Anka.ts"
import type { Capacity } from "../../services/Capacity.ts"
import { GitHub, type GitHubClient, type GitHubError, type Job, type Look } from "../../services/GitHub.ts"
import type { Ledger } from "../../services/Ledger.ts"
import type { ServiceContext } from "../Plugin.ts"
import { ask, askWithRun, type JobAddress } from "./ask.ts"
import { credentialOf, type GitHubConfig, levelOf, type Part, partsOf, termsOfAll, watchedOf } from "./config.ts"
import * as confine from "./confine.ts"
import { asCi } from "./errors.ts"
import { isAtWork, RUNNER } from "./program.ts"
import { termsOf } from "./refusal.ts"
import { registryOf } from "./registry.ts"
import { about, JobDetail, keyOf, scopeOf, sort, toRequest } from "./request.ts"
import { type Member, together } from "./together.ts"

/** What keeps jobs from an organisation's runners in silence: docs.github.com, "Managing access to self-hosted runners using groups". */
const GROUPS =
  ': its runner group must let the job\'s repository in; if that is public, the group must "Allow public repositories"'

/** Whether a job is one of a scope of the config, also by the names that they have at GitHub now. */
const isOfPart = (client: GitHubClient, part: Part, address: JobAddress) => {
  const watched = watchedOf(part)
  return confine.isWatched(watched, address)
    ? Effect.succeed(true)
    : Effect.map(client.named(watched), (now) => confine.isWatched(now, address))
}

/** What a person should know of the jobs of a poll. */
const remarksOf = ({ refused, doubted, broken }: ReturnType<typeof sort>): ReadonlyArray<Remark> => [
  ...refused.map(([job, why]) => ({
    about: `labels of ${job.url}`,
    text: `labels cannot be satisfied: ${why}`,
    fields: about(job),
    unfit: Option.some({ job: keyOf(job), why: `its labels cannot be satisfied: ${why}` })
  })),
  ...doubted.map(([job, why]) => ({
    about: `labels of ${job.url}`,
    text: `labels may be mistyped: ${why}`,
    fields: about(job),
    unfit: Option.none()
  })),
  ...broken.map(([job, why]) => ({
    about: `job ${job.id} is left out`,
    text: `job ${job.id} is left out, the others are taken: nothing can be made of it: ${why}`,
    fields: {},
    unfit: Option.none()
  }))
]

const polledOf = (scope: Scope, { jobs, isWhole, nothing }: Look) => {
  const sorted = sort(
    scope,
    jobs.filter(({ status }) => status === "queued")
  )
  return { requests: sorted.requests, remarks: remarksOf(sorted), isPartial: !isWhole, nothing }
}

const takenOf = (scope: Scope, job: Job): Taken => ({
  key: keyOf(job),
  detail: { owner: job.owner, repo: job.repo, id: job.id },
  url: job.url,
  request: toRequest(scope, job)
})

const addressOf = ({ detail }: JobRef) => Schema.decodeUnknown(JobDetail)(detail).pipe(Effect.orDie)

/** One scope of a service, with a client that is open as long as the effect's scope. */
const scopeMember = Effect.fnUntraced(function* (
  service: ServiceContext,
  part: Part,
  isOfService: (address: JobAddress) => Effect.Effect<boolean, GitHubError>
) {
  const client = yield* (yield* GitHub).client(credentialOf(part))
  const watched = watchedOf(part)
  const isOurs = (address: JobAddress) => isOfPart(client, part, address)
  const registry = registryOf({ client, part, service, isOurs: isOfService })
  const terms = termsOf(part)
  const ci: Ci<Job, Anka | Capacity | Ledger> = {
    name: "GitHub",
    fields: {
      owner: part.owner,
      ...Option.match(part.repo, { onNone: () => ({}), onSome: (repo) => ({ repo }) })
    },
    // hosts whose configs call a renamed repository by different names share one queue
    scope: asCi(Effect.map(client.named(watched), (named) => scopeOf([named], part.api_url))),
    terms: termsOfAll([part]),
    poll: (scope) => asCi(Effect.map(client.look(watched, 0), (look) => polledOf(scope, look))),
    admitted: asCi(client.admitted),
    isOurs: ({ detail }: JobRequest) =>
      Option.match(Schema.decodeUnknownOption(JobDetail)(detail), {
        onNone: () => Effect.succeed(false),
        onSome: (address) => asCi(isOurs(address))
      }),
    state: (job, thorough) =>
      Effect.flatMap(addressOf(job), (address) => asCi((thorough ? askWithRun : ask)(client, address))),
    taken: (runner, scope) =>
      asCi(
        Effect.map(client.look(watched, 0), ({ jobs }) =>
          Option.map(Option.fromNullable(jobs.find((job) => Option.contains(job.runnerName, runner))), (job) =>
            takenOf(scope, job)
          )
        )
      ),
    registry,
    refusals: { of: () => Effect.succeed(terms), all: [terms] },
    program: RUNNER,
    isAtWork,
    idleHint: levelOf(part)._tag === "Organisation" ? GROUPS : "",
    registrationTimeout: Duration.seconds(part.registration_timeout),
    tell: (job, why) =>
      Effect.flatMap(addressOf(job), ({ owner, repo, id }) => client.job(owner, repo, id)).pipe(
        Effect.flatMap((job) => client.tell(job, "Anklet cannot run this job", why)),
        Effect.catchAll((error) => Effect.logDebug(error.message)),
        Effect.asVoid
      )
  }
  return { part, ci, named: asCi(client.named(watched)), isOurs } satisfies Member & { readonly isOurs: unknown }
})

/** The CI of a service, with clients that are open as long as the scope. */
export const make = Effect.fnUntraced(function* (service: ServiceContext, config: GitHubConfig) {
  const parts = partsOf(config)
  const all: Array<Effect.Effect.Success<ReturnType<typeof scopeMember>>> = []
  /** Whether a job is of any scope of the service: scopes may have their runners at the same place. */
  const isOfService = (address: JobAddress) =>
    parts.some((part) => confine.isWatched(watchedOf(part), address))
      ? Effect.succeed(true)
      : Effect.exists(all, ({ isOurs }) => isOurs(address))
  for (const part of parts) all.push(yield* scopeMember(service, part, isOfService))
  const [first, ...others] = all
  if (first === undefined) return yield* Effect.dieMessage("a service watches nothing")
  return others.length === 0 ? first.ci : together([first, ...others], config.api_url)
})

/** Make one pass. */
export const run = (service: ServiceContext, config: GitHubConfig) =>
  Effect.flatMap(make(service, config), (ci) => Pass.run(service, ci))

/** Look for jobs, and claim none. */
export const look = (service: ServiceContext, config: GitHubConfig) =>
  Effect.flatMap(make(service, config), (ci) => Pass.look(service, ci))
