/** What the doctor finds on this host, for the commands that show it. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import { home } from "../../config/Home.ts"
import * as Doctor from "../../doctor/Doctor.ts"
import type * as Finding from "../../domain/Finding.ts"

/** The network settings of a daemon with this config; errors in them are a finding of their own. */
const way = Effect.fnUntraced(function* (file: string) {
  const { read } = yield* Effect.promise(() => import("../../config/Config.ts"))
  const { DIRECT, settle } = yield* Effect.promise(() => import("../../services/Network.ts"))
  const written = yield* Effect.option(Effect.map(read(file), ({ daemon }) => daemon.network))
  return yield* Effect.orElseSucceed(settle(Option.getOrUndefined(written)), () => DIRECT)
})

/** The services that the checks use; loaded only here. */
const capabilities = Effect.fnUntraced(function* (file: string) {
  const Anka = yield* Effect.promise(() => import("../../services/Anka/command.ts"))
  const GitHub = yield* Effect.promise(() => import("../../services/GitHub/octokit.ts"))
  const { SharedRateLimit } = yield* Effect.promise(() => import("../../services/SharedRateLimit.ts"))
  const { HostLock } = yield* Effect.promise(() => import("../../services/HostLock.ts"))
  const { Mac } = yield* Effect.promise(() => import("../../services/Mac.ts"))
  const { Network } = yield* Effect.promise(() => import("../../services/Network.ts"))
  const { locks } = yield* home
  return Layer.mergeAll(
    Anka.layer,
    Mac.layer,
    HostLock.layer(locks),
    Layer.provide(GitHub.layer, SharedRateLimit.layer)
  ).pipe(Layer.provideMerge(Layer.succeed(Network, yield* way(file))))
})

/** A finding about a service, by the service's name. */
export interface Asked {
  readonly service: string
  readonly finding: Finding.Finding
}

/**
 * What the CI of each service of this config says of it: whether the credential, the owner, the repository and the runner
 * group are there. Fails where the config cannot be used. Nothing is repaired, and no daemon is looked at.
 */
export const asked = Effect.fn("asked")(function* (file: string) {
  const { read } = yield* Effect.promise(() => import("../../config/Config.ts"))
  const { resolve } = yield* Effect.promise(() => import("../../plugins/Plugins.ts"))
  const { examine } = yield* Effect.promise(() => import("../../daemon/Service.ts"))
  const { empty } = yield* Effect.promise(() => import("../../services/Ledger.ts"))
  const services = yield* Effect.flatMap(read(file), resolve)
  const context = { daemonRuns: true, ledger: empty, past: [], alone: (repair: Finding.Fix["run"]) => repair }
  const found = yield* Effect.forEach(
    services,
    (service) =>
      Effect.map(examine(service, context), (found) =>
        found.map((finding): Asked => ({ service: service.name, finding }))
      ),
    { concurrency: 4 }
  ).pipe(Effect.scoped, Effect.provide(yield* capabilities(file)), Logger.withMinimumLogLevel(LogLevel.None))
  return found.flat()
})

/** Examine the host of this config file; with `repair`, make every repair that there is. */
export const examined = Effect.fn("examined")(function* (file: string, options: { readonly repair: boolean }) {
  const { resolved } = yield* Effect.promise(() => import("../../plugins/resolved.ts"))
  const { differences } = yield* Effect.promise(() => import("../service/differences.ts"))
  const { exposed } = yield* Effect.promise(() => import("../service/secrets.ts"))
  const { offered } = yield* Effect.promise(() => import("../update/offered.ts"))
  return yield* Effect.gen(function* () {
    const host = yield* Doctor.gather(file, resolved, { differences, exposed }, offered)
    const found = yield* Doctor.examine(host)
    // the host keeps the answer of `anka list`
    const library = yield* Effect.orElseSucceed(host.library, () => [])
    return { found: options.repair ? yield* Doctor.mend(found) : found, library }
  }).pipe(
    Effect.scoped,
    Effect.provide(yield* capabilities(file)),
    // what the services would log is in the findings
    Logger.withMinimumLogLevel(LogLevel.None)
  )
})
