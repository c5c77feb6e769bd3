/** How ioredis connects to each topology (a single server, sentinels, a cluster), with every limit set. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { Redis as Client, Cluster, ClusterOptions, RedisOptions } from "ioredis"
import type { Database } from "../../config/Database.ts"
import { keep } from "../../secrets/Secrets.ts"

/** Timeout of a command; it normally takes a few milliseconds. */
const COMMAND_WITHIN = Duration.seconds(2)
/** Timeout of a connection on which nothing comes back. */
const SILENT_WITHIN = Duration.seconds(3)
/** Timeout of connecting. */
const CONNECT_WITHIN = Duration.seconds(5)
/** Silence after which TCP probes the other side; ioredis does not have it do so by default. */
const KEEP_ALIVE = Duration.seconds(15)
/** Shortest and longest interval between two attempts to connect, in milliseconds. */
const RECONNECT = { first: 100, most: 2000 } as const

const wait = (times: number): number => Math.min(RECONNECT.first * 2 ** Math.min(times, 10), RECONNECT.most)

/** A password as it is sent. From here on a server may repeat it, so it is kept out of all text. */
const spoken = (password: Redacted.Redacted<string>): string => {
  keep(Redacted.value(password))
  return Redacted.value(password)
}

const common = (database: Database): RedisOptions => ({
  lazyConnect: true,
  connectTimeout: Duration.toMillis(CONNECT_WITHIN),
  keepAlive: Duration.toMillis(KEEP_ALIVE),
  noDelay: true,
  stringNumbers: true,
  // a master that was demoted: connect again, to find the new one
  reconnectOnError: (error: Error) => error.message.startsWith("READONLY"),
  ...(database.user === "" ? {} : { username: database.user }),
  ...Option.match(database.password, {
    onNone: () => ({}),
    onSome: (password) => ({ password: spoken(password) })
  }),
  ...(database.tls ? { tls: tlsOf(database) } : {})
})

const tlsOf = ({ ca, insecure }: Database) => ({
  rejectUnauthorized: !insecure,
  ...Option.match(ca, { onNone: () => ({}), onSome: (ca) => ({ ca }) })
})

/** What each of the two connections does while Redis is away. */
const ROLES = {
  command: {
    commandTimeout: Duration.toMillis(COMMAND_WITHIN),
    // such a connection is dead, whatever TCP believes
    socketTimeout: Duration.toMillis(SILENT_WITHIN),
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false
  },
  listener: { maxRetriesPerRequest: null, enableOfflineQueue: true, autoResubscribe: true }
} as const

/** What a connection is for. */
export type Role = keyof typeof ROLES

/** Make a client, which connects when it is asked to. The library is handed in, because it is loaded only where a store is shared. */
export const make = (
  { default: IORedis }: Pick<typeof import("ioredis"), "default">,
  database: Database,
  role: Role
): Client | Cluster => {
  const options: RedisOptions = { ...common(database), ...ROLES[role] }
  const { nodes, kind } = database
  switch (kind) {
    case "single":
      return new IORedis({ ...options, ...nodes[0], db: database.database, retryStrategy: wait })
    case "sentinel":
      return new IORedis({
        ...options,
        sentinels: nodes.map(({ host, port }) => ({ host, port })),
        name: database.master,
        db: database.database,
        retryStrategy: wait,
        sentinelRetryStrategy: wait,
        sentinelCommandTimeout: Duration.toMillis(COMMAND_WITHIN),
        ...(database.sentinelUser === "" ? {} : { sentinelUsername: database.sentinelUser }),
        ...Option.match(database.sentinelPassword, {
          onNone: () => ({}),
          onSome: (password) => ({ sentinelPassword: spoken(password) })
        }),
        ...(database.tls ? { sentinelTLS: tlsOf(database), enableTLSForSentinelMode: true } : {})
      })
    case "cluster": {
      const { maxRetriesPerRequest: _, ...redisOptions } = options
      const cluster: ClusterOptions = {
        lazyConnect: true,
        enableOfflineQueue: ROLES[role].enableOfflineQueue,
        clusterRetryStrategy: wait,
        slotsRefreshTimeout: Duration.toMillis(COMMAND_WITHIN),
        slotsRefreshInterval: 5000,
        maxRedirections: 16,
        retryDelayOnFailover: 200,
        retryDelayOnClusterDown: 200,
        retryDelayOnTryAgain: 100,
        redisOptions
      }
      return new IORedis.Cluster(
        nodes.map(({ host, port }) => ({ host, port })),
        cluster
      )
    }
  }
}
