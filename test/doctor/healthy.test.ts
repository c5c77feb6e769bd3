/** A host on which all is well. */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, describe, it } from "vitest"
import { calls, clones } from "../../src/simulator/anka/host.ts"
import { bad, closeAll, healthy, ORPHAN, PASSWORD, redisServer } from "./host.ts"

afterEach(closeAll)

describe("a healthy host", () => {
  it("has no finding worse than a note, without a daemon and without Redis: exit 0", async () => {
    const host = await healthy()
    const { code, found } = await host.examine()
    assert.deepStrictEqual(bad(found), [])
    assert.strictEqual(code, 0)
    assert.includeMembers(
      found.map(({ id }) => id),
      ["daemon-down", "script-unwritten", "not-a-mac"]
    )
  })

  it("has none with a daemon that runs, two services and Redis, and each subject is told of", async () => {
    const server = await redisServer()
    const host = await healthy({
      services: 2,
      service: `database:\n  enabled: true\n  url: 127.0.0.1\n  port: ${server.port}\n  password: ${PASSWORD}`
    })
    assert.strictEqual((await host.lab.anklet()).code, 0)
    const ran = await host.doctor()
    assert.strictEqual(ran.code, 0, ran.stdout)
    assert.match(ran.stdout, /\n0 problems, 0 warnings, \d notes, \d+ ok\n$/)
    for (const subject of "config daemon clock macos anka registry templates vms github redis scripts".split(" "))
      assert.match(ran.stdout, new RegExp(`^${subject}$`, "m"))
    assert.include(ran.stdout, `it runs (pid ${host.lab.pid()})`)
    assert.include(ran.stdout, `Redis at 127.0.0.1:${server.port} answers: version`)
    // findings that two services with one credential share are reported once
    assert.strictEqual(ran.stdout.match(/can be listed/g)?.length, 2)
    assert.deepStrictEqual(host.lab.github.violations, [])
  })

  it("that is a Mac has none either", async () => {
    const host = await healthy()
    host.becomeMac()
    const { code, found } = await host.examine()
    assert.deepStrictEqual(bad(found), [])
    assert.strictEqual(code, 0)
    assert.notInclude(JSON.stringify(found), "DHCPLeaseTimeSecs")
    assert.include(JSON.stringify(found), "macOS 15.6.1")
    assert.include(JSON.stringify(found), "is loaded and fits")
  })

  it("without a way to the releases has no finding about them", async () => {
    const host = await healthy()
    await host.findReleases("999.0.0")
    host.rewrite(/https:\/\/127\.0\.0\.1:\d+/, "https://127.0.0.1:1")
    const { code, found } = await host.examine()
    assert.strictEqual(code, 0)
    assert.notInclude(JSON.stringify(found), "release")
  })

  it("is not changed by looking: no file, no VM, no runner, no call but questions", async () => {
    const host = await healthy()
    host.addVm(ORPHAN)
    await host.doctor()
    assert.isFalse(existsSync(host.lab.pidFile))
    assert.isFalse(existsSync(join(host.lab.folder, "daemon")))
    assert.isFalse(existsSync(join(host.lab.home, ".config")))
    assert.strictEqual(clones(host.lab.host).length, 1)
    assert.deepStrictEqual([...new Set(host.lab.github.log.map(({ method }) => method))], ["GET"])
    const asked = calls(host.lab.host).map(({ argv }) => argv.join(" "))
    assert.sameMembers(asked, ["-j version", "-j license show", "-j list", "-j registry list", "config img_lib_dir"])
  })
})
