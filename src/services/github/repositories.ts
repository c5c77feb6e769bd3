/** An organisation's repositories, and which of them one look looks at: GitHub lists runs by repository only. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { GitHubError } from "../GitHub.ts"
import type { Requests } from "./requests.ts"
import * as schemas from "./schemas.ts"

/** The list of repositories is asked for so often, in milliseconds. */
const EVERY = 60_000
/** Of the quiet repositories so many are looked at in one look, in turn; those with active runs always. */
const QUIET_PER_LOOK = 20

/** One repository, by its names. */
export interface Repository {
  readonly owner: string
  readonly repo: string
}

/** `owner/repo`. */
export const nameOf = ({ owner, repo }: Repository): string => `${owner}/${repo}`

/** The repositories of `owner`, or those of them that an App's installation may see. Archived and disabled ones run nothing. */
export const make = (requests: Requests, owner: string, installation: boolean) => {
  let known: { readonly at: number; readonly list: ReadonlyArray<Repository> } | undefined
  let turn = 0

  const ask = installation
    ? requests.list("poll", "GET /installation/repositories", {}, schemas.InstallationRepositories)
    : requests.list("poll", "GET /orgs/{org}/repos", { org: owner, sort: "pushed" }, schemas.Repositories)

  const list = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    // a list from the future was made before the clock was set back
    if (known !== undefined && known.at <= now && now - known.at < EVERY) return known.list
    const found = yield* ask
    const usable = found.filter(
      (it) => !it.archived && !it.disabled && it.owner.login.toLowerCase() === owner.toLowerCase()
    )
    // a page may shift while the list is walked, and name one twice
    const names = new Set(usable.map(({ name }) => name))
    known = { at: now, list: Array.from(names, (repo) => ({ owner, repo })) }
    return known.list
  })

  /** Those with active runs, and the next few of the others. */
  return (isActive: (repository: Repository) => boolean): Effect.Effect<ReadonlyArray<Repository>, GitHubError> =>
    Effect.map(list, (list) => {
      const quiet = list.filter((repository) => !isActive(repository))
      const start = quiet.length === 0 ? 0 : turn % quiet.length
      turn = start + QUIET_PER_LOOK
      return [...list.filter(isActive), ...[...quiet.slice(start), ...quiet.slice(0, start)].slice(0, QUIET_PER_LOOK)]
    })
}
