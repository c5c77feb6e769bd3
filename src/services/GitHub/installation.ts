/**
 * The client of a GitHub App whose installation is not known: it is looked up before the first request, and again if
 * GitHub refuses the App.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { GitHubClient, GitHubError, InstalledApp } from "../GitHub.ts"
import { notInstalled } from "./errors.ts"
import type { Requests } from "./requests.ts"
import * as schemas from "./schemas.ts"

/**
 * The installation's number, requested as the App itself (docs.github.com/rest/apps/apps): that of a repository, or
 * that of an organisation or else a user.
 *
 * Fails with `Unauthorized` if the App is not installed.
 */
export const lookUp = (
  requests: Requests,
  { appId, owner, repo }: InstalledApp
): Effect.Effect<number, GitHubError> => {
  const ask = (route: string, parameters: Readonly<Record<string, string>>) =>
    Effect.map(requests.get("essential", route, parameters, schemas.Installation), ({ id }) => id)
  const found = Option.match(repo, {
    onSome: (repo) => ask("GET /repos/{owner}/{repo}/installation", { owner, repo }),
    onNone: () =>
      Effect.catchIf(
        ask("GET /orgs/{org}/installation", { org: owner }),
        ({ reason }) => reason === "NotFound",
        () => ask("GET /users/{username}/installation", { username: owner })
      )
  })
  const where = Option.match(repo, { onNone: () => owner, onSome: (repo) => `${owner}/${repo}` })
  return Effect.catchIf(
    found,
    ({ reason }) => reason === "NotFound",
    ({ request }) => notInstalled(request, appId, where)
  )
}

/** `look` returns the installation, `open` makes its client. */
export const make = (
  look: Effect.Effect<number, GitHubError>,
  open: (installation: number) => Effect.Effect<GitHubClient>
): GitHubClient => {
  let known: { readonly id: number; readonly client: GitHubClient } | undefined
  let isDoubted = false
  const lock = Effect.unsafeMakeSemaphore(1)

  const find = Effect.gen(function* () {
    if (known !== undefined && !isDoubted) return known.client
    const id = yield* look
    if (known?.id !== id) known = { id, client: yield* open(id) }
    isDoubted = false
    return known.client
  }).pipe(lock.withPermits(1))

  const use = <A>(ask: (client: GitHubClient) => Effect.Effect<A, GitHubError>): Effect.Effect<A, GitHubError> =>
    Effect.tapError(Effect.flatMap(find, ask), ({ reason }) =>
      Effect.sync(() => {
        // an App that was reinstalled has another number
        if (reason === "Unauthorized") isDoubted = true
      })
    )

  return {
    look: (...asked) => use(({ look }) => look(...asked)),
    admitted: use(({ admitted }) => admitted),
    credential: use(({ credential }) => credential),
    tryLook: (...asked) => use(({ tryLook }) => tryLook(...asked)),
    job: (...asked) => use(({ job }) => job(...asked)),
    createRunner: (...asked) => use(({ createRunner }) => createRunner(...asked)),
    runners: (...asked) => use(({ runners }) => runners(...asked)),
    runner: (...asked) => use(({ runner }) => runner(...asked)),
    runnerByName: (...asked) => use(({ runnerByName }) => runnerByName(...asked)),
    removeRunner: (...asked) => use(({ removeRunner }) => removeRunner(...asked)),
    named: (...asked) => use(({ named }) => named(...asked)),
    repository: (...asked) => use(({ repository }) => repository(...asked)),
    run: (...asked) => use(({ run }) => run(...asked)),
    groups: (...asked) => use(({ groups }) => groups(...asked)),
    tell: (...asked) => use(({ tell }) => tell(...asked))
  }
}
