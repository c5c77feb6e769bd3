/** One job takes no other with it on its way from GitHub to the queue. */
import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { scopeOf, sort } from "../../../src/plugins/github/request.ts"
import { toJob } from "../../../src/services/GitHub/look.ts"
import * as schemas from "../../../src/services/GitHub/schemas.ts"
import { Watched } from "../../../src/services/GitHub.ts"

const scope = scopeOf([Watched.make({ owner: "o", repo: Option.some("r") })], "https://api.github.com")
const read = Schema.decodeUnknownSync(schemas.Jobs)
const plain = { id: 7, run_id: 7, name: "good", status: "queued", labels: ["anka-template:t", "7-0"] }
const jobs = (...raw: ReadonlyArray<object>) =>
  read({ jobs: raw }).items.map((job) => toJob({ owner: "o", repo: "r" }, job, "a run"))

describe("a queued job", () => {
  it("that makes its own reading throw is left out, and the others are taken", () => {
    const [good, , other] = jobs(plain, { ...plain, id: 8 }, { ...plain, id: 9 })
    assert.isDefined(good)
    assert.isDefined(other)
    if (good === undefined || other === undefined) return
    const thrower = new Proxy(good, {
      get: (job, key) => {
        if (key === "createdAt") throw new URIError("URI malformed")
        return Reflect.get(job, key)
      }
    })
    const { requests, broken } = sort(scope, [good, thrower, other])
    assert.deepStrictEqual(
      requests.map(({ key }) => key),
      ["github:7", "github:9"].map((key) => key as (typeof requests)[number]["key"])
    )
    assert.deepStrictEqual(
      broken.map(([, why]) => why),
      ["URIError: URI malformed"]
    )
  })

  it("is small, whatever size its names have, and can be told in UTF-8", () => {
    const huge = "\ud800🍏".repeat(1_000_000)
    const [job] = jobs({
      ...plain,
      name: huge,
      workflow_name: huge,
      head_sha: huge,
      html_url: huge,
      runner_name: huge,
      created_at: huge,
      conclusion: huge
    })
    assert.isDefined(job)
    if (job === undefined) return
    const { requests } = sort(scope, [job])
    assert.lengthOf(requests, 1)
    const json = JSON.stringify(requests)
    assert.isBelow(json.length, 3000)
    assert.notInclude(json, "\\ud800")
    assert.strictEqual(job.url, "")
    assert.strictEqual(job.createdAt, 0)
  })

  it("of which the labels are absurd is refused with few words", () => {
    const labels = ["anka-template:t", ...Array.from({ length: 5000 }, (_, n) => `x${n}`)]
    for (const wrong of [
      labels,
      ["anka-template:t", "x".repeat(2_000_000)],
      [`anka-template:${"x".repeat(2_000_000)}`]
    ]) {
      const { refused } = sort(scope, jobs({ ...plain, labels: wrong }))
      assert.lengthOf(refused, 1)
      assert.isBelow(JSON.stringify(refused.map(([, why]) => why)).length, 300)
      assert.include(JSON.stringify(refused.map(([, why]) => why)), "at least 1000")
    }
  })

  it("whose numbers cannot be told apart is none", () => {
    const { items, unreadable } = read({
      jobs: [2 ** 53, 1e300, -1, 0, 1.5].map((id) => ({ ...plain, id })).concat(plain)
    })
    assert.deepStrictEqual(
      items.map(({ id }) => id),
      [7]
    )
    assert.lengthOf(unreadable, 5)
  })
})
