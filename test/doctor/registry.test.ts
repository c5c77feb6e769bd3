import * as Option from "effect/Option"
import { assert, describe, it } from "vitest"
import { judged } from "../../src/doctor/registry.ts"

const idsOf = (address: string) => judged(Option.some(address)).map(({ id }) => id)

describe("what the address of a registry tells others", () => {
  it("is nothing by default, over TLS, on this Mac, and by a name that Anka has for it", () => {
    assert.deepStrictEqual(judged(Option.none()), [])
    for (const here of ["http://127.0.0.1:1", "http://localhost", "http://[::1]:1", "https://registry.corp", "ours"])
      assert.deepStrictEqual(idsOf(here), [], here)
  })

  for (const there of ["http://registry.corp", "http://10.0.0.1:8089", "HTTP://r.corp", "http://127.0.0.1.corp"])
    it(`is what is said to ${there}`, () => assert.deepStrictEqual(idsOf(there), ["registry-plain"]))

  for (const secret of ["https://u:CANARY@h/x", "https://CANARY@h/x", "https://h/x?sig=CANARY"])
    it(`is the secret in ${secret.replace("CANARY", "…")}, which no finding quotes`, () => {
      assert.deepStrictEqual(idsOf(secret), ["registry-secret"])
      assert.notInclude(JSON.stringify(judged(Option.some(secret))), "CANARY")
    })
})
