/** What every coordinator promises, whatever its rules run in. */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { JobRequest } from "../../src/domain/Job.ts"
import { type Claim, type Coordinator, classOf } from "../../src/services/Coordinator.ts"
import type { CoordinatorView } from "../../src/services/CoordinatorView.ts"
import { hint, poll } from "../fakes/polling.ts"
import { job, SCOPE } from "../store/member.ts"

type Both = Coordinator["Type"] & CoordinatorView

/** A coordinator with nothing in it, for services A and B of one host. */
export type Fresh = Effect.Effect<Both, never, Scope.Scope>

const NOW = Duration.zero
const TERMS = "registration: repo"

const said = (...jobs: ReadonlyArray<JobRequest>) => ({ service: "A", every: NOW, look: Effect.succeed({ jobs }) })
const CLASSES = [classOf(job(0)), classOf(job(0, "other"))]
const number = (claim: Option.Option<Claim>) =>
  Option.getOrUndefined(Option.map(claim, ({ job }) => job.createdAt % 1000))
const back = { reason: "test", after: 0, charged: false }

/** Check them on one kind. */
export const contract = (kind: string, fresh: Fresh) => {
  const promise = (what: string, body: (coordinator: Both) => Effect.Effect<void, unknown, Scope.Scope>) =>
    it.scopedLive(what, () =>
      Effect.gen(function* () {
        const coordinator = yield* fresh
        yield* coordinator.join(SCOPE, TERMS)
        yield* body(coordinator)
      })
    )

  describe(`the coordinator ${kind}`, () => {
    promise("gives the oldest job first, and each job once", (coordinator) =>
      Effect.gen(function* () {
        yield* poll(coordinator, SCOPE, said(job(2), job(1)))
        const first = yield* coordinator.claim(SCOPE, "A", CLASSES)
        const second = yield* coordinator.claim(SCOPE, "B", CLASSES)
        assert.deepStrictEqual([number(first), number(second)], [1, 2])
        assert.deepStrictEqual(yield* coordinator.claim(SCOPE, "A", CLASSES), first)
        assert.deepStrictEqual(yield* coordinator.held("A"), first)
      })
    )

    promise("tells a whole job as it was given", (coordinator) =>
      Effect.gen(function* () {
        yield* poll(coordinator, SCOPE, said(job(1)))
        assert.deepStrictEqual(yield* coordinator.waiting(SCOPE, "A"), [job(1)])
        const claim = yield* coordinator.claim(SCOPE, "A", CLASSES)
        assert.deepStrictEqual(Option.getOrThrow(claim).job, job(1))
      })
    )

    promise("gives what a host offers to run, and nothing else", (coordinator) =>
      Effect.gen(function* () {
        yield* poll(coordinator, SCOPE, said(job(1), job(2, "other")))
        assert.strictEqual(number(yield* coordinator.claim(SCOPE, "A", [classOf(job(0, "other"))])), 2)
        assert.isUndefined(number(yield* coordinator.claim(SCOPE, "B", [])))
      })
    )

    promise("takes a finished job for finished, and a released one for queued", (coordinator) =>
      Effect.gen(function* () {
        yield* poll(coordinator, SCOPE, said(job(1), job(2)))
        yield* coordinator.finish(Option.getOrThrow(yield* coordinator.claim(SCOPE, "A", CLASSES)))
        yield* coordinator.release(Option.getOrThrow(yield* coordinator.claim(SCOPE, "A", CLASSES)), back)
        assert.isTrue(Option.isNone(yield* coordinator.held("A")))
        yield* poll(coordinator, SCOPE, said(job(1), job(2)))
        const again = yield* coordinator.claim(SCOPE, "A", CLASSES)
        assert.strictEqual(number(again), 2)
        assert.isUndefined(number(yield* coordinator.claim(SCOPE, "B", CLASSES)))
      })
    )

    promise("swaps a planned job for the one that was taken", (coordinator) =>
      Effect.gen(function* () {
        yield* poll(coordinator, SCOPE, said(job(1), job(2)))
        const planned = Option.getOrThrow(yield* coordinator.claim(SCOPE, "A", CLASSES))
        const swapped = yield* coordinator.swap(planned, job(2))
        assert.strictEqual(number(swapped), 2)
        assert.deepStrictEqual(yield* coordinator.held("A"), swapped)
        assert.strictEqual(number(yield* coordinator.claim(SCOPE, "B", CLASSES)), 1)
        yield* coordinator.finish(Option.getOrThrow(swapped))
        assert.isTrue(Option.isNone(yield* coordinator.held("A")))
      })
    )

    promise("looks no more often than asked for", (coordinator) =>
      Effect.gen(function* () {
        let looks = 0
        const looking = {
          service: "A",
          every: Duration.minutes(1),
          look: Effect.sync(() => {
            looks++
            return { jobs: [job(1)] }
          })
        }
        yield* Effect.all([poll(coordinator, SCOPE, looking), poll(coordinator, SCOPE, looking)], {
          concurrency: 2
        })
        assert.strictEqual(looks, 1)
        assert.strictEqual((yield* coordinator.waiting(SCOPE, "B")).length, 1)
      })
    )

    promise("looks again although its interval has not passed, when there is a hint", (coordinator) =>
      Effect.gen(function* () {
        let looks = 0
        const look = Effect.sync(() => {
          looks++
          return { jobs: [job(looks)] }
        })
        const looking = { service: "A", every: Duration.minutes(1), look }
        yield* poll(coordinator, SCOPE, looking)
        yield* hint(coordinator, SCOPE)
        // the hint counts until it has been followed
        while (looks < 2) yield* poll(coordinator, SCOPE, looking)
        for (let n = 0; n < 3; n++) yield* poll(coordinator, SCOPE, looking)
        assert.strictEqual(looks, 2)
        assert.strictEqual(number(yield* coordinator.claim(SCOPE, "A", CLASSES)), 1)
        assert.strictEqual(number(yield* coordinator.claim(SCOPE, "B", CLASSES)), 2)
      })
    )

    promise("lets no service look healthy whose own look failed, because others look", (coordinator) =>
      Effect.gen(function* () {
        const every = Duration.minutes(1)
        const blind = { service: "A", every, look: Effect.fail("blind") }
        yield* Effect.flip(poll(coordinator, SCOPE, blind))
        assert.strictEqual(yield* Effect.flip(poll(coordinator, SCOPE, blind)), "blind")
        // another service sees to it when its turn comes
        yield* poll(coordinator, SCOPE, { ...blind, service: "B" })
        yield* poll(coordinator, SCOPE, { ...blind, look: Effect.succeed({ jobs: [] }) })
        yield* poll(coordinator, SCOPE, blind)
      })
    )

    promise("takes in hundreds of jobs, and forgets those that are named no more", (coordinator) =>
      Effect.gen(function* () {
        const many = Array.from({ length: 450 }, (_, n) => job(n))
        yield* poll(coordinator, SCOPE, said(...many))
        yield* poll(coordinator, SCOPE, said(...many))
        for (let n = 0; n < 6; n++) yield* poll(coordinator, SCOPE, said(job(449)))
        assert.strictEqual(number(yield* coordinator.claim(SCOPE, "A", CLASSES)), 449)
        assert.isUndefined(number(yield* coordinator.claim(SCOPE, "B", CLASSES)))
      })
    )

    promise(
      "takes no job for gone after a look that missed a part, however often, and does after whole ones",
      (coordinator) =>
        Effect.gen(function* () {
          const part = { ...said(), look: Effect.succeed({ jobs: [], isPartial: true }) }
          yield* poll(coordinator, SCOPE, said(job(1), job(2)))
          for (let n = 0; n < 6; n++) yield* poll(coordinator, SCOPE, part)
          assert.strictEqual(number(yield* coordinator.claim(SCOPE, "A", CLASSES)), 1)
          yield* poll(coordinator, SCOPE, part)
          for (let n = 0; n < 3; n++) yield* poll(coordinator, SCOPE, said())
          assert.isUndefined(number(yield* coordinator.claim(SCOPE, "B", CLASSES)))
        })
    )

    promise("queues what is announced, once, and never again what is over", (coordinator) =>
      Effect.gen(function* () {
        const announce = coordinator.announce(SCOPE, [job(1), job(1)])
        yield* announce
        yield* announce
        yield* poll(coordinator, SCOPE, said(job(1)))
        const claim = Option.getOrThrow(yield* coordinator.claim(SCOPE, "A", CLASSES))
        assert.deepStrictEqual(claim.job, job(1))
        yield* announce
        assert.isUndefined(number(yield* coordinator.claim(SCOPE, "B", CLASSES)))
        yield* coordinator.finish(claim)
        yield* announce
        assert.isUndefined(number(yield* coordinator.claim(SCOPE, "B", CLASSES)))
      })
    )

    promise("takes in hundreds of announced jobs, and forgets none of the others", (coordinator) =>
      Effect.gen(function* () {
        yield* poll(coordinator, SCOPE, said(job(0)))
        for (let n = 0; n < 4; n++) {
          yield* coordinator.announce(
            SCOPE,
            Array.from({ length: 250 }, (_, n) => job(n + 1))
          )
        }
        assert.strictEqual(number(yield* coordinator.claim(SCOPE, "A", CLASSES)), 0)
        assert.strictEqual((yield* coordinator.inspect(SCOPE, job(250).key)).ahead, 249)
        const queue = yield* coordinator.queue(SCOPE, 1000)
        assert.deepStrictEqual(
          queue.map(({ job }) => job.createdAt % 1000),
          Array.from({ length: 250 }, (_, n) => n + 1)
        )
        assert.deepInclude(yield* coordinator.inspect(SCOPE, job(250).key), queue[249]?.record ?? {})
        assert.strictEqual((yield* coordinator.queue(SCOPE, 120)).length, 120)
      })
    )

    promise("wakes a service that waits when a job is announced", (coordinator) =>
      Effect.gen(function* () {
        yield* coordinator.waiting(SCOPE, "A")
        const waiting = yield* Effect.fork(coordinator.woken("A"))
        // until it is known to wait, or knows that there is a job
        yield* Effect.yieldNow()
        yield* coordinator.announce(SCOPE, [job(1)])
        yield* Fiber.join(waiting).pipe(Effect.timeout("5 seconds"))
      })
    )

    promise("wakes a service that waits when there is a job", (coordinator) =>
      Effect.gen(function* () {
        yield* coordinator.waiting(SCOPE, "A")
        const waiting = yield* Effect.fork(coordinator.woken("A"))
        yield* Effect.yieldNow()
        yield* poll(coordinator, SCOPE, said(job(1)))
        yield* poll(coordinator, SCOPE, said(job(1)))
        yield* Fiber.join(waiting).pipe(Effect.timeout("5 seconds"))
      })
    )

    promise("does not let a service wait for what came since it looked", (coordinator) =>
      Effect.gen(function* () {
        yield* coordinator.waiting(SCOPE, "A")
        yield* poll(coordinator, SCOPE, said(job(1)))
        yield* coordinator.woken("A").pipe(Effect.timeout("5 seconds"))
      })
    )

    promise("keeps a reserved job for the host that asked, and the host for the job", (coordinator) =>
      Effect.gen(function* () {
        yield* poll(coordinator, SCOPE, said(job(1), job(2, "other")))
        assert.isTrue(yield* coordinator.reserve(job(2, "other")))
        assert.isUndefined(number(yield* coordinator.claim(SCOPE, "A", [classOf(job(1))])))
        assert.strictEqual(number(yield* coordinator.claim(SCOPE, "A", CLASSES)), 2)
        assert.strictEqual(number(yield* coordinator.claim(SCOPE, "B", CLASSES)), 1)
      })
    )
  })
}
