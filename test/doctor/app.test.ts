/** What can be wrong with a GitHub App. */
import { generateKeyPairSync } from "node:crypto"
import { chmodSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, describe, it } from "vitest"
import { TOKEN } from "../whole/lab.ts"
import { bad, closeAll, type Host, healthy } from "./host.ts"

afterEach(closeAll)

describe("the doctor finds of an App", () => {
  const keys = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" }
  })
  const withApp = async () => {
    const host = await healthy({ github: { app: { id: 1, installation: 2, publicKey: keys.publicKey } } })
    writeFileSync(join(host.lab.home, "key.pem"), keys.privateKey, { mode: 0o600 })
    host.rewrite(`token: ${TOKEN}`, "app_id: 1\n    installation_id: 2\n    private_key: ~/key.pem")
    return host
  }
  const grant = (host: Host, permissions: Record<string, string>) =>
    host.lab.github.faults.push({
      path: "access_tokens",
      times: 100,
      answer: {
        status: 201,
        body: JSON.stringify({ token: "ghs_x", expires_at: "2099-01-01T00:00:00Z", permissions })
      }
    })

  it("that all is well, its permissions included", async () => {
    const host = await withApp()
    const { code, found } = await host.examine()
    assert.strictEqual(code, 0)
    assert.deepStrictEqual(bad(found), [])
    assert.include(JSON.stringify(found), "the App may register runners at veertuinc/anklet")
    assert.notInclude(JSON.stringify(found), "app-broad")
    assert.notInclude(JSON.stringify(found), "PRIVATE KEY")
  })

  it("that it may not register runners, or not write checks: permission-missing, checks-unwritten", async () => {
    const host = await withApp()
    grant(host, { actions: "read", administration: "read" })
    const { code, of } = await host.examine()
    assert.strictEqual(code, 12)
    assert.include(of("permission-missing")?.what, "may not register runners at veertuinc/anklet")
    assert.include(of("permission-missing")?.remedy, "'Administration: write' on the repository")
    assert.strictEqual(of("checks-unwritten")?.level, "note")
  })

  it("that it may write what Anklet does not need: app-broad", async () => {
    const host = await withApp()
    grant(host, { actions: "read", administration: "write", checks: "write", contents: "write", secrets: "write" })
    const { code, of } = await host.examine()
    assert.strictEqual(code, 0)
    assert.strictEqual(of("app-broad")?.level, "note")
    assert.include(of("app-broad")?.what, "does not need: contents, secrets")
    assert.include(of("app-broad")?.remedy, "Permissions & events")
  })

  it("that it is not installed any more: credential-refused", async () => {
    const host = await withApp()
    host.rewrite("installation_id: 2", "installation_id: 3")
    const { code, of } = await host.examine()
    assert.strictEqual(code, 12)
    assert.include(of("credential-refused")?.what, "does not let the App in")
  })

  it("that others can read its key: secret-readable", async () => {
    const host = await withApp()
    chmodSync(join(host.lab.home, "key.pem"), 0o644)
    assert.include((await host.examine()).of("secret-readable")?.what, "key.pem")
  })
})
