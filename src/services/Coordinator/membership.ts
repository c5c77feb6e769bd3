/** Taking part in scopes of a shared store: joining, joining again when the store has lost its memory, and leaving. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import type { JobKey, Scope } from "../../domain/Job.ts"
import * as Uuid from "../../domain/Uuid.ts"
import { CoordinatorError } from "../Coordinator.ts"
import { Host } from "../Host.ts"
import * as Metrics from "../Metrics.ts"
import { Wake } from "../Wake.ts"
import type { Claim, Command, Hello, Reply, Request } from "./protocol.ts"
import type { Store } from "./store.ts"

/** What this host knows of a scope that it takes part in. */
export interface Member {
  readonly terms: string
  /** The generation of the store; none before the first hello. */
  generation: Option.Option<string>
  /** Jobs whose requests the store should know. */
  known: ReadonlySet<JobKey>
  /** One hello at a time. */
  readonly greeting: Effect.Semaphore
}

const mixed = (scope: Scope, ours: string, theirs: string, who: string): string =>
  `${scope} is watched with ${ours} here and with ${theirs} by ${who}: two of them could run one job twice. Make them equal`

const refused = (detail: string) => new CoordinatorError({ reason: "Refused", detail })

/** `lease`: how long this host and its claims count without a beat, in milliseconds. `claimsIn`: its claims in a scope. */
export const make = Effect.fnUntraced(function* (
  store: Store,
  lease: number,
  claimsIn: (scope: Scope) => Effect.Effect<ReadonlyArray<Claim>>,
  /** Whether the store has been checked; to be set to false when it may be another one. */
  fitted: Ref.Ref<boolean>
) {
  const host = yield* Host
  const wake = yield* Wake
  const identity = { host: host.id, life: host.boot }
  const members = new Map<Scope, Member>()
  const isAway = yield* Ref.make(false)

  const ask = (scope: Scope, command: Command) =>
    Effect.tapBoth(store.ask(scope, command), {
      onFailure: ({ reason }) =>
        Effect.zipRight(
          Ref.set(isAway, reason === "Unavailable"),
          reason === "Unavailable" ? Metrics.storeSilent({}) : Effect.void
        ),
      onSuccess: () =>
        Effect.flatMap(Ref.getAndSet(isAway, false), (was) =>
          was ? Effect.zipRight(Effect.logInfo(`${store.name} is back`), wake.all) : Effect.void
        )
    })

  const whoTook = (info: string) =>
    Effect.flatMap(host.judge(info), (rival) =>
      rival._tag === "Dead"
        ? Effect.void
        : refused(`another daemon has this host's identity: ${rival.who}; ${rival.remedy}`)
    )

  /** Say hello, and restore the claims of this host. */
  const greet = Effect.fnUntraced(function* (
    scope: Scope,
    member: Member,
    replaces = ""
  ): Effect.fn.Return<string, CoordinatorError> {
    if (!(yield* Ref.get(fitted))) {
      yield* store.fit
      yield* Ref.set(fitted, true)
    }
    const claims = yield* claimsIn(scope)
    const hello: Hello = {
      _tag: "Hello",
      info: host.info,
      terms: member.terms,
      lease,
      generation: yield* Uuid.random,
      knewGeneration: Option.isSome(member.generation) || claims.length > 0,
      replaces
    }
    const reply = yield* ask(scope, { ...hello, ...identity })
    switch (reply._tag) {
      case "Welcome": {
        const { generation } = reply
        if (Option.isSome(member.generation) && member.generation.value !== generation) {
          yield* Effect.logWarning(`${store.name} has lost its memory: each host reports again what it runs`)
        }
        member.generation = Option.some(generation)
        member.known = new Set()
        if (claims.length > 0) yield* ask(scope, { ...identity, generation, _tag: "Restore", lease, claims })
        return generation
      }
      case "Taken":
        yield* whoTook(reply.info)
        // the rival is proven dead; but the reply may be about yet another one
        return reply.life === replaces
          ? yield* refused("another daemon has this host's identity")
          : yield* greet(scope, member, reply.life)
      case "Mixed":
        return yield* refused(mixed(scope, member.terms, reply.terms, host.nameOf(reply.info)))
      default:
        return yield* refused(`${store.name} gives an answer to a hello that this version of anklet does not know`)
    }
  })

  const generationOf = (scope: Scope, stale: Option.Option<string>) =>
    Effect.suspend(() => {
      const member = members.get(scope)
      if (member === undefined) return refused(`${scope} was not joined`)
      return Effect.suspend(() =>
        // another fiber may have said it while this one waited
        Option.isSome(member.generation) && !Option.contains(stale, member.generation.value)
          ? Effect.succeed(member.generation.value)
          : greet(scope, member)
      ).pipe(member.greeting.withPermits(1))
    })

  /** Ask the store; if it does not know this host, say hello and ask again. */
  const run = Effect.fnUntraced(function* (scope: Scope, request: Request): Effect.fn.Return<Reply, CoordinatorError> {
    let stale = Option.none<string>()
    for (let tries = 0; tries < 3; tries++) {
      const generation: string = yield* generationOf(scope, stale)
      const reply: Reply = yield* ask(scope, { ...request, ...identity, generation })
      if (reply._tag === "Taken") {
        yield* whoTook(reply.info)
        const member = members.get(scope)
        if (member !== undefined) yield* greet(scope, member, reply.life)
        continue
      }
      if (reply._tag !== "Stranger") return reply
      stale = Option.some(generation)
    }
    return yield* refused(
      `${store.name} forgets this host as soon as it has joined: do two daemons share one identity?`
    )
  })

  /** Take part. Fails with `Refused` where this host must not, and with `Unavailable` while the store is away. */
  const join = (scope: Scope, terms: string) =>
    Effect.suspend(() => {
      const member = members.get(scope)
      if (member !== undefined && member.terms !== terms) {
        return refused(mixed(scope, terms, member.terms, "another service of this host"))
      }
      if (member === undefined) {
        members.set(scope, {
          terms,
          generation: Option.none(),
          known: new Set(),
          greeting: Effect.unsafeMakeSemaphore(1)
        })
      }
      return Effect.asVoid(generationOf(scope, Option.none()))
    })

  /** Say goodbye in each scope that was joined. */
  const leave = (services: ReadonlyArray<string>) =>
    Effect.suspend(() =>
      Effect.forEach(
        [...members].filter(([, { generation }]) => Option.isSome(generation)),
        ([scope]) => run(scope, { _tag: "Leave", services }),
        { discard: true }
      )
    )

  return {
    join,
    run,
    leave,
    /** Whether the last question went unanswered. */
    isAway: Ref.get(isAway),
    scopes: (): Iterable<Scope> => members.keys(),
    member: (scope: Scope): Member | undefined => members.get(scope)
  }
})
