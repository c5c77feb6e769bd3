/** Checks the shared stores, with the questions a daemon asks them. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as HashSet from "effect/HashSet"
import * as Option from "effect/Option"
import type { Database } from "../config/Database.ts"
import * as Finding from "../domain/Finding.ts"
import { isLoopback } from "../network/bypass.ts"
import type { RedisError } from "../services/Redis.ts"
import type { Check } from "./HostFacts.ts"
import { olderQueues, ownersIn } from "./olderQueue.ts"

export const KINDS = {
  "redis-away": {
    level: "problem",
    why: "Jobs that run go on, but nothing new is taken while the store is away.",
    remedy: "start Redis, or check `database` in the config, the network and the firewall"
  },
  "redis-refuses": {
    level: "problem",
    why: "A store that refuses this, or forgets by itself, is not used: no job is taken.",
    remedy: "change what is named; docs/redis.md has a server's settings and a user's permissions"
  },
  "redis-untold": {
    level: "note",
    why: "An old Redis, or one that drops keys when its memory is full, loses jobs.",
    remedy: "grant the user `+info`, or check the two by hand"
  },
  "redis-nearly-full": {
    level: "warning",
    why: "When its memory is full nothing new is taken on any Mac.",
    remedy: "raise `maxmemory`, or find what else fills it: `redis-cli --bigkeys`"
  },
  "redis-unsaved": {
    level: "warning",
    why: "Redis cannot write to its disk, and soon takes no writes at all.",
    remedy: "free some space where Redis keeps its files, and see its log"
  },
  "redis-trusts-anybody": {
    level: "warning",
    why: "Who can stand between this Mac and Redis can read and change the queue.",
    remedy: "give the authority's file as `database.ca` in place of `insecure: true`"
  },
  "redis-open": {
    level: "warning",
    why: "Who reaches Redis can take, hide and reorder the jobs of every Mac.",
    remedy: "give Redis a user with a password, and the config `database.user` and `.password`: docs/redis.md"
  },
  "redis-older": {
    level: "warning",
    why: "Neither sees what the other has claimed: each makes a VM for the same job. GitHub gives it to one of the two runners; the other VM is in vain, and keeps a place for minutes.",
    remedy:
      "move the Macs that are left, one by one: docs/moving-in.md; `redis-cli del` removes the lists of an Anklet that is gone"
  },
  "redis-plain": {
    level: "note",
    why: "The password and the queue go through the network as they are.",
    remedy: "use a network that you trust, or TLS: a rediss:// address, or `database.tls: true`"
  }
} as const satisfies Finding.Kinds

const found = Finding.about("redis", KINDS)

const refused = ({ reason, detail }: RedisError) =>
  found(reason === "Unavailable" ? "redis-away" : "redis-refuses", detail)

/** Maximum share of its memory that a server may use before the doctor warns. */
const NEARLY = 0.9

const field = (said: string, key: string) => said.match(new RegExp(`^${key}:(.*?)\\r?$`, "m"))?.[1]

/** Problems in a server's `INFO` that do not keep it from being used. */
const ails = (name: string, said: string) => {
  const most = Number(field(said, "maxmemory") ?? 0)
  const used = Number(field(said, "used_memory") ?? 0)
  const isUnsaved = ["rdb_last_bgsave_status", "aof_last_write_status"].some((key) => field(said, key) === "err")
  return [
    ...(most > 0 && used > most * NEARLY
      ? [found("redis-nearly-full", `${name} uses ${used} of ${most} bytes that it may use`)]
      : []),
    ...(isUnsaved ? [found("redis-unsaved", `${name} could not save to its disk the last time`)] : [])
  ]
}

const examine = Effect.fnUntraced(function* (database: Database, owners: ReadonlyArray<string>) {
  const { connect, fitness, UNTOLD } = yield* Effect.promise(() => import("../services/Redis.ts"))
  const { LIMIT, limitOf } = yield* Effect.promise(() => import("../services/Coordinator/redis/scripts.ts"))
  const redis = yield* connect(database, Effect.void)
  const settings = yield* redis.settings
  if (Option.isSome(settings)) yield* Effect.forEach(settings.value, (said) => fitness(redis.name, said))
  // one of the daemon's own scripts, for a credential that nobody has: its key expires at once
  yield* redis.run(LIMIT, [limitOf("doctor")], ["doctor", 1])
  const older = yield* olderQueues(redis, owners)
  const version = Option.match(settings, {
    onNone: () => "",
    onSome: ([said = ""]) => `: version ${field(said, "redis_version") ?? "unknown"}, evicts nothing`
  })
  return [
    Finding.ok("redis", `${redis.name} answers${version}`),
    ...older.map((what) => found("redis-older", `an Anklet 1 or 2 uses ${redis.name}, too: ${what}`)),
    ...(Option.isNone(settings) ? [found("redis-untold", `${redis.name} ${UNTOLD}`)] : []),
    ...Option.toArray(settings).flatMap((servers) => servers.flatMap((said) => ails(redis.name, said)))
  ]
}, Effect.scoped)

/** How well the config protects a store that is reached over a network. */
const guarded = (database: Database) => {
  if (database.nodes.every(({ host }) => isLoopback(host))) return []
  return [
    ...(Option.isNone(database.password)
      ? [found("redis-open", `${database} is on another host, and the config has no password for it`)]
      : []),
    ...(database.tls ? [] : [found("redis-plain", `${database} is on another host, and reached without TLS`)])
  ]
}

/** The check of every store that a service uses. */
export const redis: Check = {
  subject: "redis",
  run: ({ services, settings }) =>
    Effect.forEach(
      HashSet.fromIterable(services.flatMap(({ database }) => Option.toArray(database))),
      (database) =>
        Effect.either(examine(database, ownersIn(settings))).pipe(
          Effect.map((result) => [
            ...(Either.isLeft(result) ? [refused(result.left)] : result.right),
            ...guarded(database),
            ...(database.insecure
              ? [found("redis-trusts-anybody", `${database} is reached with \`insecure: true\``)]
              : [])
          ])
        ),
      { concurrency: "unbounded" }
    ).pipe(Effect.map((found) => found.flat()))
}
