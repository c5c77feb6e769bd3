/** Who gets which job. One service of one host, whoever asks first; the rules are in `Coordinator/reducer.ts`. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SynchronizedRef from "effect/SynchronizedRef"
import { Drain } from "../Drain.ts"
import type { JobRequest, Scope } from "../Job.ts"
import type { Claim, Command, HandBack, JobClass, Outcome } from "./Coordinator/reducer.ts"
import * as reducer from "./Coordinator/reducer.ts"
import type { JournalError } from "./Journal.ts"
import { Claimed, Closed, Ledger } from "./Ledger.ts"

export type { Claim, HandBack, JobClass } from "./Coordinator/reducer.ts"

export class Coordinator extends Context.Tag("anklet/Coordinator")<
  Coordinator,
  {
    /** Tell what the CI calls queued in a scope; `at` is when it said so, in milliseconds since the epoch. */
    readonly ingest: (scope: Scope, at: number, jobs: ReadonlyArray<JobRequest>) => Effect.Effect<void>
    /** A job of each class that waits in a scope: a host judges these and offers the classes it can run now. */
    readonly waiting: (scope: Scope) => Effect.Effect<ReadonlyArray<JobRequest>>
    /** Take the oldest job of the offered classes; none while draining. A service that holds a claim gets that one again. */
    readonly claim: (
      scope: Scope,
      service: string,
      classes: ReadonlyArray<JobClass>
    ) => Effect.Effect<Option.Option<Claim>, JournalError>
    /** The claim that a service already holds: after a crash, the one it must see through. */
    readonly held: (service: string) => Effect.Effect<Option.Option<Claim>>
    /** Give a job back. */
    readonly release: (claim: Claim, handBack: HandBack) => Effect.Effect<void>
    /** The job is over, or not ours to run. */
    readonly finish: (claim: Claim) => Effect.Effect<void>
    /** Our runner took another job than planned: hold that one, and let the planned one go back. None: somebody else holds it. */
    readonly swap: (claim: Claim, taken: JobRequest) => Effect.Effect<Option.Option<Claim>, JournalError>
    /** Let every idle service look again: a slot is free, a pull has ended. */
    readonly wake: Effect.Effect<void>
    /** Waits until there may be something for this service that it did not see in its last pass. */
    readonly woken: (service: string) => Effect.Effect<void>
  }
>() {
  /** For one host: the rules in memory, claims in the ledger. */
  static readonly layerEmbedded = Layer.effect(
    Coordinator,
    Effect.gen(function* () {
      const ledger = yield* Ledger
      const drain = yield* Drain
      const restored = Array.from(HashMap.values((yield* ledger.state).claims), toClaim)
      const state = yield* SynchronizedRef.make(
        reducer.reduce(reducer.initial, { _tag: "Restore", claims: restored }, yield* Clock.currentTimeMillis).state
      )
      const latches = new Map<string, Effect.Latch>()
      const latchOf = (service: string) => {
        const latch = latches.get(service) ?? Effect.unsafeMakeLatch(false)
        latches.set(service, latch)
        return latch
      }
      const wake = Effect.suspend(() => Effect.forEach(latches.values(), (latch) => latch.open, { discard: true }))

      // the state moves on only after the ledger took the line, so a failed line is a command that never was
      const run = <E>(command: Command, write: (outcome: Outcome) => Effect.Effect<void, E>) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) =>
          SynchronizedRef.modifyEffect(state, (before) => {
            const after = reducer.reduce(before, command, now)
            return after.state === before
              ? Effect.succeed([after, before] as const)
              : Effect.as(write(after), [after, after.state] as const)
          })
        ).pipe(
          Effect.tap((outcome) => (outcome.wake ? wake : Effect.void)),
          Effect.uninterruptible
        )
      const closed = (claim: Claim) => () => ledger.settle(Closed.make({ job: claim.job.key }))

      return Coordinator.of({
        ingest: (scope, at, jobs) => Effect.asVoid(run({ _tag: "Ingest", scope, at, jobs }, () => Effect.void)),
        waiting: (scope) =>
          Effect.zipWith(SynchronizedRef.get(state), Clock.currentTimeMillis, (state, now) =>
            reducer.classes(state, scope, now)
          ),
        claim: (scope, service, classes) =>
          Effect.if(drain.begun, {
            onTrue: () => Effect.succeedNone,
            onFalse: () =>
              Effect.map(
                run({ _tag: "Claim", scope, service, classes }, ({ claim }) =>
                  Option.match(claim, { onNone: () => Effect.void, onSome: (claim) => ledger.append(toEntry(claim)) })
                ),
                ({ claim }) => claim
              )
          }),
        held: (service) => Effect.map(SynchronizedRef.get(state), (state) => reducer.heldBy(state, service)),
        release: (claim, handBack) => Effect.asVoid(run({ _tag: "Release", claim, handBack }, closed(claim))),
        finish: (claim) => Effect.asVoid(run({ _tag: "Finish", claim }, closed(claim))),
        swap: (claim, taken) =>
          Effect.map(
            run({ _tag: "Swap", claim, taken }, ({ claim: swapped }) =>
              Option.match(swapped, {
                onNone: () => Effect.void,
                onSome: (swapped) => ledger.append(toEntry(swapped), Closed.make({ job: claim.job.key }))
              })
            ),
            ({ claim }) => claim
          ),
        wake,
        woken: (service) =>
          Effect.suspend(() => {
            const latch = latchOf(service)
            return Effect.ensuring(latch.await, latch.close)
          })
      })
    })
  )
}

const toClaim = ({ job, service, epoch, attempt }: Claimed): Claim => ({ job, service, epoch, attempt })
const toEntry = ({ job, service, epoch, attempt }: Claim) => Claimed.make({ job, service, epoch, attempt })
