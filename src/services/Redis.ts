/**
 * Redis over ioredis, with every limit set: no command waits for long, none is sent twice behind our back.
 *
 * Two connections: one for commands, one that listens. ioredis reconnects by itself, for ever.
 */

import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import * as Runtime from "effect/Runtime"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type { Redis as Client, Cluster, ClusterOptions, RedisOptions } from "ioredis"
import type { Database } from "../config/Database.ts"
import { hiding, keep, without } from "../secrets/Secrets.ts"
import * as Limits from "../text/Limits.ts"

/** Redis did not do it. Never holds a password. */
export class RedisError extends hiding(
  Schema.TaggedError<RedisError>()("RedisError", {
    /** `Unavailable`: away, or not able to for now. `Refused`: it will not, before a person changes something. */
    reason: Schema.Literal("Unavailable", "Refused"),
    detail: Schema.String
  })
) {
  override get message() {
    return this.detail
  }
}

/** A script, by its text and the hash of it. */
export interface Script {
  readonly text: string
  readonly sha: string
}

/** A connected, or reconnecting, Redis. */
export interface Redis {
  /** How it is named to people. */
  readonly name: string
  /** Run a script that answers with a list of texts. Tried again for a few seconds when Redis is away, so it must be safe to repeat. */
  readonly run: (
    script: Script,
    keys: ReadonlyArray<string>,
    args: ReadonlyArray<string | number>
  ) => Effect.Effect<ReadonlyArray<string>, RedisError>
  /** Hear the messages of a channel, also after reconnects; of equal ones that come together, one. */
  readonly listen: (channel: string, heard: (message: string) => Effect.Effect<void>) => Effect.Effect<void>
  /** Say something on a channel. */
  readonly say: (channel: string, message: string) => Effect.Effect<void, RedisError>
  /** Open the listening connection anew: it may look open, and hear nothing. */
  readonly relisten: Effect.Effect<void>
  /** Check that the servers are fit for this: new enough, and forget nothing by themselves. */
  readonly fit: Effect.Effect<void, RedisError>
  /** What each server says of itself (`INFO`); none where this user may not ask that. */
  readonly settings: Effect.Effect<Option.Option<ReadonlyArray<string>>, RedisError>
}

/** No command takes longer than a few milliseconds. */
const COMMAND_WITHIN = Duration.seconds(2)
const SILENT_WITHIN = Duration.seconds(3)
const CONNECT_WITHIN = Duration.seconds(5)
/** A command is tried again for so long: most restarts and failovers are over by then, or a person must know. */
const PATIENCE = Duration.seconds(4)
const BETWEEN_TRIES = Duration.millis(250)
/** TCP asks the other side after so much silence; ioredis leaves that out by default. */
const KEEP_ALIVE = Duration.seconds(15)
/** Between two tries to connect, at first and at most. */
const RECONNECT = { first: 100, most: 2000 } as const
/** Scripts with flags came with version 7. */
const VERSION = 7

const wait = (times: number): number => Math.min(RECONNECT.first * 2 ** Math.min(times, 10), RECONNECT.most)

/** A password as it is sent: from here on a server may say it back. */
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
  // a demoted master: the new one is elsewhere
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

/** What each of the two connections does while it is away. */
const ROLES = {
  command: {
    commandTimeout: Duration.toMillis(COMMAND_WITHIN),
    // a connection on which nothing comes back is dead, whatever TCP believes
    socketTimeout: Duration.toMillis(SILENT_WITHIN),
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false
  },
  listener: { maxRetriesPerRequest: null, enableOfflineQueue: true, autoResubscribe: true }
} as const

const open = Effect.fnUntraced(function* (database: Database, role: keyof typeof ROLES) {
  const { default: IORedis } = yield* Effect.promise(() => import("ioredis"))
  const options: RedisOptions = { ...common(database), ...ROLES[role] }
  const { nodes, kind } = database
  const make = (): Client | Cluster => {
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
  return yield* Effect.acquireRelease(Effect.sync(make), (client) => Effect.sync(() => client.disconnect()))
})

/** What the library says of its own state is no news to a person. */
const JARGON = /isn't writeable|Connection is closed|max retries per request/

/** What a failure of the connection means, for a person. */
const away = (database: Database, said: string): RedisError => {
  const of = (reason: RedisError["reason"], detail: string) =>
    new RedisError({ reason, detail: `${database} ${detail}` })
  if (/ECONNREFUSED/.test(said))
    return of("Unavailable", "refuses connections: start it, or check url and port under `database`")
  if (/ENOTFOUND|EAI_AGAIN/.test(said))
    return of("Unavailable", "has a name that is not known: check `database.url` and DNS")
  if (/SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|self.signed|unable to verify|unable to get/i.test(said)) {
    return of("Refused", "has a certificate that is not trusted: give its authority's file as `database.ca`")
  }
  if (/CERT_|ERR_TLS|altname|certificate/i.test(said))
    return of("Refused", `has a certificate that does not fit: ${said}`)
  if (/wrong version number|ERR_SSL|EPROTO|packet length/i.test(said)) {
    return of("Refused", "does not speak TLS on this port: check `database.tls` and `port`")
  }
  if (/WRONGPASS|NOAUTH|invalid (username-)?password|without any password/i.test(said)) {
    return of("Refused", "refuses the sign-in: check `database.user` and `database.password`")
  }
  if (/cluster support disabled/i.test(said)) {
    return of("Refused", "is no cluster: leave `cluster` out under `database`")
  }
  if (/All sentinels are unreachable/i.test(said)) {
    return of(
      "Unavailable",
      "cannot be found: no sentinel answers, or none knows that master; check `database.sentinel`"
    )
  }
  return of(
    "Unavailable",
    `does not answer${said === "" || JARGON.test(said) ? "" : ` (${said})`}: check that it runs and can be reached from here${database.tls ? ", and that it speaks TLS on this port" : ""}`
  )
}

/** The server has no database of the number that was asked for. */
const NO_DATABASE = /DB index|SELECT is not allowed/i

/** What a server quotes of a command: `ERR unknown command 'AUTH', with args beginning with: 'secret'`. */
const ARGUMENTS = /,? *with args beginning with:.*/is

/** A command for a shell that deletes these keys, which have one beginning. */
const deletion = (database: Database, keys: ReadonlyArray<string>): string => {
  const [first = ""] = keys
  const begin = first.slice(0, first.lastIndexOf(":") + 1)
  const endings = keys.map((key) => key.slice(begin.length))
  return `redis-cli${database.database === 0 ? "" : ` -n ${database.database}`} DEL '${begin}'{${endings.join(",")}}`
}

/** What an answer that is an error means, for a person. `keys`: those that were asked for. */
const explain = (database: Database, error: Error, lastError: string, keys: ReadonlyArray<string> = []): RedisError => {
  // a server that does not know a command quotes what came with it, and to AUTH that is the password, however short
  const said = without(error.message.replace(ARGUMENTS, "")).slice(0, Limits.WORDS)
  const of = (reason: RedisError["reason"], detail: string) =>
    new RedisError({ reason, detail: `${database} ${detail}` })
  if (/^NOPERM/.test(said)) {
    return of(
      "Refused",
      `does not let this user do all it must (${said}): grant it "~anklet:* &anklet:* +@all -@admin -@dangerous +info", for example`
    )
  }
  if (/^MOVED/.test(said) && database.kind !== "cluster") {
    return of("Refused", "is a node of a cluster: write `cluster: true` under `database`")
  }
  if (/^OOM/.test(said))
    return of("Unavailable", "is out of memory: raise its maxmemory; what runs goes on, nothing new is taken")
  if (/^MISCONF/.test(said)) return of("Unavailable", "cannot save to its disk: free some space there")
  if (/^READONLY/.test(said))
    return of("Unavailable", "is a read-only replica: give the master's address, or its sentinels")
  if (/^NOREPLICAS/.test(said))
    return of("Unavailable", "has fewer replicas than its min-replicas-to-write: bring them back")
  if (
    /^(CLUSTERDOWN|LOADING|MASTERDOWN|TRYAGAIN|MOVED|ASK|BUSY)/.test(said) ||
    /Failed to refresh slots|ClusterAllFailed/.test(said)
  ) {
    return of("Unavailable", `cannot answer now (${said}); it is asked again`)
  }
  if (NO_DATABASE.test(said)) return of("Refused", "has no database of this number: check `database.database`")
  if (/WRONGTYPE/.test(said)) {
    return of(
      "Refused",
      `has a key of another kind where Anklet keeps its own: somebody else wrote there. Delete them all, which is safe at any time, as every Mac tells again what it holds: ${deletion(database, keys)}`
    )
  }
  if (/SCRIPT|unknown command|ERR /i.test(said))
    return of("Refused", `finds our request wrong (${said}): is it a Redis of version 7 or later?`)
  if (/Command timed out/.test(said)) return away(database, "no answer within 2 seconds")
  return away(database, lastError || said)
}

/** Connect; returns at once, whether Redis is there or not. `ready` is run whenever it has become so. */
export const connect = Effect.fn("Redis.connect")(function* (database: Database, ready: Effect.Effect<void>) {
  const name = `${database}`
  const runtime = yield* Effect.runtime<never>()
  const fork = (effect: Effect.Effect<void>) => void Runtime.runFork(runtime)(effect)
  const lastError = yield* Ref.make("")
  const warned = yield* Ref.make(false)
  const command = yield* open(database, "command")
  const listener = yield* open(database, "listener")
  const hears = new Map<string, (message: string) => Effect.Effect<void>>()
  /** What was said and is not heard yet, by channel: anybody who may publish can say more than is of use. */
  const unheard = new Map<string, Set<string>>()

  for (const client of [command, listener]) {
    client.on("error", (error: Error & { readonly lastNodeError?: Error }) => {
      const { message, lastNodeError } = error
      const said = [message, lastNodeError?.message ?? ""].map((text) => text.replace(ARGUMENTS, "")).filter(Boolean)
      fork(Ref.set(lastError, said.join(": ")))
    })
  }
  // the library would go on in database 0
  let misplaced: Error | undefined
  command.on("error", (error: Error) => {
    if (NO_DATABASE.test(error.message)) misplaced = error
  })
  command.on("close", () => {
    misplaced = undefined
  })
  const placed = Effect.suspend(() =>
    misplaced === undefined ? Effect.void : Effect.fail(explain(database, misplaced, ""))
  )
  command.on("ready", () => fork(Effect.zipRight(Ref.set(lastError, ""), ready)))
  // messages in the gap are gone: whoever waits must look
  const subscribe = (channel: string) =>
    void listener.subscribe(channel).catch(() => {
      // whoever hears nothing says so, and asks for a new connection
    })
  listener.on("ready", () => {
    for (const channel of hears.keys()) subscribe(channel)
    fork(ready)
  })
  const hearAll = (channel: string, messages: Set<string>) =>
    Effect.gen(function* () {
      // what is said from here on is news
      unheard.delete(channel)
      const heard = hears.get(channel)
      if (heard !== undefined) yield* Effect.forEach(messages, heard, { discard: true })
    })
  listener.on("message", (channel: string, message: string) => {
    if (!hears.has(channel) || message.length > Limits.MESSAGE) return
    const messages = unheard.get(channel)
    if (messages === undefined) {
      const first = new Set([message])
      unheard.set(channel, first)
      fork(Effect.zipRight(Effect.yieldNow(), hearAll(channel, first)))
    } else if (messages.size < Limits.MESSAGES) messages.add(message)
  })

  const ask = <A>(question: () => Promise<A>) =>
    Effect.tryPromise(question).pipe(
      Effect.catchAll(({ error }) =>
        Effect.flatMap(Ref.get(lastError), (last) =>
          Effect.fail(explain(database, error instanceof Error ? error : new Error(String(error)), last))
        )
      )
    )
  const isConnecting = (client: Client | Cluster) => ["wait", "close", "end"].includes(client.status)
  // a first connection that fails is followed by others, as after any loss
  const start = (client: Client | Cluster) =>
    client.status === "wait" ? Effect.ignore(Effect.tryPromise(() => client.connect())) : Effect.void

  const patient = <A>(effect: Effect.Effect<A, RedisError>) =>
    effect.pipe(
      Effect.retry({
        while: ({ reason }) => reason === "Unavailable",
        schedule: Schedule.spaced(BETWEEN_TRIES).pipe(Schedule.upTo(PATIENCE))
      })
    )

  const evaluate = ({ sha, text }: Script, keys: ReadonlyArray<string>, args: ReadonlyArray<string | number>) =>
    Effect.tryPromise((): Promise<unknown> => command.evalsha(sha, keys.length, ...keys, ...args)).pipe(
      Effect.catchIf(
        ({ error }) => error instanceof Error && error.message.startsWith("NOSCRIPT"),
        () => Effect.tryPromise((): Promise<unknown> => command.eval(text, keys.length, ...keys, ...args))
      ),
      Effect.catchAll(({ error }) =>
        Effect.flatMap(Ref.get(lastError), (last) =>
          Effect.fail(explain(database, error instanceof Error ? error : new Error(String(error)), last, keys))
        )
      ),
      Effect.flatMap((answer) =>
        isTexts(answer)
          ? Effect.succeed(answer)
          : new RedisError({ reason: "Refused", detail: `${name} answers what no script of ours says` })
      )
    )

  yield* Effect.forkScoped(Effect.all([start(command), start(listener)], { concurrency: 2 }))

  const settings = patient(
    Effect.zipRight(
      placed,
      Effect.suspend(() => {
        const servers = "nodes" in command ? command.nodes("master") : [command]
        return Effect.forEach(servers, (server) => ask(() => server.info()))
      })
    ).pipe(
      Effect.map(Option.some<ReadonlyArray<string>>),
      // a user who may not ask this may do the rest
      Effect.catchIf(
        ({ reason, detail }) => reason === "Refused" && detail.includes("NOPERM"),
        () => Effect.succeed(Option.none<ReadonlyArray<string>>())
      )
    )
  )

  const redis: Redis = {
    name,
    run: (script, keys, args) => patient(Effect.zipRight(placed, evaluate(script, keys, args))),
    listen: (channel, heard) =>
      Effect.sync(() => {
        hears.set(channel, heard)
        if (listener.status === "ready") subscribe(channel)
      }),
    say: (channel, message) => Effect.asVoid(ask(() => command.publish(channel, message))),
    relisten: Effect.sync(() => {
      if (!isConnecting(listener)) listener.disconnect(true)
    }),
    settings,
    fit: Effect.flatMap(
      settings,
      Option.match({
        onNone: () =>
          Effect.flatMap(Ref.getAndSet(warned, true), (warned) =>
            warned ? Effect.void : Effect.logWarning(`${name} ${UNTOLD}`)
          ),
        onSome: (servers) => Effect.forEach(servers, (said) => fitness(name, said), { discard: true })
      })
    )
  }
  return redis
})

/** What cannot be checked where a user may not ask. */
export const UNTOLD =
  "does not tell this user its version and settings (+info): it must be Redis 7 with maxmemory-policy noeviction"

const isTexts = Schema.is(Schema.Array(Schema.String))

/** Whether a server that says this of itself (`INFO`) is fit. */
export const fitness = (name: string, said: string): Effect.Effect<void, RedisError> => {
  const field = (key: string) => said.match(new RegExp(`^${key}:(.*?)\\r?$`, "m"))?.[1]
  const version = field("redis_version")
  const policy = field("maxmemory_policy")
  const refuse = (detail: string) => new RedisError({ reason: "Refused", detail: `${name} ${detail}` })
  if (version !== undefined && Number(version.split(".")[0]) < VERSION) {
    return refuse(`is version ${version}: upgrade it to ${VERSION}.0 or later`)
  }
  if (policy !== undefined && policy !== "noeviction") {
    return refuse(
      `would drop our keys when its memory is full (maxmemory-policy ${policy}): set it with "redis-cli config set maxmemory-policy noeviction", and in its config file`
    )
  }
  return Effect.void
}
