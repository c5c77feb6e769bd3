import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { assert, describe, it } from "vitest"
import { judged } from "../../../src/plugins/github/addresses.ts"
import { GitHubConfig } from "../../../src/plugins/github/config.ts"

const config: GitHubConfig = {
  token: Option.none(),
  app_id: Option.none(),
  installation_id: Option.none(),
  private_key: Option.none(),
  registration: Option.none(),
  enterprise: Option.none(),
  owner: Option.some("o"),
  watch: Option.none(),
  repo: Option.some("r"),
  api_url: "https://api.github.com",
  runner_group: 1,
  registration_timeout: 300,
  runner_version: "2.338.0",
  runner_sha256: Option.none(),
  runner_url: "https://github.com/r-{version}-{arch}.tar.gz"
}
const idsOf = (given: Partial<GitHubConfig>) => judged({ ...config, ...given }).map(({ id }) => id)

describe("what addresses in the config tell others", () => {
  it("is nothing by default, over TLS and on this Mac", () => {
    assert.isTrue(Schema.is(Schema.typeSchema(GitHubConfig))(config))
    assert.deepStrictEqual(idsOf({}), [])
    for (const here of [
      "http://127.0.0.1:1",
      "http://localhost",
      "http://[::1]:1",
      "http://127.1.1.1",
      "https://ghe.corp"
    ])
      assert.deepStrictEqual(idsOf({ api_url: here }), [], here)
  })

  for (const there of [
    "http://ghe.corp",
    "http://10.0.0.1:8089",
    "HTTP://ghe.corp",
    "http://127.0.0.1.corp",
    "http://[fd00::1]"
  ])
    it(`is what is said to ${there}`, () => assert.deepStrictEqual(idsOf({ api_url: there }), ["api-plain"]))

  for (const secret of ["https://u:CANARY@h/x", "https://CANARY@h/x", "https://:CANARY@h/x", "https://h/x?sig=CANARY"])
    it(`is the secret in ${secret.replace("CANARY", "…")}, which no finding quotes`, () => {
      const given = { runner_url: secret }
      assert.deepStrictEqual(idsOf(given), ["runner-url-secret"])
      assert.notInclude(JSON.stringify(judged({ ...config, ...given })), "CANARY")
    })
})
