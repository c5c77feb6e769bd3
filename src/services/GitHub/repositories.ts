/**
 * What is watched, by its current names, and which of an organisation's repositories one poll reads: GitHub lists runs
 * by repository only.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { type GitHubError, type Repository, Watched } from "../GitHub.ts"
import { isForAll, isRefused } from "./parts.ts"
import type { Requests } from "./requests.ts"
import * as schemas from "./schemas.ts"

/** Interval between requests for what is watched, in milliseconds. */
const EVERY = 60_000
/** Maximum number of quiet repositories in one poll, which take turns; those with active runs are always read. */
export const QUIET_PER_LOOK = 20
/** Number of the most recently pushed repositories that each poll of an organisation requests. */
const PUSHED = 30
/** Time in milliseconds for which every poll reads a repository after a push: its run appears a little later. */
const EXPECTING = 60_000

/** `owner/repo`. */
export const nameOf = ({ owner, repo }: Pick<Repository, "owner" | "repo">): string => `${owner}/${repo}`

const isSame = (a: string, b: string) => a.toLowerCase() === b.toLowerCase()

type Listed = typeof schemas.Repository.Type

const toRepository = ({ id, name, owner }: Listed): Repository => ({ id, owner: owner.login, repo: name })

const openOf = (found: ReadonlyArray<Listed>) => found.filter((it) => !it.private).map((it) => nameOf(toRepository(it)))

/** What is known about what is watched. */
export interface Known {
  readonly repositories: ReadonlyArray<Repository>
  /** Why there is nothing to poll; empty if there is something. */
  readonly nothing: string
  /** A message that it was renamed; empty if it was not. */
  readonly renamed: string
  /** Why the list is incomplete. */
  readonly missing: Option.Option<GitHubError>
  /** Names of the public ones. */
  readonly open: ReadonlyArray<string>
}

const NOTHING: Known = { repositories: [], nothing: "", renamed: "", missing: Option.none(), open: [] }

const unlessForAll = <A>(question: Effect.Effect<A, GitHubError>) =>
  Effect.flatMap(Effect.either(question), (answer) =>
    Either.isLeft(answer) && isForAll(answer.left) ? answer.left : Effect.succeed(answer)
  )

/** The repository with this current or former name. */
export const find = (requests: Requests, owner: string, repo: string) =>
  Effect.map(requests.get("poll", "GET /repos/{owner}/{repo}", { owner, repo }, schemas.Repository), toRepository)

/**
 * One repository, as GitHub reports it. `asks.actions`: whether to ask if Actions is enabled, which requires a
 * permission of its own.
 */
const single = (requests: Requests, owner: string, repo: string, asks: { actions: boolean }) =>
  Effect.gen(function* () {
    const it = yield* requests.get("poll", "GET /repos/{owner}/{repo}", { owner, repo }, schemas.Repository)
    const found = toRepository(it)
    const [from, to] = [`${owner}/${repo}`, nameOf(found)]
    const isOff = asks.actions && !it.archived && !it.disabled ? yield* isSwitchedOff(requests, found, asks) : false
    const known: Known = {
      repositories: [found],
      nothing: it.archived
        ? `${to} is archived, so none of its jobs is ever queued`
        : it.disabled
          ? `${to} is disabled by GitHub, so none of its jobs is ever queued`
          : isOff
            ? `Actions is switched off in ${to}: switch it on in its settings, Actions > General`
            : "",
      renamed: isSame(from, to)
        ? ""
        : `${from} is called ${to} now: change owner and repo in the config, before a new repository takes the former name`,
      missing: Option.none(),
      open: openOf([it])
    }
    return known
  })

const isSwitchedOff = (requests: Requests, { owner, repo }: Repository, asks: { actions: boolean }) =>
  Effect.map(
    unlessForAll(
      requests.get("poll", "GET /repos/{owner}/{repo}/actions/permissions", { owner, repo }, schemas.Permissions)
    ),
    (answer) => {
      if (Either.isLeft(answer) && isRefused(answer.left)) asks.actions = false
      return Either.isRight(answer) && !answer.right.enabled
    }
  )

/** A repository about which GitHub reports nothing: its runs are requested nevertheless. */
const untold = (owner: string, repo: string): Known => ({ ...NOTHING, repositories: [{ id: 0, owner, repo }] })

/** Why an organisation cannot be listed that GitHub does not know by this name. */
const absent = (requests: Requests, owner: string) =>
  Effect.map(
    unlessForAll(requests.get("poll", "GET /users/{username}", { username: owner }, schemas.Account)),
    (account) =>
      Either.isLeft(account)
        ? `there is no organisation ${owner}, or none that this credential may see: check owner in the config, and whether the organisation was renamed or deleted`
        : account.right.type === "User"
          ? `${owner} is a user's account and no organisation: name its repositories one by one, with owner and repo`
          : `the repositories of ${owner} are not shown to this credential: give the token or App access to the organisation`
  )

/** Why none of these is usable. */
const useless = (owner: string, found: ReadonlyArray<Listed>, installation: boolean): string => {
  const ours = found.filter((it) => isSame(it.owner.login, owner))
  const [other] = found
  if (ours.length > 0) return `all ${ours.length} repositories of ${owner} are archived or disabled`
  if (other !== undefined)
    return `the App's installation shows repositories of ${other.owner.login} and none of ${owner}: check owner and installation_id in the config, and whether ${owner} was renamed`
  return installation
    ? `the App's installation shows no repository: select repositories of ${owner} in its settings`
    : `${owner} has no repository, or none that this credential may see`
}

const isUsable = (owner: string) => (it: Listed) => !it.archived && !it.disabled && isSame(it.owner.login, owner)

/**
 * The repositories of an organisation, or those of them that an App's installation may see, each with the time of its
 * last push.
 */
const listed = (requests: Requests, owner: string, installation: boolean) =>
  Effect.gen(function* () {
    const { items: found, missing } = yield* installation
      ? requests.some("poll", "GET /installation/repositories", {}, schemas.InstallationRepositories)
      : requests.some("poll", "GET /orgs/{org}/repos", { org: owner, sort: "pushed" }, schemas.Repositories)
    // a page may shift while the list is read, and contain a repository twice
    const usable = [...new Map(found.filter(isUsable(owner)).map((it) => [it.id, it])).values()]
    const nothing = usable.length > 0 || Option.isSome(missing) ? "" : useless(owner, found, installation)
    return { usable, nothing, missing }
  }).pipe(
    Effect.catchIf(
      ({ reason }) => reason === "NotFound",
      () =>
        Effect.map(absent(requests, owner), (nothing) => ({
          usable: [] as Listed[],
          nothing,
          missing: Option.none<GitHubError>()
        }))
    )
  )

/** Requests what is watched, once. */
export const look = (requests: Requests, { owner, repo }: Watched, installation: boolean) =>
  Option.match(repo, {
    onSome: (repo) =>
      Effect.map(
        unlessForAll(single(requests, owner, repo, { actions: true })),
        Either.getOrElse(() => untold(owner, repo))
      ),
    onNone: () =>
      Effect.map(
        listed(requests, owner, installation),
        ({ usable, nothing, missing }): Known => ({
          repositories: usable.map(toRepository),
          nothing,
          renamed: "",
          missing,
          open: openOf(usable)
        })
      )
  })

/** The repositories of one poll. */
export interface Chosen extends Known {
  /** Whether GitHub answered during this poll. */
  readonly answered: boolean
}

/** Follows what is watched with one credential. */
export const make = (requests: Requests, watched: Watched, installation: boolean) => {
  const { owner } = watched
  let known: { readonly at: number; readonly it: Known } | undefined
  let turn = 0
  /** When each was last pushed to, in GitHub's words, and until when its run is expected. */
  const pushes = new Map<number, { readonly at: string; readonly until: number }>()
  let listless = 0
  const told = { nothing: "", renamed: "" }

  const pushed = (repositories: ReadonlyArray<Listed>, now: number) => {
    const isFirst = pushes.size === 0
    for (const { id, pushed_at } of repositories) {
      if (pushes.get(id)?.at !== pushed_at) pushes.set(id, { at: pushed_at, until: isFirst ? 0 : now + EXPECTING })
    }
  }

  const asks = { actions: true }
  const ask = Option.match(watched.repo, {
    onSome: (repo) => single(requests, owner, repo, asks),
    onNone: (): Effect.Effect<Known, GitHubError> =>
      Effect.gen(function* () {
        const { usable, nothing, missing } = yield* listed(requests, owner, installation)
        pushed(usable, yield* Clock.currentTimeMillis)
        const repositories = usable.map(toRepository)
        const ids = new Set(repositories.map(({ id }) => id))
        // repositories that were known before may be on a missing page
        const kept = Option.isSome(missing) ? (known?.it.repositories ?? []).filter(({ id }) => !ids.has(id)) : []
        for (const id of pushes.keys()) if (!ids.has(id) && kept.length === 0) pushes.delete(id)
        return { repositories: [...repositories, ...kept], nothing, renamed: "", missing, open: openOf(usable) }
      })
  })

  /** Logs what a person must know once, and once when it no longer applies. */
  const tell = (it: Known) =>
    Effect.gen(function* () {
      const before = { ...told }
      Object.assign(told, { nothing: it.nothing, renamed: it.renamed })
      if (it.nothing !== before.nothing) {
        yield* it.nothing === ""
          ? Effect.logInfo(`there is something to watch at ${watched.fullName} again`)
          : Effect.logWarning(`nothing is watched: ${it.nothing}`)
      }
      if (it.renamed !== before.renamed && it.renamed !== "") yield* Effect.logWarning(it.renamed)
    })

  /**
   * What is watched, at most a minute old, requested once for all services. What cannot be requested now stays as it
   * was.
   */
  const current = Effect.unsafeMakeSemaphore(1).withPermits(1)(
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      // a list from the future dates from before the clock was set back
      if (known !== undefined && known.at <= now && now - known.at < EVERY) return { it: known.it, answered: false }
      const asked = yield* unlessForAll(ask)
      const before = known?.it ?? Option.getOrUndefined(Option.map(watched.repo, (repo) => untold(owner, repo)))
      if (Either.isLeft(asked) && before === undefined) return yield* asked.left
      const it: Known = Either.isRight(asked)
        ? asked.right
        : // a single repository needs no list
          { ...(before ?? NOTHING), missing: Option.isNone(watched.repo) ? Option.some(asked.left) : Option.none() }
      known = { at: now, it }
      yield* tell(it)
      return { it, answered: Either.isRight(asked) }
    })
  )

  /** Puts recently pushed repositories first. */
  const front = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    if (listless <= now && now < listless + EVERY) return false
    const page = yield* unlessForAll(
      requests.get(
        "poll",
        "GET /orgs/{org}/repos",
        { org: owner, sort: "pushed", direction: "desc", per_page: PUSHED },
        schemas.Repositories
      )
    )
    if (Either.isLeft(page)) {
      listless = now
      yield* Effect.logDebug(`the last pushes are not known: ${page.left.message}`)
      return isRefused(page.left)
    }
    const usable = page.right.items.filter(isUsable(owner))
    pushed(usable, now)
    if (known !== undefined) {
      const ids = new Set(known.it.repositories.map(({ id }) => id))
      // an App's installation may include only some of an organisation's repositories
      const fresh = installation ? [] : usable.filter(({ id }) => !ids.has(id)).map(toRepository)
      if (fresh.length > 0) {
        known = { at: known.at, it: { ...known.it, repositories: [...known.it.repositories, ...fresh] } }
      }
    }
    return true
  })

  return {
    /** What is watched, by its current names; by the given ones if GitHub does not tell. */
    named: Option.isNone(watched.repo)
      ? Effect.succeed(watched)
      : Effect.map(current, ({ it: { repositories } }) => {
          const [only] = repositories
          return only === undefined ? watched : Watched.make({ owner: only.owner, repo: Option.some(only.repo) })
        }),
    /** The repositories with active runs, those pushed to recently, and the next few of the others. */
    choose: (isActive: (repository: Repository) => boolean): Effect.Effect<Chosen, GitHubError> =>
      Effect.gen(function* () {
        const { answered } = yield* current
        const isAlive = Option.isNone(watched.repo) && (known?.it.repositories.length ?? 0) > 0 ? yield* front : false
        const now = yield* Clock.currentTimeMillis
        const it = known?.it ?? NOTHING
        const isExpected = ({ id }: Repository) => {
          const until = pushes.get(id)?.until ?? 0
          return until > now && until - now <= EXPECTING
        }
        const isFirst = (repository: Repository) => isActive(repository) || isExpected(repository)
        const quiet = it.repositories.filter((repository) => !isFirst(repository))
        const start = quiet.length === 0 ? 0 : turn % quiet.length
        turn = start + QUIET_PER_LOOK
        const inTurn = [...quiet.slice(start), ...quiet.slice(0, start)].slice(0, QUIET_PER_LOOK)
        return { ...it, repositories: [...it.repositories.filter(isFirst), ...inTurn], answered: answered || isAlive }
      }),
    /** Whether a repository is currently watched. */
    isWatched: (name: string): boolean => known?.it.repositories.some((it) => nameOf(it) === name) ?? false
  }
}
