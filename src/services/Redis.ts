/**
 * Redis over ioredis: no command waits for long, and the library repeats none by itself.
 *
 * There are two connections, one for commands and one that listens. ioredis reconnects them forever.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Runtime from "effect/Runtime"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type { Redis as Client, Cluster } from "ioredis"
import type { Database } from "../config/Database.ts"
import * as Limits from "../text/Limits.ts"
import { explain, isNoDatabase, RedisError, unquoted } from "./Redis/errors.ts"
import * as Topology from "./Redis/topology.ts"

export { RedisError } from "./Redis/errors.ts"

/** A script, by its text and the hash of it. */
export interface Script {
  readonly text: string
  readonly sha: string
}

/** A connected, or reconnecting, Redis. */
export interface Redis {
  /** How it is named to people. */
  readonly name: string
  /** Run a script that answers with a list of texts. While Redis is away it is tried again for a few seconds, so it must be safe to repeat. */
  readonly run: (
    script: Script,
    keys: ReadonlyArray<string>,
    args: ReadonlyArray<string | number>
  ) => Effect.Effect<ReadonlyArray<string>, RedisError>
  /** Run `heard` for each message of a channel, also after reconnects; of equal ones that arrive together, for one. */
  readonly listen: (channel: string, heard: (message: string) => Effect.Effect<void>) => Effect.Effect<void>
  /** Publish a message on a channel. */
  readonly say: (channel: string, message: string) => Effect.Effect<void, RedisError>
  /** Replace the listening connection, which may look open and receive nothing. */
  readonly relisten: Effect.Effect<void>
  /** Check that the servers are fit for this: new enough, and without a policy that drops keys. */
  readonly fit: Effect.Effect<void, RedisError>
  /** What each server says of itself (`INFO`); none where this user may not ask that. */
  readonly settings: Effect.Effect<Option.Option<ReadonlyArray<string>>, RedisError>
}

/** Timeout of the retries of a command: most restarts and failovers take less, and a person must know of the others. */
const PATIENCE = Duration.seconds(4)
/** Interval between two attempts. */
const BETWEEN_TRIES = Duration.millis(250)
/** The first version whose scripts have flags. */
const VERSION = 7

const open = Effect.fnUntraced(function* (database: Database, role: Topology.Role) {
  const library = yield* Effect.promise(() => import("ioredis"))
  return yield* Effect.acquireRelease(
    Effect.sync(() => Topology.make(library, database, role)),
    (client) => Effect.sync(() => client.disconnect())
  )
})

/** Connect; returns at once, whether Redis is there or not. `ready` is run whenever it has become reachable. */
export const connect = Effect.fn("Redis.connect")(function* (database: Database, ready: Effect.Effect<void>) {
  const name = `${database}`
  const runtime = yield* Effect.runtime<never>()
  const fork = (effect: Effect.Effect<void>) => void Runtime.runFork(runtime)(effect)
  const lastError = yield* Ref.make("")
  const warned = yield* Ref.make(false)
  const command = yield* open(database, "command")
  const listener = yield* open(database, "listener")
  const hears = new Map<string, (message: string) => Effect.Effect<void>>()
  /** Messages that are not handled yet, by channel: bounded, since any client may publish. */
  const unheard = new Map<string, Set<string>>()

  for (const client of [command, listener]) {
    client.on("error", (error: Error & { readonly lastNodeError?: Error }) => {
      const { message, lastNodeError } = error
      const said = [message, lastNodeError?.message ?? ""].map(unquoted).filter(Boolean)
      fork(Ref.set(lastError, said.join(": ")))
    })
  }
  // where the database does not exist, the library would go on in database 0
  let misplaced: Error | undefined
  command.on("error", (error: Error) => {
    if (isNoDatabase(error.message)) misplaced = error
  })
  command.on("close", () => {
    misplaced = undefined
  })
  const placed = Effect.suspend(() =>
    misplaced === undefined ? Effect.void : Effect.fail(explain(database, misplaced, ""))
  )
  command.on("ready", () => fork(Effect.zipRight(Ref.set(lastError, ""), ready)))
  const subscribe = (channel: string) =>
    void listener.subscribe(channel).catch(() => {
      // a listener that misses its echoes calls `relisten`
    })
  listener.on("ready", () => {
    for (const channel of hears.keys()) subscribe(channel)
    // messages of the time in between are lost: services that wait must look
    fork(ready)
  })
  const hearAll = (channel: string, messages: Set<string>) =>
    Effect.gen(function* () {
      // messages that arrive from here on are handled by themselves
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
  // the library goes on when the first attempt fails, as after any loss
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
      // a user may lack this right, and have all others
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

/** What cannot be checked where a user lacks the right. */
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
