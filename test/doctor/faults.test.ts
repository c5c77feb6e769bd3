/** Every fault that a subject lists, each host examined once by the built program. */
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { addresses } from "./addresses.ts"
import { anka } from "./anka.ts"
import { config } from "./config.ts"
import { daemon } from "./daemon.ts"
import { exposure } from "./exposure.ts"
import { type Fault, type FaultyHost, HOSTS } from "./Fault.ts"
import { github } from "./github.ts"
import { closeAll, type Examined, healthy } from "./host.ts"
import { launchd } from "./launchd.ts"
import { macos } from "./macos.ts"
import { network } from "./network.ts"
import { plugins } from "./plugins.ts"
import { registry } from "./registry.ts"
import { release } from "./release.ts"
import { runners } from "./runners.ts"
import { scripts } from "./scripts.ts"
import { service } from "./service.ts"
import { templates } from "./templates.ts"
import { versions } from "./versions.ts"
import { vms } from "./vms.ts"

/** All faults, in the order in which a host gets its own. */
const FAULTS: ReadonlyArray<Fault> = [
  ...[config, network, release, daemon, macos, launchd, service, anka, templates, vms, scripts, exposure].flat(),
  ...[plugins, github, runners, registry, addresses, versions].flat()
]

for (const [on, { code, isMac = false, prepare }] of Object.entries<FaultyHost>(HOSTS)) {
  const faults = FAULTS.filter((fault) => fault.on === on)

  describe(`the doctor finds: ${on}:`, () => {
    let seen: Examined

    beforeAll(async () => {
      const host = await healthy()
      if (isMac) host.becomeMac()
      await prepare?.(host)
      for (const { cause } of faults) await cause?.(host)
      seen = await host.examine()
      await closeAll()
    })
    // for a host that could not be made
    afterAll(closeAll)

    it(`exits ${code}`, () => {
      assert.strictEqual(seen.code, code, JSON.stringify(seen.found, undefined, 1))
      assert.strictEqual((seen.totals.problem ?? 0) > 0, code === 12)
    })

    for (const { name, id, level, what, remedy } of faults) {
      it(`${name}: ${id}, with why it matters and what mends it`, () => {
        const finding = seen.found.find((finding) => finding.id === id && what.test(finding.what))
        assert.isDefined(finding, JSON.stringify(seen.found, undefined, 1))
        assert.strictEqual(finding?.level, level)
        assert.match(finding?.remedy ?? "", remedy)
        assert.isNotEmpty(finding?.why)
      })
    }
  })
}
