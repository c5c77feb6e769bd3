import { assert, describe, it } from "vitest"
import { API, targetOf } from "../../src/control/Api.ts"

describe("the routes of the control socket", () => {
  it("are each asked in one way", () => {
    const asked = Object.values(API).map(({ method, path }) => `${method} ${path}`)
    assert.deepStrictEqual(asked, [...new Set(asked)])
  })

  it("carry what a person typed as one parameter, whatever is in it", () => {
    assert.strictEqual(targetOf(API.status, {}), "/status")
    const job = "https://elsewhere/a b?x=1&job=2#3"
    const { pathname, searchParams } = new URL(targetOf(API.why, { job }), "http://anklet")
    assert.strictEqual(pathname, "/why")
    assert.deepStrictEqual([...searchParams], [["job", job]])
  })
})
