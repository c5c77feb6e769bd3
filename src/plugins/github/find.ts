/** A job by its address or number, as GitHub tells it now: for whoever asks why it waits. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { type Found, PluginError, type ServiceContext } from "../../Plugin.ts"
import { GitHub, type Job } from "../../services/GitHub.ts"
import { askWithRun } from "./ask.ts"
import { credentialOf, type GitHubConfig, watchedOf } from "./config.ts"
import { plan } from "./labels.ts"
import { keyOf, scopeOf, toRequest } from "./request.ts"

/** Owner, repository and number of a job, from its address; from its number where the service watches one repository. */
const addressOf = (text: string, { owner, repo }: GitHubConfig) => {
  const [, ownerOf, repoOf, id] =
    text.match(/^\w+:\/\/[^/]+\/([^/]+)\/([^/]+)\/actions\/runs\/\d+\/jobs?\/(\d+)(?:[?#].*)?$/) ?? []
  if (ownerOf !== undefined && repoOf !== undefined && id !== undefined) {
    const isWatched =
      ownerOf.toLowerCase() === owner.toLowerCase() &&
      Option.match(repo, { onNone: () => true, onSome: (repo) => repo.toLowerCase() === repoOf.toLowerCase() })
    return isWatched ? Option.some({ owner: ownerOf, repo: repoOf, id: Number(id) }) : Option.none()
  }
  return /^\d+$/.test(text) ? Option.map(repo, (repo) => ({ owner, repo, id: Number(text) })) : Option.none()
}

const stateOf = ({ status, conclusion, runnerName }: Job): Pick<Found, "state" | "detail"> => {
  if (status === "completed") return { state: "over", detail: Option.getOrElse(conclusion, () => "unknown") }
  if (status === "in_progress") return { state: "running", detail: Option.getOrElse(runnerName, () => "a runner") }
  return { state: "queued", detail: status === "queued" ? "" : status }
}

/** Ask GitHub for the job. */
export const find = (_: ServiceContext, config: GitHubConfig, text: string) =>
  Effect.gen(function* () {
    const address = addressOf(text, config)
    if (Option.isNone(address)) return Option.none<Found>()
    const client = yield* (yield* GitHub).client(credentialOf(config))
    const job = yield* askWithRun(client, address.value).pipe(
      Effect.mapError((error) => new PluginError({ reason: "Failed", detail: error.message, cause: error }))
    )
    if (job === "gone") return Option.none<Found>()
    const scope = scopeOf(watchedOf(config), config.api_url)
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
