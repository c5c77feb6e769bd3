/** GitHub over Octokit, which is loaded with the first client, so that a daemon without one does not pay for it. */
import { createHash } from "node:crypto"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as RcMap from "effect/RcMap"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { version } from "../../process/version.ts"
import { latest } from "../../secrets/held.ts"
import { keep } from "../../secrets/Secrets.ts"
import { markdown, visible } from "../../text/Text.ts"
import {
  App,
  type Credential,
  type CredentialInfo,
  GitHub,
  type GitHubClient,
  type GitHubError,
  type InstalledApp,
  type Token,
  type Watched
} from "../GitHub.ts"
import type { Way } from "../Network/Way.ts"
import { Network } from "../Network.ts"
import { SharedRateLimit } from "../SharedRateLimit.ts"
import { type Headers, protocol } from "./errors.ts"
import * as gate from "./gate.ts"
import * as installation from "./installation.ts"
import { type Grouped, Level } from "./level.ts"
import * as limits from "./limits.ts"
import * as looks from "./look.ts"
import * as repositories from "./repositories.ts"
import * as requests from "./requests.ts"
import * as schemas from "./schemas.ts"
import * as transport from "./transport.ts"

/** Path of the runner API at a level, and its parameters. */
const runnersAt = Level.$match({
  Organisation: ({ owner }) => ({ path: "/orgs/{owner}/actions/runners", parameters: { owner } }),
  Repository: ({ owner, repo }) => ({ path: "/repos/{owner}/{repo}/actions/runners", parameters: { owner, repo } }),
  // in GitHub's description of its Enterprise Cloud alone
  Enterprise: ({ enterprise }) => ({ path: "/enterprises/{enterprise}/actions/runners", parameters: { enterprise } })
})

/** Path of the runner groups at a level, its parameters, and the one that asks for those that somebody may use. */
const groupsAt = (level: Grouped) =>
  level._tag === "Organisation"
    ? {
        path: "/orgs/{owner}/actions/runner-groups",
        parameters: { owner: level.owner },
        usedBy: "visible_to_repository"
      }
    : {
        path: "/enterprises/{enterprise}/actions/runner-groups",
        parameters: { enterprise: level.enterprise },
        usedBy: "visible_to_organization"
      }

const toRunner = ({ id, name, status, busy }: typeof schemas.Runner.Type) => ({
  id,
  name,
  busy,
  online: status === "online"
})

/** In milliseconds. */
const DAY = 86_400_000

const nothing = () => {
  // Octokit would log to the console; our requests are logged where they are made
}

/**
 * Maximum number of an App's tokens that are hidden: each is valid for an hour, the token that mints it for minutes.
 */
const MINTED = 32

const connect = Effect.fnUntraced(function* (credential: Credential, way: Way) {
  const wire = yield* Effect.acquireRelease(
    Effect.sync(() => transport.make({ way })),
    (wire) => Effect.sync(wire.close)
  )
  const hide = yield* latest(MINTED)
  /** Hides whatever a request signs in with, including an App's minted tokens, before anyone can echo it. */
  const fetch: typeof wire.fetch = (address, init) => {
    const secret = init?.headers?.authorization?.split(" ").at(-1)
    if (secret !== undefined) hide(secret)
    return wire.fetch(address, init)
  }
  const { Octokit } = yield* Effect.promise(() => import("@octokit/rest"))
  const common = {
    baseUrl: credential.apiUrl.replace(/\/+$/, ""),
    userAgent: `anklet/${version}`,
    log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
    request: { fetch }
  }
  if (credential._tag === "Token") {
    return new Octokit({ ...common, auth: Redacted.value(credential.token) })
  }
  keep(Redacted.value(credential.privateKey))
  const { createAppAuth } = yield* Effect.promise(() => import("@octokit/auth-app"))
  return new Octokit({
    ...common,
    authStrategy: createAppAuth,
    auth: {
      appId: credential.appId,
      ...(credential._tag === "App" ? { installationId: credential.installationId } : {}),
      privateKey: Redacted.value(credential.privateKey)
    }
  })
})

/** The name of a credential in the log. */
const nameOf = (credential: Credential) => {
  const host = credential.apiUrl.replace(/^\w+:\/\//, "").replace(/\/.*$/, "")
  return credential._tag === "Token" ? `the token for ${host}` : `App ${credential.appId} at ${host}`
}

/** Identifies a credential among hosts without revealing it. */
const fingerprintOf = (credential: Token | App): string =>
  createHash("sha256")
    .update(
      credential._tag === "Token"
        ? `${credential.apiUrl} ${Redacted.value(credential.token)}`
        : `${credential.apiUrl} ${credential.appId} ${credential.installationId}`
    )
    .digest("hex")
    .slice(0, 12)

/** Gates of the open clients. */
type Gates = Set<gate.Gate>

const client = Effect.fnUntraced(function* (credential: Token | App, gates: Gates, way: Way) {
  const octokit = yield* connect(credential, way)
  const renew =
    credential._tag === "Token"
      ? Option.none()
      : Option.some(Effect.tryPromise(() => octokit.auth({ type: "installation", refresh: true })))
  /**
   * What an App's installation was granted: GitHub reports it when a token is made, and Octokit keeps it with the
   * token.
   */
  const permissions =
    credential._tag === "Token"
      ? undefined
      : Effect.tryPromise(() => octokit.auth({ type: "installation" })).pipe(
          Effect.timeout("30 seconds"),
          Effect.map(Schema.decodeUnknownOption(schemas.Granted)),
          Effect.map(Option.map(({ permissions }) => permissions)),
          Effect.orElseSucceed(() => Option.none())
        )
  const own = yield* gate.make(nameOf(credential))
  yield* Effect.acquireRelease(
    Effect.sync(() => gates.add(own)),
    () => Effect.sync(() => gates.delete(own))
  )
  const { publish } = yield* (yield* SharedRateLimit).join(fingerprintOf(credential), own.alsoRefused)
  const send = requests.make(
    octokit,
    {
      ...own,
      refused: (headers, status) =>
        Effect.tap(own.refused(headers, status), (until) =>
          Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.forkDaemon(publish(until - now)))
        )
    },
    renew
  )
  const watches = new Map<string, ReturnType<typeof looks.make>>()
  const watch = (watched: Watched) => {
    const key = JSON.stringify([watched.owner, Option.getOrNull(watched.repo)])
    const known = watches.get(key) ?? looks.make(send, watched, credential._tag === "App")
    watches.set(key, known)
    return known
  }

  const gone = <A>(effect: Effect.Effect<A, GitHubError>): Effect.Effect<Option.Option<A>, GitHubError> =>
    effect.pipe(
      Effect.asSome,
      Effect.catchIf(
        ({ reason }) => reason === "NotFound",
        () => Effect.succeedNone
      )
    )

  const github: GitHubClient = {
    admitted: Effect.suspend(() => (send.isAdmitted() ? Effect.void : Effect.asVoid(github.credential))),
    look: Effect.fn("GitHub.look")((watched, maxAge) => watch(watched).look(maxAge)),
    named: Effect.fn("GitHub.named")((watched) => watch(watched).named),
    repository: Effect.fn("GitHub.repository")((owner, repo) => repositories.find(send, owner, repo)),
    credential: Effect.gen(function* () {
      const headers = yield* send.headers("essential", "GET /rate_limit", {}).pipe(
        // an Enterprise Server without limits does not have this address
        Effect.catchIf(
          ({ reason }) => reason === "NotFound",
          () => Effect.succeed<Headers>({})
        )
      )
      const now = yield* Clock.currentTimeMillis
      const limit = limits.numberOf(headers["x-ratelimit-limit"])
      const remaining = limits.numberOf(headers["x-ratelimit-remaining"])
      const resetAt = limits.resetAt(headers, now)
      const scopes = String(headers["x-oauth-scopes"] ?? "")
      const credential: CredentialInfo = {
        // GitHub has no window that ends more than a day away
        rate:
          Number.isFinite(limit + remaining) && Math.abs(resetAt - now) < DAY
            ? Option.some({ limit, remaining, resetAt })
            : Option.none(),
        ahead: Option.map(limits.theirClock(headers), (theirs) => theirs - now),
        may: Option.match(permissions === undefined ? Option.none() : yield* permissions, {
          onSome: (permissions): CredentialInfo["may"] => ({ _tag: "Permissions", permissions }),
          onNone: () => (scopes === "" ? { _tag: "Untold" } : { _tag: "Scopes", scopes: scopes.split(/,\s*/) })
        })
      }
      return credential
    }).pipe(Effect.withSpan("GitHub.credential")),
    tryLook: Effect.fn("GitHub.tryLook")((watched) => looks.tryOut(send, watched, credential._tag === "App")),
    job: Effect.fn("GitHub.job")((owner, repo, id) =>
      Effect.map(
        send.get(
          "essential",
          "GET /repos/{owner}/{repo}/actions/jobs/{job_id}",
          { owner, repo, job_id: id },
          schemas.Job
        ),
        (job) => looks.toJob({ owner, repo }, job)
      )
    ),
    run: Effect.fn("GitHub.run")((owner, repo, id) =>
      Effect.map(
        send.get(
          "essential",
          "GET /repos/{owner}/{repo}/actions/runs/{run_id}",
          { owner, repo, run_id: id },
          schemas.Run
        ),
        ({ status, conclusion, run_attempt }) => ({ status, conclusion, attempt: run_attempt })
      )
    ),
    createRunner: Effect.fn("GitHub.createRunner")((level, { name, labels, group }) => {
      const { path, parameters } = runnersAt(level)
      const route = `POST ${path}/generate-jitconfig`
      return send
        .once(
          "essential",
          route,
          { ...parameters, name, labels, runner_group_id: group ?? 1, work_folder: "_work" },
          201
        )
        .pipe(
          Effect.flatMap((data) =>
            Effect.mapError(
              Schema.decodeUnknown(schemas.JitConfig)(data),
              // the answer holds a secret, so none of it may be quoted
              () => protocol(`POST runner ${name}`, 201, "the answer is not what GitHub's API describes")
            )
          ),
          Effect.map(({ runner, encoded_jit_config }) => ({ runner: toRunner(runner), jitConfig: encoded_jit_config }))
        )
    }),
    runners: Effect.fn("GitHub.runners")((level) => {
      const { path, parameters } = runnersAt(level)
      return Effect.map(send.list("essential", `GET ${path}`, parameters, schemas.Runners), (runners) =>
        runners.map(toRunner)
      )
    }),
    runner: Effect.fn("GitHub.runner")((level, id) => {
      const { path, parameters } = runnersAt(level)
      return gone(
        Effect.map(
          send.get("essential", `GET ${path}/{runner_id}`, { ...parameters, runner_id: id }, schemas.Runner),
          toRunner
        )
      )
    }),
    runnerByName: Effect.fn("GitHub.runnerByName")((level, name) => {
      const { path, parameters } = runnersAt(level)
      // older GitHub Enterprise Servers ignore the name and send all runners
      const all = gone(send.list("essential", `GET ${path}`, { ...parameters, name }, schemas.Runners))
      return Effect.map(all, (runners) =>
        Option.map(
          Option.flatMapNullable(runners, (runners) => runners.find((runner) => runner.name === name)),
          toRunner
        )
      )
    }),
    groups: Effect.fn("GitHub.groups")((level, user) => {
      const { path, parameters, usedBy } = groupsAt(level)
      const of = Option.match(user, { onNone: () => ({}), onSome: (user) => ({ [usedBy]: user }) })
      return Effect.map(
        send.list("essential", `GET ${path}`, { ...parameters, ...of }, schemas.RunnerGroups),
        (groups) =>
          groups.map(({ id, name, allows_public_repositories }) => ({
            id,
            name,
            admitsPublic: allows_public_repositories
          }))
      )
    }),
    removeRunner: Effect.fn("GitHub.removeRunner")((level, id) => {
      const { path, parameters } = runnersAt(level)
      return Effect.asVoid(
        gone(send.once("essential", `DELETE ${path}/{runner_id}`, { ...parameters, runner_id: id }, 204))
      )
    }),
    tell: Effect.fn("GitHub.tell")((job, title, text) =>
      credential._tag === "Token"
        ? // only an App may create check runs
          Effect.succeed(false)
        : send
            .once(
              "essential",
              "POST /repos/{owner}/{repo}/check-runs",
              {
                owner: job.owner,
                repo: job.repo,
                name: `anklet: ${visible(job.name)}`,
                head_sha: job.headSha,
                status: "completed",
                conclusion: "failure",
                details_url: job.url,
                output: { title: visible(title), summary: markdown(text) }
              },
              201
            )
            .pipe(
              Effect.as(true),
              Effect.catchIf(
                ({ reason }) => reason === "Forbidden" || reason === "NotFound",
                () => Effect.succeed(false)
              )
            )
    )
  }
  return github
})

/** The client of an App whose installation must be looked up; `open` makes the client of an installation. */
const installed = Effect.fnUntraced(function* (
  credential: InstalledApp,
  open: (app: App) => Effect.Effect<GitHubClient, never, Scope.Scope>,
  way: Way
) {
  const scope = yield* Scope.Scope
  const own = yield* gate.make(nameOf(credential))
  const send = requests.make(yield* connect(credential, way), own, Option.none())
  const { apiUrl, appId, privateKey } = credential
  return installation.make(installation.lookUp(send, credential), (installationId) =>
    Scope.extend(open(App.make({ apiUrl, appId, installationId, privateKey })), scope)
  )
})

/** One client for each credential, open while any scope holds it. */
export const layer = Layer.scoped(
  GitHub,
  Effect.gen(function* () {
    const gates: Gates = new Set()
    const way = yield* Network
    const clients = yield* RcMap.make({
      lookup: (credential: Token | App) => client(credential, gates, way),
      idleTimeToLive: "5 minutes"
    })
    const open = (credential: Token | App) =>
      Effect.catchAllCause(RcMap.get(clients, credential), (cause) => Effect.die(Cause.squash(cause)))
    const finders = yield* RcMap.make({
      lookup: (credential: InstalledApp) => installed(credential, open, way),
      idleTimeToLive: "5 minutes"
    })
    return GitHub.of({
      limits: Effect.suspend(() => Effect.forEach(gates, ({ limit }) => limit)),
      client: (credential) =>
        credential._tag === "InstalledApp"
          ? Effect.catchAllCause(RcMap.get(finders, credential), (cause) => Effect.die(Cause.squash(cause)))
          : open(credential)
    })
  })
)
