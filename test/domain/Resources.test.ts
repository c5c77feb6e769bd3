/** Resources add up, and what fits part by part fits as a whole. */
import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { fits, minus, most, NONE, plus, type Resources, sum, UNLIMITED } from "../../src/domain/Resources.ts"

// small, so that equal amounts and amounts of nothing are frequent
const amount = FastCheck.integer({ min: 0, max: 4 })
const needs = FastCheck.record({ vms: amount, memory: amount, cores: amount })
/** A Mac may have less than nothing left: VMs of others take what they want. */
const left = FastCheck.integer({ min: -2, max: 6 })
const rooms = FastCheck.record({ vms: left, memory: left, cores: left })

const holds = (promise: (one: Resources, other: Resources, free: Resources) => boolean) =>
  FastCheck.assert(FastCheck.property(needs, needs, rooms, promise), { numRuns: 2000 })

describe("resources", () => {
  it("fit if there is enough of each that is needed, whatever is left of the others", () => {
    const free = { vms: 1, memory: -3, cores: 4 }
    assert.isTrue(fits({ vms: 1, memory: 0, cores: 4 }, free))
    assert.isFalse(fits({ vms: 1, memory: 1, cores: 4 }, free))
    assert.isFalse(fits({ vms: 2, memory: 0, cores: 4 }, free))
    assert.isFalse(fits({ vms: 1, memory: 0, cores: 5 }, free))
  })

  it("fit together if one fits into what the other leaves, and only then", () =>
    holds((one, other, free) => fits(plus(one, other), free) === (fits(one, free) && fits(other, minus(free, one)))))

  it("leave room for either if they leave room for the most of both, and only then", () =>
    holds((one, other, free) => fits(most(one, other), free) === (fits(one, free) && fits(other, free))))

  it("are what they were after adding and taking away, in any order of the sum", () =>
    holds((one, other, free) => {
      assert.deepStrictEqual(minus(plus(free, one), one), free)
      assert.deepStrictEqual(sum([one, other, free]), sum([free, other, one]))
      return true
    }))

  it("fit where there is no limit, and nothing fits anywhere", () =>
    holds((one, other, free) => fits(one, minus(UNLIMITED, other)) && fits(NONE, free)))
})
