/** Ranks are text that sorts; hosts of older versions compare the first 16 characters as a number. */
import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import { JobKey, JobRequest, Scope, Template } from "../../../src/domain/Job.ts"
import { createdAtOf, dueOf, isLate, late, rankOf } from "../../../src/services/Coordinator/order.ts"

const jobs = FastCheck.record({
  createdAt: FastCheck.integer({ min: 0, max: 9_999_999_999_999 }),
  priority: FastCheck.integer({ min: 0, max: 9 }),
  name: FastCheck.string()
}).map((given) =>
  JobRequest.make({
    ...given,
    key: JobKey.make("github:o/r/1"),
    scope: Scope.make("github:o/r"),
    template: Template.make({ id: "t", tag: Option.none() }),
    fields: {},
    detail: null
  })
)
const times = FastCheck.integer({ min: 0, max: 9_999_999_999_999 })
const number = (rank: string) => Number(rank.slice(0, 16))

describe("a late rank", () => {
  it("comes after every rank that is not late, as text and as the number that older versions compare", () => {
    FastCheck.assert(
      FastCheck.property(jobs, jobs, times, (one, other, due) => {
        const rank = late(rankOf(one), due)
        assert.isTrue(rank > rankOf(other))
        assert.isAbove(number(rank), number(rankOf(other)))
      })
    )
  })

  it("tells when it is due and when its job was created, however often it was put last", () => {
    FastCheck.assert(
      FastCheck.property(jobs, times, times, (job, due, again) => {
        const rank = late(late(rankOf(job), due), again)
        assert.deepStrictEqual([isLate(rank), dueOf(rank), createdAtOf(rank)], [true, again, job.createdAt])
        assert.deepStrictEqual([isLate(rankOf(job)), dueOf(rankOf(job))], [false, 0])
      })
    )
  })

  it("comes before those that are due later, as text and as a number", () => {
    FastCheck.assert(
      FastCheck.property(jobs, jobs, times, (one, other, due) => {
        const [sooner, later] = [late(rankOf(one), due), late(rankOf(other), due + 2)]
        assert.isTrue(sooner < later)
        assert.isAtMost(number(sooner), number(later))
      })
    )
  })
})
