import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { KINDS as plugins } from "../../src/daemon/Service.ts"
import { KINDS as anka } from "../../src/doctor/anka.ts"
import { KINDS as config } from "../../src/doctor/config.ts"
import { KINDS as doctor } from "../../src/doctor/Doctor.ts"
import { KINDS as daemon } from "../../src/doctor/daemon.ts"
import { KINDS as security } from "../../src/doctor/exposure.ts"
import { KINDS as launchd } from "../../src/doctor/launchd.ts"
import { KINDS as macos } from "../../src/doctor/macos.ts"
import { KINDS as network } from "../../src/doctor/network.ts"
import { KINDS as redis } from "../../src/doctor/redis.ts"
import { KINDS as registry } from "../../src/doctor/registry.ts"
import { KINDS as release } from "../../src/doctor/release.ts"
import { KINDS as scripts } from "../../src/doctor/scripts.ts"
import { KINDS as service } from "../../src/doctor/service.ts"
import { KINDS as templates } from "../../src/doctor/templates.ts"
import { KINDS as vms } from "../../src/doctor/vms.ts"
import type { Kinds } from "../../src/domain/Finding.ts"
import { CLOCK_KINDS as clock, KINDS as github } from "../../src/plugins/github/examine.ts"

const SUBJECTS: Readonly<Record<string, Kinds>> = {
  ...{
    config,
    network,
    release,
    daemon,
    clock,
    macos,
    launchd,
    service,
    anka,
    registry,
    templates,
    vms,
    github,
    redis,
    scripts,
    security,
    plugins
  },
  "any subject": doctor
}

/** The part of the documentation about each finding. */
const documented = Object.entries(SUBJECTS)
  .map(([subject, kinds]) =>
    [
      `### ${subject}`,
      "",
      "| finding | level | why it matters | what mends it |",
      "| --- | --- | --- | --- |",
      ...Object.entries(kinds).map(
        ([id, { level, why, remedy, fixable }]) =>
          `| \`${id}\` | ${level}${fixable === true ? ", *fix*" : ""} | ${why} | ${remedy} |`
      )
    ].join("\n")
  )
  .join("\n\n")

describe("docs/doctor.md", () => {
  it("has every finding that the doctor can make, with its level, reason and remedy, and no other", () => {
    const [, told = ""] = readFileSync("docs/doctor.md", "utf8").split("## All findings\n\n")
    assert.strictEqual(told, `${documented}\n`)
  })

  it("is asked for by ids that are unique, over all subjects", () => {
    const ids = Object.values(SUBJECTS).flatMap(Object.keys)
    assert.strictEqual(new Set(ids).size, ids.length)
  })

  it("is about findings that are each shown by a test with the built program", () => {
    const shown = readdirSync(import.meta.dirname)
      .filter((file) => file.endsWith(".ts"))
      .map((file) => readFileSync(join(import.meta.dirname, file), "utf8"))
      .join("\n")
    const missing = Object.values(SUBJECTS)
      .flatMap(Object.keys)
      .filter((id) => !shown.includes(`"${id}"`))
    assert.deepStrictEqual(missing, [])
  })
})
