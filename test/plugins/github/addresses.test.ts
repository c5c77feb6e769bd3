import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { assert, describe, it } from "vitest"
import { judged, withoutUsers } from "../../../src/plugins/github/addresses.ts"
import { GitHubConfig } from "../../../src/plugins/github/config.ts"

const config: GitHubConfig = {
  token: Option.none(),
  app_id: Option.none(),
  installation_id: Option.none(),
  private_key: Option.none(),
  registration: "repo",
  owner: "o",
  repo: Option.some("r"),
  api_url: "https://api.github.com",
  registry_url: Option.none(),
  runner_group: 1,
  registration_timeout: 300,
  runner_version: "2.338.0",
  runner_sha256: Option.none(),
  runner_url: "https://github.com/r-{version}-{arch}.tar.gz"
}
const idsOf = (given: Partial<GitHubConfig>) => judged({ ...config, ...given }).map(({ id }) => id)

describe("what addresses in the config tell others", () => {
  it("is nothing by default, over TLS, on this Mac, and by a registry's name", () => {
    assert.isTrue(Schema.is(Schema.typeSchema(GitHubConfig))(config))
    assert.deepStrictEqual(idsOf({}), [])
    for (const here of [
      "http://127.0.0.1:1",
      "http://localhost",
      "http://[::1]:1",
      "http://127.1.1.1",
      "https://ghe.corp"
    ])
      assert.deepStrictEqual(idsOf({ api_url: here, registry_url: Option.some(here) }), [], here)
    assert.deepStrictEqual(idsOf({ registry_url: Option.some("a registry of ours") }), [])
  })

  for (const there of [
    "http://ghe.corp",
    "http://10.0.0.1:8089",
    "HTTP://ghe.corp",
    "http://127.0.0.1.corp",
    "http://[fd00::1]"
  ])
    it(`is what is said to ${there}`, () =>
      assert.deepStrictEqual(idsOf({ api_url: there, registry_url: Option.some(there) }), [
        "api-plain",
        "registry-plain"
      ]))

  for (const secret of ["https://u:CANARY@h/x", "https://CANARY@h/x", "https://:CANARY@h/x", "https://h/x?sig=CANARY"])
    it(`is the secret in ${secret.replace("CANARY", "…")}, which no finding quotes`, () => {
      const given = { registry_url: Option.some(secret), runner_url: secret }
      assert.deepStrictEqual(idsOf(given), ["registry-secret", "runner-url-secret"])
      assert.notInclude(JSON.stringify(judged({ ...config, ...given })), "CANARY")
      assert.notInclude(withoutUsers(`anka registry --remote ${secret} list: ${secret} refuses`), "CANARY")
    })

  it("leaves text without addresses as it is", () => {
    for (const text of ["a b@c d", "https://h/a@b", "at https://h:1/x, said u@h", "what? no"])
      assert.strictEqual(withoutUsers(text), text)
  })
})
