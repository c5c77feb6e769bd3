/** A client, the simulated GitHub that it talks to, and helpers for both. */
import { generateKeyPairSync } from "node:crypto"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { vi } from "vitest"
import * as GitHubLayer from "../../../src/services/GitHub/octokit.ts"
import { App, GitHub, type GitHubClient, InstalledApp, Level, Token, Watched } from "../../../src/services/GitHub.ts"
import { SharedRateLimit } from "../../../src/services/SharedRateLimit.ts"
import { type Options, type SimulatedGitHub, start } from "../../../src/simulator/github/server.ts"

const layer = Layer.provideMerge(GitHubLayer.layer, SharedRateLimit.layer)

/** The token, which must not appear anywhere. */
export const SECRET = "ghp_CANARY"
export const repo = Watched.make({ owner: "o", repo: Option.some("r") })
export const organisation = Watched.make({ owner: "o", repo: Option.none() })
export const level = Level.Repository({ owner: "o", repo: "r" })

const keys = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs1", format: "pem" }
})

/** A simulated GitHub with the repository `o/r`. */
export const simulated = (options: Options = {}) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(() => start(options)),
      (github) => Effect.promise(github.close)
    ),
    (github) => {
      github.world.repositories.add("o/r")
      return github
    }
  )

type Use = <A, E>(
  f: (client: GitHubClient, github: SimulatedGitHub) => Effect.Effect<A, E>,
  options?: Options & { readonly url?: string; readonly token?: string }
) => Effect.Effect<A, E>

/** With a personal access token. */
export const use: Use = (f, options = {}) =>
  Effect.gen(function* () {
    const github = yield* simulated(options)
    const { client } = yield* GitHub
    const apiUrl = options.url ?? github.url
    return yield* f(yield* client(Token.make({ apiUrl, token: Redacted.make(options.token ?? SECRET) })), github)
  }).pipe(Effect.scoped, Effect.provide(layer))

/** As a GitHub App; `installation` is the number that it believes to have. */
export const useApp = <A, E>(
  f: (client: GitHubClient, github: SimulatedGitHub) => Effect.Effect<A, E>,
  { installation = 2, key = keys.privateKey }: { readonly installation?: number; readonly key?: string } = {}
): Effect.Effect<A, E> =>
  Effect.gen(function* () {
    const github = yield* simulated({ tokens: [], app: { id: 1, installation: 2, publicKey: keys.publicKey } })
    const { client } = yield* GitHub
    const app = App.make({
      apiUrl: github.url,
      appId: 1,
      installationId: installation,
      privateKey: Redacted.make(key)
    })
    return yield* f(yield* client(app), github)
  }).pipe(Effect.scoped, Effect.provide(layer))

/** As a GitHub App that knows its key and where it is to work, but not its installation's number, which is 2. */
export const useInstalled = <A, E>(
  f: (client: GitHubClient, github: SimulatedGitHub) => Effect.Effect<A, E>,
  given: Partial<Pick<InstalledApp, "appId" | "owner" | "repo">> = {}
): Effect.Effect<A, E> =>
  Effect.gen(function* () {
    const github = yield* simulated({
      tokens: [],
      app: { id: 1, clientId: "Iv23liABCDEFGHIJKLMN", installation: 2, publicKey: keys.publicKey }
    })
    const { client } = yield* GitHub
    const { appId = 1, owner = "o", repo = Option.some("r") } = given
    const app = InstalledApp.make({
      apiUrl: github.url,
      appId,
      privateKey: Redacted.make(keys.privateKey),
      owner,
      repo
    })
    return yield* f(yield* client(app), github)
  }).pipe(Effect.scoped, Effect.provide(layer))

/** The requests that came in. */
export const sent = (github: SimulatedGitHub, method: string, part: string) =>
  github.log.filter((entry) => entry.method === method && entry.path.includes(part))

/** Queues a run with this many jobs. */
export const queue = (github: SimulatedGitHub, count: number, name = "r") =>
  github.world.queue({
    owner: "o",
    repo: name,
    jobs: Array.from({ length: count }, (_, n) => ({ name: `leg ${n}`, labels: ["x"] }))
  })

/** Waits up to ten seconds by the real clock, even under a test clock. */
export const soon = (is: () => boolean): Effect.Effect<void> =>
  Effect.promise(() => vi.waitUntil(is, { timeout: 120_000, interval: 2 }))
