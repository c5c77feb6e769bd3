/** The coordinator of many hosts: the rules are in a store that they share, this host's claims also in its ledger. */
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
import type { Capacity } from "../Capacity.ts"
import type { Coordinator } from "../Coordinator.ts"
import type { CoordinatorView } from "../CoordinatorView.ts"
import { Drain } from "../Drain.ts"
import { Host } from "../Host.ts"
import * as HostStatus from "../HostStatus.ts"
import { Closed, Ledger, Swapped } from "../Ledger.ts"
import * as Metrics from "../Metrics.ts"
import { Once } from "../Once.ts"
import { SharedRateLimit } from "../SharedRateLimit.ts"
import { Wake } from "../Wake.ts"
import * as Echo from "./echo.ts"
import { toClaim, toEntry } from "./entry.ts"
import * as Holdings from "./holdings.ts"
import * as Membership from "./membership.ts"
import { classOf } from "./order.ts"
import { type Claim, type HandBack, type Reply, type Request, RULES, turnOf } from "./protocol.ts"
import * as Report from "./report.ts"
import type { Store } from "./store.ts"
import * as Survey from "./survey.ts"

/** Interval between two beats of a host, and the silence after which it counts as dead. */
export interface Rhythm {
  readonly beat: Duration.Duration
  readonly lease: Duration.Duration
}

/** The lease is much longer than a failover of the store. */
const RHYTHM: Rhythm = { beat: Duration.seconds(10), lease: Duration.seconds(60) }
/** Largest part by which an interval is shortened at random, so that hosts that start together do not beat together. */
const JITTER = 0.1
/** Timeout of a last word to the store: the end of a claim, or a goodbye. */
const LAST_WORD_WITHIN = Duration.seconds(5)

/** This version cannot read the job; the host that reported it may be of a version that can. */
const UNREAD: HandBack = { reason: "what it asks for cannot be read here", after: 60_000, charged: false }
/** What is not in the ledger must not be run: a crash would leave it behind. */
const UNWRITTEN: HandBack = { reason: "the ledger cannot be written", after: 60_000, charged: false }

/** For these services. `connect` connects to the store, and runs `back` whenever the store has become reachable. */
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
  const status = yield* Effect.map(Effect.context<Activity | Capacity | Drain>(), (context) =>
    Effect.provide(HostStatus.tell(services), context)
  )

  const entries = Array.from(HashMap.values((yield* ledger.state).claims))
  const holdings = yield* Ref.make(
    Holdings.of(entries.filter(({ service }) => services.includes(service)).map(toClaim))
  )
  const claimsIn = (scope: Scope) => Effect.map(Ref.get(holdings), (it) => Holdings.claimsIn(it, scope))
  const { once } = Once.make()

  const fitted = yield* Ref.make(false)
  const store = yield* connect(Effect.zipRight(Ref.set(fitted, false), wake.all))
  const membership = yield* Membership.make(store, lease, claimsIn, fitted)
  const { run } = membership
  const echo = yield* Echo.make(store, host.id, rhythm.beat)

  const sayUnsaid = Effect.flatMap(Ref.get(holdings), ({ unsaid }) =>
    Effect.forEach(
      unsaid,
      (ending) =>
        Effect.zipRight(
          run(ending.claim.job.scope, ending),
          Ref.update(holdings, (it) => Holdings.said(it, ending))
        ),
      { discard: true }
    )
  )

  const change = <A, E, R>(service: string, effect: Effect.Effect<A, E, R>) =>
    Effect.acquireUseRelease(
      Ref.update(holdings, (it) => Holdings.begin(it, service)),
      () => effect,
      () => Ref.update(holdings, (it) => Holdings.end(it, service))
    )

  /** The claim ends here whether the store hears of it or not; if it does not, the lease ends it there. */
  const giveUp = (ending: Holdings.Ending) =>
    Effect.gen(function* () {
      const { claim } = ending
      yield* Ref.update(holdings, (it) => Holdings.giveUp(it, claim))
      yield* ledger.settle(Closed.make({ job: claim.job.key, epoch: claim.epoch }))
      yield* run(claim.job.scope, ending).pipe(
        within(LAST_WORD_WITHIN),
        Effect.catchAll((error) =>
          Effect.zipRight(
            Ref.update(holdings, (it) => Holdings.unheard(it, ending)),
            Effect.logDebug(
              `the claim of job ${claim.job.key} is over; ${store.name} hears of it when it answers: ${error.message}`
            )
          )
        )
      )
    }).pipe((giving) => change(ending.claim.service, giving), Effect.uninterruptible)

  const beat = Effect.fnUntraced(function* (scope: Scope) {
    const claims = yield* claimsIn(scope)
    const reply = yield* run(scope, {
      _tag: "Beat",
      lease,
      status: yield* status,
      claims: claims.map(({ job, service, epoch }) => ({ job: job.key, service, epoch })),
      services
    })
    if (reply._tag !== "Heard") return
    const { unknown, lost } = yield* Ref.modify(holdings, (it) => Holdings.heard(it, claims, reply))
    if (unknown.length > 0) yield* run(scope, { _tag: "Restore", lease, claims: unknown })
    for (const { job } of lost) {
      yield* Effect.logDebug(`the store counts job ${job.key} as another host's; GitHub decides which of them runs it`)
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

  yield* store.listen(host.id, (message) => {
    const service = message.replace(/^wake /, "")
    return message === "echo" ? echo.heard : services.includes(service) ? wake.one(service) : Effect.void
  })
  yield* store.limits(rateLimit.received)
  yield* rateLimit.share({
    publish: (credential, ms) => Effect.asVoid(store.limit(credential, ms)),
    query: (credential) => store.limit(credential, 0)
  })
  yield* Finalizer.addUnlessHandedOver(Effect.ignore(within(LAST_WORD_WITHIN)(membership.leave(services))))
  // registered last, so that the beats end before the host leaves
  const alive = yield* Effect.forkScoped(Effect.all([beats, echo.watch], { concurrency: 2 }))
  yield* Finalizer.addUnlessHandedOver(Effect.asVoid(Fiber.interrupt(alive)))

  /** Have the next look of this host report every job with its request, which puts the unread ones right. */
  const reportAll = (scope: Scope) =>
    Effect.suspend(() => {
      const member = membership.member(scope)
      if (member !== undefined) member.known = new Set()
      return once(
        `unread in ${scope}`,
        Effect.logWarning(
          `${store.name} holds jobs of ${scope} that cannot be read: a newer version of anklet reported them, or another program wrote there. They wait for the next look of this host, which reports them again; the others are taken`
        )
      )
    })

  const claimed = (reply: Reply) => (reply._tag === "Claimed" ? reply.claim : Option.none<Claim>())

  const coordinator: Coordinator["Type"] & CoordinatorView = {
    join: membership.join,

    turn: (scope, { every, sooner }) =>
      Effect.map(run(scope, { _tag: "Poll", every: Duration.toMillis(every), sooner }), turnOf),

    sighted: (scope, { fence }, { jobs, isPartial = false }) =>
      Effect.gen(function* () {
        const member = membership.member(scope)
        yield* Report.send((part) => run(scope, { _tag: "Ingest", fence, partial: isPartial, ...part }), {
          jobs,
          known: member?.known ?? new Set()
        })
        if (member !== undefined) member.known = new Set(jobs.map(({ key }) => key))
      }),

    announce: (scope, jobs) =>
      Effect.forEach(Report.chunks(jobs), (jobs) => run(scope, { _tag: "Announce", jobs }), { discard: true }),

    waiting: (scope, service) =>
      Effect.gen(function* () {
        const reply = yield* run(scope, { _tag: "Waiting" })
        if (reply._tag !== "Heads") return []
        yield* Ref.update(holdings, (it) => Holdings.saw(it, service, { scope, ready: reply.ready }))
        if (reply.unread !== undefined) yield* reportAll(scope)
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
          yield* reportAll(scope)
        }
        if (Option.isNone(claim)) return claim
        yield* ledger
          .append(toEntry(claim.value))
          .pipe(
            Effect.tapError(() =>
              Effect.ignore(run(scope, { _tag: "Release", claim: claim.value, handBack: UNWRITTEN }))
            )
          )
        yield* Ref.update(holdings, (it) => Holdings.warm(Holdings.hold(it, claim.value), classOf(claim.value.job)))
        return claim
      }).pipe(
        Effect.uninterruptible,
        // interruptible: the store may take its time
        (claiming) => Effect.zipRight(sayUnsaid, claiming),
        (claiming) => change(service, claiming)
      ),

    held: (service) => Effect.map(Ref.get(holdings), (it) => Holdings.claimOf(it, service)),

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
        // GitHub has decided; the store is merely not up to date
        Effect.catchTag("CoordinatorError", (error) =>
          Effect.as(
            Effect.logDebug(`${store.name} did not hear of the swap of job ${claim.job.key}: ${error.message}`),
            Option.none<Claim>()
          )
        ),
        Effect.tap(
          Option.match({
            onNone: () => Effect.void,
            onSome: (swapped) =>
              Effect.zipRight(
                ledger.append(Swapped.make({ from: claim.job.key, claim: toEntry(swapped) })),
                Ref.update(holdings, (it) => Holdings.hold(it, swapped))
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

    isShared: true,
    survey: (scope) => Survey.whole((from) => run(scope, { _tag: "Survey", from })),
    queue: (scope, most) => Survey.queue((from) => run(scope, { _tag: "List", from }), most),
    inspect: (scope, job) => Survey.record(run(scope, { _tag: "Inspect", job })),
    scopes: Effect.sync(() => [...membership.scopes()]),
    state: Effect.map(membership.isAway, (isAway) => ({ name: store.name, isAway })),
    self: host.id,
    nameOf: host.nameOf,

    woken: (service) =>
      Effect.gen(function* () {
        const place = yield* Ref.modify(holdings, (it) => Holdings.leavePlace(it, service))
        // while it drains, the store must wake other hosts for a job
        if (Option.isSome(place) && (yield* drain.open)) {
          const { scope, ready } = place.value
          const { hot } = yield* Ref.get(holdings)
          const reply = yield* Effect.option(run(scope, { _tag: "Idle", service, hot, ready }))
          if (Option.exists(reply, ({ _tag }) => _tag === "No")) return
        }
        yield* wake.called(service)
      })
  }
  return coordinator
})
