/** Taking part in scopes of a shared store: to be known there, to be known again when it forgot us, and to leave. */
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
  /** One look at a time. */
  readonly looking: Effect.Semaphore
  readonly greeting: Effect.Semaphore
}

const mixed = (scope: Scope, ours: string, theirs: string, who: string): string =>
  `${scope} is watched with ${ours} here and with ${theirs} by ${who}: two of them could run one job twice. Make them equal`

const refused = (detail: string) => new CoordinatorError({ reason: "Refused", detail })

/** Of a host whose claims in a scope are `claimsOf`; a claim lives for `lease` milliseconds without a word. */
export const make = Effect.fnUntraced(function* (
  store: Store,
  lease: number,
  claimsOf: (scope: Scope) => ReadonlyArray<Claim>,
  /** Set to false when the store is another one, perhaps. */
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

  /** Say hello, and what is ours. */
  const greet = Effect.fnUntraced(function* (
    scope: Scope,
    member: Member,
    replaces = ""
  ): Effect.fn.Return<string, CoordinatorError> {
    if (!(yield* Ref.get(fitted))) {
      yield* store.fit
      yield* Ref.set(fitted, true)
    }
    const claims = claimsOf(scope)
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
          yield* Effect.logWarning(`${store.name} has lost its memory: hosts tell it again what they run`)
        }
        member.generation = Option.some(generation)
        member.known = new Set()
        if (claims.length > 0) yield* ask(scope, { ...identity, generation, _tag: "Restore", lease, claims })
        return generation
      }
      case "Taken":
        yield* whoTook(reply.info)
        // proven dead, but another one may have come meanwhile
        return reply.life === replaces
          ? yield* refused("another daemon has this host's identity")
          : yield* greet(scope, member, reply.life)
      case "Mixed":
        return yield* refused(mixed(scope, member.terms, reply.terms, host.nameOf(reply.info)))
      default:
        return yield* refused(`${store.name} does not take part as expected`)
    }
  })

  const generationOf = (scope: Scope, stale: Option.Option<string>) =>
    Effect.suspend(() => {
      const member = members.get(scope)
      if (member === undefined) return refused(`${scope} was not joined`)
      return Effect.suspend(() =>
        // whoever waited may find that it was said already
        Option.isSome(member.generation) && !Option.contains(stale, member.generation.value)
          ? Effect.succeed(member.generation.value)
          : greet(scope, member)
      ).pipe(member.greeting.withPermits(1))
    })

  /** Ask as one who is known; a store that does not know us is told who we are, once more. */
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
    return yield* refused(`${store.name} forgets us as soon as we are known: are two daemons sharing one identity?`)
  })

  /** Take part. Fails where this host must not, and while the store is away. */
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
          looking: Effect.unsafeMakeSemaphore(1),
          greeting: Effect.unsafeMakeSemaphore(1)
        })
      }
      return Effect.asVoid(generationOf(scope, Option.none()))
    })

  /** Say goodbye wherever we are known. */
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
    /** Whether the store did not answer the last time. */
    isAway: Ref.get(isAway),
    scopes: (): Iterable<Scope> => members.keys(),
    member: (scope: Scope): Member | undefined => members.get(scope)
  }
})
