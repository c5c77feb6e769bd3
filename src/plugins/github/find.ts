/** A job by its address or number, as GitHub reports it now: for `anklet why`. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { GitHub, type GitHubClient, type Job } from "../../services/GitHub.ts"
import { type Found, PluginError, type ServiceContext } from "../Plugin.ts"
import { askWithRun, type JobAddress } from "./ask.ts"
import { credentialOf, type GitHubConfig, type Part, partsOf, watchedOf } from "./config.ts"
import { plan } from "./labels.ts"
import { keyOf, scopeOf, toRequest } from "./request.ts"
import { HELD_BACK } from "./words.ts"

/** What a job's address names; its number where the service watches one repository. */
const addressOf = (
  text: string,
  [{ owner, repo }, ...others]: ReturnType<typeof partsOf>
): Option.Option<JobAddress> => {
  const [, ownerOf, repoOf, id] =
    text.match(/^\w+:\/\/[^/]+\/([^/]+)\/([^/]+)\/actions\/runs\/\d+\/jobs?\/(\d+)(?:[?#].*)?$/) ?? []
  if (ownerOf !== undefined && repoOf !== undefined && id !== undefined)
    return Option.some({ owner: ownerOf, repo: repoOf, id: Number(id) })
  return /^\d+$/.test(text) && others.length === 0
    ? Option.map(repo, (repo) => ({ owner, repo, id: Number(text) }))
    : Option.none()
}

const isSame = (a: string, b: string) => a.toLowerCase() === b.toLowerCase()

/** Whether a scope has the repository of this address: one that was renamed has more than one name, and one number. */
const watches = (client: GitHubClient, { owner, repo }: Part, address: JobAddress) =>
  Effect.gen(function* () {
    const isNamed =
      isSame(address.owner, owner) &&
      Option.match(repo, { onNone: () => true, onSome: (repo) => isSame(address.repo, repo) })
    if (isNamed) return true
    const meant = yield* client.repository(address.owner, address.repo)
    if (Option.isNone(repo)) return isSame(meant.owner, owner)
    const watched = yield* client.repository(owner, repo.value)
    return watched.id === meant.id
  }).pipe(
    Effect.catchIf(
      ({ reason }) => reason === "NotFound" || reason === "Forbidden",
      () => Effect.succeed(false)
    )
  )

const stateOf = ({ status, conclusion, runnerName }: Job): Pick<Found, "state" | "detail" | "waitsFor"> => {
  if (status === "completed") return { state: "over", detail: Option.getOrElse(conclusion, () => "unknown") }
  if (status === "in_progress") return { state: "running", detail: Option.getOrElse(runnerName, () => "a runner") }
  if (status !== "queued") return { state: "queued", detail: status, waitsFor: HELD_BACK }
  return { state: "queued", detail: "" }
}

/** Ask GitHub for the job. */
export const find = (_: ServiceContext, config: GitHubConfig, text: string) =>
  Effect.gen(function* () {
    const parts = partsOf(config)
    const address = addressOf(text, parts)
    if (Option.isNone(address)) return Option.none<Found>()
    const github = yield* GitHub
    const opened = yield* Effect.forEach(parts, (part) =>
      Effect.map(github.client(credentialOf(part)), (client) => ({ part, client }))
    )
    const asked = yield* Effect.findFirst(opened, ({ part, client }) => watches(client, part, address.value)).pipe(
      Effect.flatMap(
        Option.match({
          onNone: () => Effect.succeed("gone" as const),
          onSome: ({ client }) => askWithRun(client, address.value)
        })
      ),
      Effect.mapError((error) => new PluginError({ reason: "Failed", detail: error.message, cause: error }))
    )
    if (asked === "gone") return Option.none<Found>()
    const job = asked
    const named = yield* Effect.forEach(opened, ({ part, client }) =>
      Effect.orElseSucceed(client.named(watchedOf(part)), () => watchedOf(part))
    )
    const scope = scopeOf(named, config.api_url)
    const planned = plan(job.labels, job.runId)
    const found: Found = {
      key: keyOf(job),
      scope,
      name: job.name,
      url: job.url,
      ...stateOf(job),
      request: Option.match(planned, {
        onNone: () => Either.left("it names no template: a label anka-template:UUID makes it Anklet's"),
        onSome: Either.match({
          onLeft: (refusal) => Either.left(`its labels cannot be satisfied: ${refusal}`),
          onRight: () => Either.fromOption(toRequest(scope, job), () => "its labels cannot be satisfied")
        })
      }),
      doubts: Option.match(Option.flatMap(planned, Either.getRight), {
        onNone: () => [],
        onSome: ({ doubts }) => doubts
      })
    }
    return Option.some(found)
  })
