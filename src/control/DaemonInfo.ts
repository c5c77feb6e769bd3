/** What a running daemon knows of itself and of its services; all that it answers is made of this and of its capabilities. */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { RateLimit } from "../domain/RateLimit.ts"
import type { CiWords, Found, Missing, PluginError } from "../plugins/Plugin.ts"

/** A service, and what its plugin can be asked. */
export interface ServiceInfo {
  readonly name: string
  readonly plugin: string
  readonly sleepInterval: Duration.Duration
  /** What is said of its CI. */
  readonly words: CiWords
  /** The job of this address or number as its CI describes it now; none when it is none of this service's. */
  readonly find: (job: string) => Effect.Effect<Option.Option<Found>, PluginError>
  /** Why this text leads to no job of this service; none if its plugin does not say. */
  readonly missing: (text: string) => Effect.Effect<Option.Option<Missing>>
  /** The rate limits that the services of this plugin share; none where its CI has no limits. */
  readonly rateLimits: Option.Option<Effect.Effect<ReadonlyArray<RateLimit>>>
}

/** What is said of the CI of a plugin that says nothing itself. */
export const namedAfter = (plugin: string): CiWords => ({
  name: plugin,
  naming: { what: `plugin ${plugin} decides how a job is named`, remedy: "ask its author" },
  definition: { where: "the job", remedy: "change its labels" },
  rateLimited: "raise sleep_interval"
})

/** The daemon that answers. */
export class DaemonInfo extends Context.Tag("anklet/DaemonInfo")<
  DaemonInfo,
  {
    /** Path of the config file. */
    readonly config: string
    /** Path of the ledger. */
    readonly ledger: string
    /** When the daemon started, in milliseconds since the epoch. */
    readonly startedAt: number
    readonly services: ReadonlyArray<ServiceInfo>
  }
>() {}

/** The rate limits of a plugin, by its name. */
export interface PluginLimits {
  readonly plugin: string
  readonly words: CiWords
  readonly limits: ReadonlyArray<RateLimit>
}

/** The rate limits of each plugin whose CI has any. */
export const rateLimits: Effect.Effect<ReadonlyArray<PluginLimits>, never, DaemonInfo> = Effect.gen(function* () {
  const { services } = yield* DaemonInfo
  const plugins = services.filter(({ plugin }, n) => services.findIndex((it) => it.plugin === plugin) === n)
  return yield* Effect.forEach(
    plugins.flatMap(({ plugin, words, rateLimits }) =>
      Option.toArray(
        Option.map(
          rateLimits,
          Effect.map((limits): PluginLimits => ({ plugin, words, limits }))
        )
      )
    ),
    (read) => read
  )
})
