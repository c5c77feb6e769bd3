import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as HashMap from "effect/HashMap"
import * as HashSet from "effect/HashSet"
import * as Option from "effect/Option"
import { JobKey, JobRequest, Scope, Template } from "../../../src/domain/Job.ts"
import * as Holdings from "../../../src/services/Coordinator/holdings.ts"
import { classOf } from "../../../src/services/Coordinator/order.ts"
import type { Claim } from "../../../src/services/Coordinator/protocol.ts"

const SERVICES = ["A", "B"]
const scopes = ["github:o/r", "github:o/s"].map((name) => Scope.make(name))

const job = (n: number, template = `t${n % 40}`): JobRequest =>
  JobRequest.make({
    key: JobKey.make(`github:o/r/${n}`),
    scope: scopes[n % 2] ?? Scope.make("github:o/r"),
    name: `job ${n}`,
    template: Template.make({ id: template, tag: Option.none() }),
    createdAt: n,
    fields: {},
    detail: null
  })

const claims = FastCheck.record({
  job: FastCheck.integer({ min: 0, max: 3 }).map((n) => job(n)),
  service: FastCheck.constantFrom(...SERVICES),
  epoch: FastCheck.integer({ min: 1, max: 3 }),
  attempt: FastCheck.constant(1)
})
const endings: FastCheck.Arbitrary<Holdings.Ending> = claims.map((claim) => ({ _tag: "Finish", claim }))
const verdicts = FastCheck.constantFrom("kept" as const, "lost" as const, "unknown" as const)

type Step = (holdings: Holdings.Holdings) => Holdings.Holdings

/** A change that may come at any time. */
const steps: FastCheck.Arbitrary<Step> = FastCheck.oneof(
  claims.map(
    (claim): Step =>
      (it) =>
        Holdings.hold(it, claim)
  ),
  claims.map(
    (claim): Step =>
      (it) =>
        Holdings.giveUp(it, claim)
  ),
  endings.map(
    (ending): Step =>
      (it) =>
        Holdings.unheard(it, ending)
  ),
  FastCheck.nat().map(
    (n): Step =>
      (it) => {
        const ending = it.unsaid[n % Math.max(1, it.unsaid.length)]
        return ending === undefined ? it : Holdings.said(it, ending)
      }
  ),
  FastCheck.constantFrom(...SERVICES).map(
    (service): Step =>
      (it) =>
        Holdings.begin(it, service)
  ),
  FastCheck.constantFrom(...SERVICES).map(
    (service): Step =>
      (it) =>
        Holdings.end(it, service)
  ),
  FastCheck.nat({ max: 99 }).map(
    (n): Step =>
      (it) =>
        Holdings.warm(it, classOf(job(n)))
  ),
  FastCheck.array(claims, { maxLength: 2 }).map(
    (unlisted): Step =>
      (it) =>
        Holdings.heard(it, [], { _tag: "Heard", verdicts: [], unlisted })[1]
  )
)

/** Any state that a host can come to. */
const holdings = FastCheck.tuple(FastCheck.array(claims, { maxLength: 2 }), FastCheck.array(steps)).map(
  ([claims, steps]) => steps.reduce((it, step) => step(it), Holdings.of(claims))
)

const check = <A extends [unknown, ...Array<unknown>]>(
  arbitraries: { [K in keyof A]: FastCheck.Arbitrary<A[K]> },
  property: (...args: A) => void
) => FastCheck.assert(FastCheck.property(...arbitraries, property))

const key = ({ service, job }: Claim) => `${service} ${job.key}`

describe("what a host holds", () => {
  it("is what it claimed last for a service, until that is given up", () => {
    check<[Holdings.Holdings, Claim, Claim]>([holdings, claims, claims], (before, claim, other) => {
      const held = Holdings.hold(before, claim)
      assert.deepStrictEqual(Holdings.claimOf(held, claim.service), Option.some(claim))
      const after = Holdings.giveUp(held, other)
      assert.strictEqual(Option.isNone(Holdings.claimOf(after, claim.service)), key(other) === key(claim))
    })
  })

  it("is in one scope each", () => {
    check<[Holdings.Holdings]>([holdings], (it) => {
      const found = scopes.flatMap((scope) => Holdings.claimsIn(it, scope))
      assert.strictEqual(found.length, HashMap.size(it.claims))
    })
  })

  it("is not changed by saying ends", () => {
    check<[Holdings.Holdings, Holdings.Ending]>([holdings, endings], (before, ending) => {
      const after = Holdings.said(Holdings.unheard(before, ending), ending)
      assert.deepStrictEqual(after.claims, before.claims)
    })
  })
})

describe("what the store has not heard", () => {
  it("is said once for each claim, the latest end of it, and after all that is older", () => {
    check<[Holdings.Holdings, Holdings.Ending]>([holdings, endings], (before, ending) => {
      const { unsaid } = Holdings.unheard(before, ending)
      assert.strictEqual(new Set(unsaid.map(({ claim }) => key(claim))).size, unsaid.length)
      assert.strictEqual(unsaid.at(-1), ending)
      assert.includeMembers(
        unsaid.map(({ claim }) => key(claim)),
        before.unsaid.map(({ claim }) => key(claim))
      )
    })
  })

  it("is kept until it is said, and only that is struck out", () => {
    check<[Holdings.Holdings, Holdings.Ending]>([holdings, endings], (before, ending) => {
      const waiting = Holdings.unheard(before, ending)
      const after = Holdings.said(waiting, ending)
      assert.deepStrictEqual(
        after.unsaid,
        waiting.unsaid.filter((it) => it !== ending)
      )
      assert.strictEqual(after.unsaid.length, waiting.unsaid.length - 1)
    })
  })

  it("stays unsaid where a later end of the claim took the place of one that is said just then", () => {
    check<[Holdings.Holdings, Holdings.Ending]>([holdings, endings], (before, ending) => {
      const later: Holdings.Ending = { ...ending }
      const after = Holdings.said(Holdings.unheard(Holdings.unheard(before, ending), later), ending)
      assert.strictEqual(after.unsaid.at(-1), later)
    })
  })
})

describe("the answer to a beat", () => {
  it("gives back a claim whose reply was lost, and no other", () => {
    check<[Holdings.Holdings, Claim]>([holdings, claims], (before, unlisted) => {
      const [, after] = Holdings.heard(before, [], { _tag: "Heard", verdicts: [], unlisted: [unlisted] })
      const isKnown =
        Option.isSome(Holdings.claimOf(before, unlisted.service)) ||
        HashSet.has(before.changing, unlisted.service) ||
        before.unsaid.some(({ claim }) => key(claim) === key(unlisted))
      if (isKnown) assert.deepStrictEqual(after, before)
      else {
        const last = after.unsaid.at(-1)
        assert.strictEqual(after.unsaid.length, before.unsaid.length + 1)
        assert.deepStrictEqual(last?.claim, unlisted)
        // not charged, and the job may come back at once
        assert.isTrue(last?._tag === "Release" && !last.handBack.charged && last.handBack.after === 0)
      }
    })
  })

  it("leaves what is held as it is: to lose a job is not for the store to decide", () => {
    check<[Holdings.Holdings, ReadonlyArray<Claim>, Array<"kept" | "lost" | "unknown">]>(
      [holdings, FastCheck.array(claims, { maxLength: 3 }), FastCheck.array(verdicts, { minLength: 3, maxLength: 3 })],
      (before, listed, verdicts) => {
        const [{ lost }, after] = Holdings.heard(before, listed, { _tag: "Heard", verdicts, unlisted: [] })
        assert.deepStrictEqual(after, before)
        assert.deepStrictEqual(
          lost,
          listed.filter((_, n) => verdicts[n] === "lost")
        )
      }
    )
  })

  it("has a claim restored that the store does not know, but not one that changed since the question", () => {
    check<[Holdings.Holdings, Claim]>([holdings, claims], (before, claim) => {
      const reply = { _tag: "Heard", verdicts: ["unknown"], unlisted: [] } as const
      const [{ unknown }] = Holdings.heard(Holdings.hold(before, claim), [claim], reply)
      assert.deepStrictEqual(unknown, [claim])
      const [given] = Holdings.heard(Holdings.giveUp(Holdings.hold(before, claim), claim), [claim], reply)
      assert.deepStrictEqual(given.unknown, [])
      const later = { ...claim, epoch: claim.epoch + 1 }
      const [changed] = Holdings.heard(Holdings.hold(before, later), [claim], reply)
      assert.deepStrictEqual(changed.unknown, [])
    })
  })
})

describe("the classes that start without a pull", () => {
  it("are the last ones, each once, and never more than the limit", () => {
    check<[Array<number>]>([FastCheck.array(FastCheck.nat({ max: 99 }), { maxLength: 99 })], (numbers) => {
      const run = numbers.map((n) => classOf(job(n, `t${n}`)))
      const { hot } = run.reduce(Holdings.warm, Holdings.of([]))
      const latest = [...new Set([...run].reverse())].slice(0, Holdings.HOT).reverse()
      assert.deepStrictEqual(hot, latest)
    })
  })
})

describe("what a service saw", () => {
  it("is used once", () => {
    check<[Holdings.Holdings, number]>([holdings, FastCheck.nat()], (before, ready) => {
      const place = { scope: Scope.make("github:o/r"), ready }
      const [first, after] = Holdings.leavePlace(Holdings.saw(before, "A", place), "A")
      assert.deepStrictEqual(first, Option.some(place))
      assert.deepStrictEqual(Holdings.leavePlace(after, "A")[0], Option.none())
    })
  })
})
