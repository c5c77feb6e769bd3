/** The coordinator of a single host: the rules in memory, its claims in the ledger. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as SynchronizedRef from "effect/SynchronizedRef"
import type { JobRequest, Scope } from "../../domain/Job.ts"
import type { Coordinator } from "../Coordinator.ts"
import type { CoordinatorView } from "../CoordinatorView.ts"
import { Drain } from "../Drain.ts"
import { Closed, Ledger, Swapped } from "../Ledger.ts"
import { Wake } from "../Wake.ts"
import { toClaim, toEntry } from "./entry.ts"
import { type Claim, type Hello, initial, type Request, RULES, type State, turnOf } from "./protocol.ts"
import { heldBy, type Outcome, reduce } from "./rules.ts"
import * as Survey from "./survey.ts"

/** The identity of the only host. */
const LOCAL = { host: "local", life: "local" } as const
const GENERATION = "local"
/** The lease of a claim: no other host could take the job. */
const FOR_EVER = Number.POSITIVE_INFINITY

const hello: Hello = {
  _tag: "Hello",
  info: "this host",
  terms: "",
  lease: FOR_EVER,
  generation: GENERATION,
  knewGeneration: false,
  replaces: ""
}

/** For these services. Claims of the ledger are theirs from the start. */
export const make = Effect.fnUntraced(function* (services: ReadonlyArray<string>) {
  const ledger = yield* Ledger
  const drain = yield* Drain
  const wake = yield* Wake
  const scopes = yield* SynchronizedRef.make(HashMap.empty<Scope, State>())
  /** Where each service last looked for a job, and the state of the queue there. */
  const places = new Map<string, { readonly scope: Scope; readonly ready: number }>()

  // the state changes only once the ledger has the line: a line that fails is a command that was never given
  const run = <E = never>(
    scope: Scope,
    command: Hello | Request,
    write: (outcome: Outcome) => Effect.Effect<void, E> = () => Effect.void
  ) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) =>
      SynchronizedRef.modifyEffect(scopes, (before) => {
        const state = Option.getOrElse(HashMap.get(before, scope), () => initial)
        const outcome = reduce(state, { ...command, ...LOCAL, generation: GENERATION }, now)
        return outcome.state === state
          ? Effect.succeed([outcome, before] as const)
          : Effect.as(write(outcome), [outcome, HashMap.set(before, scope, outcome.state)] as const)
      })
    ).pipe(
      Effect.tap((outcome) => Effect.forEach(outcome.wake, ({ service }) => wake.one(service), { discard: true })),
      Effect.map(({ reply }) => reply),
      Effect.uninterruptible
    )
  const closed = (claim: Claim) => () => ledger.settle(Closed.make({ job: claim.job.key, epoch: claim.epoch }))
  const claimed = (write: (claim: Claim) => ReturnType<typeof ledger.append>) => (outcome: Outcome) =>
    outcome.reply._tag === "Claimed" && Option.isSome(outcome.reply.claim)
      ? write(outcome.reply.claim.value)
      : Effect.void

  for (const entry of HashMap.values((yield* ledger.state).claims)) {
    if (!services.includes(entry.service)) continue
    yield* run(entry.job.scope, hello)
    yield* run(entry.job.scope, { _tag: "Restore", lease: FOR_EVER, claims: [toClaim(entry)] })
  }

  const coordinator: Coordinator["Type"] & CoordinatorView = {
    // one host gives a job to one service at a time, so the terms need not agree
    join: (scope) => Effect.asVoid(run(scope, hello)),
    turn: (scope, { every, sooner }) =>
      Effect.map(run(scope, { _tag: "Poll", every: Duration.toMillis(every), sooner }), turnOf),
    sighted: (scope, { fence }, { jobs, isPartial = false }) => {
      const sightings = jobs.map((job) => ({ key: job.key, request: Option.some(job) }))
      return Effect.asVoid(run(scope, { _tag: "Ingest", fence, jobs: sightings, last: true, partial: isPartial }))
    },
    announce: (scope, jobs) => Effect.asVoid(run(scope, { _tag: "Announce", jobs })),
    waiting: (scope, service) =>
      Effect.map(run(scope, { _tag: "Waiting" }), (reply): ReadonlyArray<JobRequest> => {
        if (reply._tag !== "Heads") return []
        places.set(service, { scope, ready: reply.ready })
        return reply.jobs
      }),
    claim: (scope, service, classes) =>
      Effect.if(drain.open, {
        onFalse: () => Effect.succeedNone,
        onTrue: () =>
          Effect.map(
            run(
              scope,
              { _tag: "Claim", service, classes, lease: FOR_EVER },
              claimed((claim) => ledger.append(toEntry(claim)))
            ),
            (reply) => (reply._tag === "Claimed" ? reply.claim : Option.none())
          )
      }),
    held: (service) =>
      Effect.map(SynchronizedRef.get(scopes), (scopes) =>
        Option.firstSomeOf(Array.from(HashMap.values(scopes), (state) => heldBy(state, { host: LOCAL.host, service })))
      ),
    owns: () => Effect.succeed("alone"),
    release: (claim, handBack) =>
      Effect.asVoid(run(claim.job.scope, { _tag: "Release", claim, handBack }, closed(claim))),
    finish: (claim) => Effect.asVoid(run(claim.job.scope, { _tag: "Finish", claim }, closed(claim))),
    swap: (claim, taken) =>
      Effect.map(
        run(
          claim.job.scope,
          { _tag: "Swap", claim, taken, lease: FOR_EVER },
          claimed((swapped) => ledger.append(Swapped.make({ from: claim.job.key, claim: toEntry(swapped) })))
        ),
        (reply) => (reply._tag === "Claimed" ? reply.claim : Option.none())
      ),
    reserve: (job) =>
      Effect.map(
        run(job.scope, { _tag: "Reserve", job: job.key, lasting: RULES.reserve }),
        ({ _tag }) => _tag === "Done"
      ),
    isShared: false,
    survey: (scope) => Survey.whole((from) => run(scope, { _tag: "Survey", from })),
    queue: (scope, most) => Survey.queue((from) => run(scope, { _tag: "List", from }), most),
    inspect: (scope, job) => Survey.record(run(scope, { _tag: "Inspect", job })),
    scopes: Effect.map(SynchronizedRef.get(scopes), (scopes) => [...HashMap.keys(scopes)]),
    state: Effect.succeed({ name: "this host", isAway: false }),
    self: LOCAL.host,
    nameOf: () => "this host",

    woken: (service) =>
      Effect.gen(function* () {
        const place = places.get(service)
        places.delete(service)
        // while it drains, no job may be left to it
        if (place !== undefined && (yield* drain.open)) {
          const reply = yield* run(place.scope, { _tag: "Idle", service, hot: [], ready: place.ready })
          if (reply._tag === "No") return
        }
        yield* wake.called(service)
      })
  }
  return coordinator
})
