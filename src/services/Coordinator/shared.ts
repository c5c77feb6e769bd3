/** The coordinator of many hosts: the rules in a store that they share, our own claims also in the ledger. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Ref from "effect/Ref"
import type * as EffectScope from "effect/Scope"
import type { Scope } from "../../domain/Job.ts"
import * as Finalizer from "../../interruption/Finalizer.ts"
import { within } from "../../interruption/Within.ts"
import type { Activity } from "../Activity.ts"
import { Coordinator } from "../Coordinator.ts"
import { Drain } from "../Drain.ts"
import { Host } from "../Host.ts"
import * as HostStatus from "../HostStatus.ts"
import { Closed, Ledger, Swapped } from "../Ledger.ts"
import * as Metrics from "../Metrics.ts"
import { Once } from "../Once.ts"
import { SharedRateLimit } from "../SharedRateLimit.ts"
import { Wake } from "../Wake.ts"
import { toClaim, toEntry } from "./entry.ts"
import * as Membership from "./membership.ts"
import { classOf, type JobClass } from "./order.ts"
import * as PollHealth from "./pollHealth.ts"
import { type Claim, type HandBack, type Reply, type Request, RULES, type Sighting } from "./protocol.ts"
import type { Store } from "./store.ts"
import * as Survey from "./survey.ts"

/** How often a host says that it lives, and after how much silence it counts as dead. */
export interface Rhythm {
  readonly beat: Duration.Duration
  readonly lease: Duration.Duration
}

/** The lease outlasts a failover by far. */
const RHYTHM: Rhythm = { beat: Duration.seconds(10), lease: Duration.seconds(60) }
/** A beat may come sooner by this part, so that hosts that start together do not beat together. */
const JITTER = 0.1
/** What we say on our own channel is heard within this, or we are deaf. */
const ECHO_WITHIN = Duration.seconds(3)
const LEAVE_WITHIN = Duration.seconds(5)
/** Jobs that one call of a script takes in: it keeps Redis from other hosts for well under a millisecond. */
const CHUNK = 100
/** A host tells of so many classes that it had here lately. */
const HOT = 32

/** The answer to a claim never came, so nothing was done for the job. */
const UNHEARD: HandBack = { reason: "the host never heard that it had the job", after: 0, charged: false }

/** Nobody can run what cannot be read; another host may be of the version that told it. */
const UNREAD: HandBack = { reason: "what it asks for cannot be read here", after: 60_000, charged: false }

const chunks = <A>(list: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(list.length / CHUNK) }, (_, n) => list.slice(n * CHUNK, (n + 1) * CHUNK))

/** For these services, over a store that `connect` connects to; `back` is to be run whenever the store has become reachable. */
export const make = Effect.fn("Coordinator.shared")(function* (
  connect: (back: Effect.Effect<void>) => Effect.Effect<Store, never, EffectScope.Scope>,
  services: ReadonlyArray<string>,
  rhythm: Rhythm = RHYTHM
) {
  const ledger = yield* Ledger
  const drain = yield* Drain
  const wake = yield* Wake
  const host = yield* Host
  const rateLimit = yield* SharedRateLimit
  const lease = Duration.toMillis(rhythm.lease)
  const status = yield* Effect.map(Effect.context<Activity | Drain>(), (context) =>
    Effect.provide(HostStatus.tell(services), context)
  )

  /** The claims that our services hold. */
  const mine = new Map<string, Claim>()
  for (const entry of HashMap.values((yield* ledger.state).claims)) {
    if (services.includes(entry.service)) mine.set(entry.service, toClaim(entry))
  }
  const claimsOf = (scope: Scope) => [...mine.values()].filter(({ job }) => job.scope === scope)
  /** What could not be said when it was true; said before the service asks for another job. */
  const unsaid = new Map<string, Request & { readonly claim: Claim }>()
  /** Services whose claim changes now: what the store says of them meanwhile may be old. */
  const changing = new Set<string>()
  const places = new Map<string, { readonly scope: Scope; readonly ready: number }>()
  const hot = new Set<JobClass>()
  const polls = PollHealth.make()
  const echo = yield* Effect.makeLatch(false)
  const { once } = Once.make()

  const fitted = yield* Ref.make(false)
  const store = yield* connect(Effect.zipRight(Ref.set(fitted, false), wake.all))
  const membership = yield* Membership.make(store, lease, claimsOf, fitted)
  const { run } = membership

  const sayUnsaid = Effect.suspend(() =>
    Effect.forEach(
      [...unsaid],
      ([key, request]) =>
        Effect.tap(run(request.claim.job.scope, request), () => Effect.sync(() => unsaid.delete(key))),
      { discard: true }
    )
  )

  const change = <A, E, R>(service: string, effect: Effect.Effect<A, E, R>) =>
    Effect.acquireUseRelease(
      Effect.sync(() => changing.add(service)),
      () => effect,
      () => Effect.sync(() => changing.delete(service))
    )

  /** Ours no more, whether the store hears it or not: unheard, the lease ends it. */
  const giveUp = (request: Request & { readonly claim: Claim }) =>
    Effect.gen(function* () {
      const { claim } = request
      if (mine.get(claim.service)?.job.key === claim.job.key) mine.delete(claim.service)
      yield* ledger.settle(Closed.make({ job: claim.job.key, epoch: claim.epoch }))
      yield* run(claim.job.scope, request).pipe(
        within(LEAVE_WITHIN),
        Effect.catchAll((error) => {
          unsaid.set(`${claim.service} ${claim.job.key}`, request)
          return Effect.logDebug(`job ${claim.job.key} is over; ${store.name} hears it later: ${error.message}`)
        })
      )
    }).pipe((giving) => change(request.claim.service, giving), Effect.uninterruptible)

  const beat = Effect.fnUntraced(function* (scope: Scope) {
    const claims = claimsOf(scope)
    const reply = yield* run(scope, {
      _tag: "Beat",
      lease,
      status: yield* status,
      claims: claims.map(({ job, service, epoch }) => ({ job: job.key, service, epoch })),
      services
    })
    if (reply._tag !== "Heard") return
    // its answer was lost, and the service asks for no job now; if it does, this is said before
    for (const claim of reply.unlisted) {
      const key = `${claim.service} ${claim.job.key}`
      if (mine.has(claim.service) || changing.has(claim.service) || unsaid.has(key)) continue
      unsaid.set(key, { _tag: "Release", claim, handBack: UNHEARD })
    }
    // one that was given back while we asked is rightly unknown
    const isStill = ({ service, epoch }: Claim) => mine.get(service)?.epoch === epoch
    const unknown = claims.filter((claim, n) => reply.verdicts[n] === "unknown" && isStill(claim))
    if (unknown.length > 0) {
      yield* run(scope, { _tag: "Restore", lease, claims: unknown })
    }
    for (const [n, { job }] of claims.entries()) {
      if (reply.verdicts[n] === "lost") {
        yield* Effect.logDebug(`job ${job.key} counts as another host's by now; GitHub decides who runs it`)
      }
    }
  })

  const beats = Effect.gen(function* () {
    yield* Effect.forEach(
      membership.scopes(),
      (scope) =>
        Effect.matchEffect(beat(scope), {
          onFailure: () => Metrics.beaten({ result: "failed" }),
          onSuccess: () => Metrics.beaten({ result: "heard" })
        }),
      { discard: true }
    )
    yield* Effect.ignore(sayUnsaid)
    yield* Effect.sleep(Duration.times(rhythm.beat, 1 - JITTER * (yield* Random.next)))
  }).pipe(Effect.forever)

  /** A connection may look open and hear nothing: then it is opened anew. */
  const echoes = Effect.gen(function* () {
    let deaf = 0
    while (true) {
      yield* Effect.sleep(rhythm.beat)
      yield* echo.close
      const said = yield* Effect.exit(store.say(host.id, "echo"))
      if (said._tag === "Failure") continue
      const heard = yield* Effect.timeoutOption(echo.await, ECHO_WITHIN)
      deaf = Option.isSome(heard) ? 0 : deaf + 1
      if (deaf < 2) continue
      deaf = 0
      yield* Effect.logWarning(`${store.name} is heard no more: listening anew`)
      yield* store.relisten
    }
  })

  yield* store.listen(host.id, (message) => {
    const service = message.replace(/^wake /, "")
    return message === "echo" ? Effect.asVoid(echo.open) : services.includes(service) ? wake.one(service) : Effect.void
  })
  yield* store.limits(rateLimit.received)
  yield* rateLimit.share({
    publish: (credential, ms) => Effect.asVoid(store.limit(credential, ms)),
    query: (credential) => store.limit(credential, 0)
  })
  yield* Finalizer.add(Effect.ignore(within(LEAVE_WITHIN)(membership.leave(services))))
  // interrupted before the host leaves
  const alive = yield* Effect.forkScoped(Effect.all([beats, echoes], { concurrency: 2 }))
  yield* Finalizer.add(Effect.asVoid(Fiber.interrupt(alive)))

  /** The next look of ours tells every job, and puts right what it names. */
  const tellAnew = (scope: Scope) =>
    Effect.suspend(() => {
      const member = membership.member(scope)
      if (member !== undefined) member.known = new Set()
      return once(
        `unread in ${scope}`,
        Effect.logWarning(
          `${store.name} holds jobs of ${scope} that cannot be read: a newer version of anklet told them, or somebody else wrote there. They are left out until a look tells them anew; the others are taken`
        )
      )
    })

  const claimed = (reply: Reply) => (reply._tag === "Claimed" ? reply.claim : Option.none<Claim>())

  return Coordinator.of({
    join: membership.join,

    refresh: (scope, { service, every, look, isPartial = Effect.succeed(false) }) => {
      const inTurn = membership.member(scope)?.looking.withPermits(1) ?? ((effect) => effect)
      return Effect.gen(function* () {
        const turn = yield* run(scope, { _tag: "Poll", every: Duration.toMillis(every) })
        if (turn._tag !== "Turn") return yield* polls.retryIfFailing(service, look)
        const { fence } = turn
        const jobs = yield* polls.poll(service, look)
        const partial = yield* isPartial
        const requests = new Map(jobs.map((job) => [job.key, job]))
        const known = membership.member(scope)?.known ?? new Set()
        const tell = (jobs: ReadonlyArray<Sighting>, last: boolean) =>
          Effect.map(run(scope, { _tag: "Ingest", fence, jobs, last, partial }), (reply) =>
            reply._tag === "Unknown" ? reply.keys : []
          )
        const sightings = jobs.map(
          (job): Sighting => ({ key: job.key, request: known.has(job.key) ? Option.none() : Option.some(job) })
        )
        const unknown = (yield* Effect.forEach(chunks(sightings), (chunk) => tell(chunk, false))).flat()
        const again = unknown.map((key): Sighting => ({ key, request: Option.fromNullable(requests.get(key)) }))
        yield* Effect.forEach(chunks(again), (chunk) => tell(chunk, false), { discard: true })
        yield* tell([], true)
        const member = membership.member(scope)
        if (member !== undefined) member.known = new Set(requests.keys())
      }).pipe(inTurn)
    },

    waiting: (scope, service) =>
      Effect.gen(function* () {
        const reply = yield* run(scope, { _tag: "Waiting" })
        if (reply._tag !== "Heads") return []
        places.set(service, { scope, ready: reply.ready })
        if (reply.unread !== undefined) yield* tellAnew(scope)
        return reply.jobs
      }),

    claim: (scope, service, classes) =>
      Effect.gen(function* () {
        if (!(yield* drain.open)) return Option.none()
        const request: Request = { _tag: "Claim", service, classes, lease }
        const reply = yield* run(scope, request)
        const claim = claimed(reply)
        if (reply._tag === "Claimed" && reply.unread !== undefined) {
          yield* run(scope, { _tag: "Release", claim: reply.unread, handBack: UNREAD })
          yield* tellAnew(scope)
        }
        if (Option.isNone(claim)) return claim
        yield* ledger.append(toEntry(claim.value)).pipe(
          Effect.tapError(() =>
            Effect.ignore(
              run(scope, {
                _tag: "Release",
                claim: claim.value,
                handBack: { reason: "the ledger cannot be written", after: 60_000, charged: false }
              })
            )
          )
        )
        mine.set(service, claim.value)
        const name = classOf(claim.value.job)
        hot.delete(name)
        hot.add(name)
        for (const oldest of hot) if (hot.size > HOT) hot.delete(oldest)
        return claim
      }).pipe(
        Effect.uninterruptible,
        // saying it may take its time, in which the host may be told to leave
        (claiming) => Effect.zipRight(sayUnsaid, claiming),
        (claiming) => change(service, claiming)
      ),

    held: (service) => Effect.sync(() => Option.fromNullable(mine.get(service))),

    owns: (claim) =>
      run(claim.job.scope, {
        _tag: "Beat",
        lease,
        status: "",
        claims: [{ job: claim.job.key, service: claim.service, epoch: claim.epoch }],
        services: []
      }).pipe(
        Effect.map((reply) => {
          const verdict = reply._tag === "Heard" ? reply.verdicts[0] : undefined
          return verdict === "kept" ? "yes" : verdict === "lost" ? "no" : "unknown"
        }),
        Effect.orElseSucceed(() => "unknown" as const)
      ),

    release: (claim, handBack) => giveUp({ _tag: "Release", claim, handBack }),
    finish: (claim) => giveUp({ _tag: "Finish", claim }),

    swap: (claim, taken) =>
      run(claim.job.scope, { _tag: "Swap", claim, taken, lease }).pipe(
        Effect.map(claimed),
        // GitHub has decided; the store only loses count
        Effect.catchTag("CoordinatorError", (error) =>
          Effect.as(Effect.logDebug(`the swap of ${claim.job.key} is not told: ${error.message}`), Option.none<Claim>())
        ),
        Effect.tap(
          Option.match({
            onNone: () => Effect.void,
            onSome: (swapped) =>
              Effect.zipRight(
                ledger.append(Swapped.make({ from: claim.job.key, claim: toEntry(swapped) })),
                Effect.sync(() => mine.set(swapped.service, swapped))
              )
          })
        ),
        Effect.uninterruptible
      ),

    reserve: (job) =>
      Effect.map(
        run(job.scope, { _tag: "Reserve", job: job.key, lasting: RULES.reserve }),
        ({ _tag }) => _tag === "Done"
      ),

    survey: (scope) => Survey.whole((from) => run(scope, { _tag: "Survey", from })),
    inspect: (scope, job) => Survey.record(run(scope, { _tag: "Inspect", job })),
    scopes: Effect.sync(() => [...membership.scopes()]),
    state: Effect.map(membership.isAway, (isAway) => ({ name: store.name, isAway })),
    self: host.id,
    nameOf: host.nameOf,

    woken: (service) =>
      Effect.gen(function* () {
        const place = places.get(service)
        places.delete(service)
        // a host that takes nothing is not called for a job
        if (place !== undefined && (yield* drain.open)) {
          const reply = yield* Effect.option(
            run(place.scope, { _tag: "Idle", service, hot: [...hot], ready: place.ready })
          )
          if (Option.exists(reply, ({ _tag }) => _tag === "No")) return
        }
        yield* wake.called(service)
      })
  })
})
