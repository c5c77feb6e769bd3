/** What the doctor prints, and that it always does. */
import { chmodSync } from "node:fs"
import { afterEach, assert, describe, it } from "vitest"
import { calls } from "../../src/simulator/anka/host.ts"
import { atTerminal } from "../cli/terminal.ts"
import { closeAll, type Found, healthy } from "./host.ts"

afterEach(closeAll)

describe("what the doctor prints", () => {
  /** A path, or a command to be copied, stays whole, and may be longer than the screen. */
  const isUnbreakable = (line: string) => /^\s*(\S+|`[^`]*`\S*)$/.test(line.slice(11))

  it("fits into 80 columns without colours where it is no terminal, worst first, with the config in its commands", async () => {
    const host = await healthy()
    host.addVm("one")
    host.addVm("two")
    chmodSync(host.lab.config, 0o644)
    const ran = await host.doctor()
    assert.strictEqual(ran.code, 12)
    assert.notInclude(ran.stdout, "\u001b")
    for (const line of ran.stdout.split("\n")) {
      assert.isTrue(line.length <= 80 || isUnbreakable(line), line)
    }
    assert.match(ran.stdout, /vms\n {2}problem {2}VMs of others run: one, two\n[\s\S]*?\n {2}ok {7}2 of 2 places/)
    assert.include(ran.stdout, `Mend: \`anklet -c ${host.lab.config}\``)
    assert.include(ran.stdout, `Or \`anklet -c ${host.lab.config} doctor --fix\``)
    assert.match(ran.stdout, /\n1 problem, 1 warning, \d notes, \d+ ok\n$/)
  })

  it("has colours on a terminal, and none with NO_COLOR; fits into its columns", async () => {
    const host = await healthy()
    const shown = (env: Record<string, string>) =>
      atTerminal(["-c", host.lab.config, "doctor"], {
        env: { ...host.env, ...env },
        cwd: host.lab.folder,
        columns: 60
      })
    const coloured = await shown({})
    assert.strictEqual(coloured.code, 0)
    assert.include(coloured.seen, "\u001b[32mok\u001b[0m")
    assert.include(coloured.seen, "\u001b[36mnote\u001b[0m")
    const plain = await shown({ NO_COLOR: "1" })
    assert.notInclude(plain.seen, "\u001b")
    assert.isAbove(plain.seen.split("\n").length, coloured.seen.split("\n").length - 1)
    for (const line of plain.seen.split("\n")) assert.isTrue(line.length <= 60 || isUnbreakable(line), line)
  })

  it("as JSON has every finding and the totals", async () => {
    const host = await healthy()
    const ran = await host.doctor("--json")
    const { ankletVersion, config, findings, totals } = JSON.parse(ran.stdout)
    assert.match(ankletVersion, /^\d+\.\d+\.\d+$/)
    assert.strictEqual(config, host.lab.config)
    for (const level of ["problem", "warning", "note", "ok"])
      assert.strictEqual(totals[level], findings.filter((finding: Found) => finding.level === level).length)
    assert.deepStrictEqual(Object.keys(findings[0]), ["subject", "id", "level", "what", "why", "remedy"])
  })

  it("comes also when anka and a plugin hang: that is a finding, and the rest is told", async () => {
    const host = await healthy()
    host.addPlugin("Effect.never")
    for (const command of ["version", "license", "list", "registry", "config"])
      host.alterAnka((anka) => void anka.faults.push({ command, fault: "hang" }))
    const { code, found, of } = await host.examine()
    assert.strictEqual(code, 12)
    assert.strictEqual(found.filter(({ id }) => id === "anka-hangs").length, 3)
    assert.match(of("anka-hangs")?.what ?? "", /no answer within 10 s/)
    assert.include(JSON.stringify(found), "can be listed")
    assert.isDefined(of("registry-away"))
    assert.include(of("unfinished")?.what, "did not end within 35 s")
    // and none of them is left behind
    for (const { pid } of calls(host.lab.host)) assert.throws(() => process.kill(pid, 0))
  })

  it("comes also when GitHub says nothing", async () => {
    const host = await healthy()
    host.lab.github.faults.push({ path: /./, times: 1000, silent: true })
    const { code, of } = await host.examine()
    assert.strictEqual(code, 12)
    assert.include(of("github-unreachable")?.what, "no answer within 15 s")
  })

  it("knows no other flags: exit 2", async () => {
    const host = await healthy()
    assert.strictEqual((await host.doctor("--frobnicate")).code, 2)
  })
})
