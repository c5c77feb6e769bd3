import { rmSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { afterEach, assert, describe, it } from "vitest"
import { plain } from "../../src/cli/parser/plain.ts"
import { alter } from "../../src/simulator/anka/host.ts"
import { type Lab, make } from "../whole/lab.ts"

describe("a command line that only starts the daemon", () => {
  it("is read without the parser", () => {
    assert.deepStrictEqual(plain([]), { config: undefined, attach: false, once: false })
    assert.deepStrictEqual(plain(["start"]), plain([]))
    assert.deepStrictEqual(plain(["start", "--attach"]), plain(["--attach"]))
    assert.deepStrictEqual(plain(["--attach", "-c", "a.yml"]), { config: "a.yml", attach: true, once: false })
    assert.deepStrictEqual(plain(["--config", "a.yml", "--once"]), { config: "a.yml", attach: false, once: true })
  })

  it("is left to the parser when anything else is in it, or a mistake", () => {
    for (const line of [
      ["--help"],
      ["-s", "stop"],
      ["status"],
      ["--attach", "--attach"],
      ["-c"],
      ["-c", ""],
      ["-c", "--attach"],
      ["-c", "a.yml", "-c", "b.yml"],
      ["--config=a.yml"],
      ["--", "--attach"],
      ["--attach", "status"],
      ["start", "start"],
      ["--attach", "start"]
    ]) {
      assert.isUndefined(plain(line), line.join(" "))
    }
  })
})

describe("a start that fails tells the same, with the same exit code, whether the parser read it or not:", () => {
  let lab: Lab
  afterEach(() => lab.close())

  const cases: ReadonlyArray<[what: string, code: number, prepare: () => void, env?: Record<string, string>]> = [
    ["there is no config", 3, () => rmSync(lab.config)],
    ["the config is wrong", 3, () => writeFileSync(lab.config, "servces: []\nlog: 1\n")],
    ["the log folder is missing", 3, () => rmSync(dirname(lab.logFile), { recursive: true })],
    ["the PID file cannot be made", 3, () => writeFileSync(dirname(lab.pidFile), "")],
    [
      "`anka` is unlicensed",
      7,
      () => alter(lab.host, ({ license }) => void Object.assign(license, { status: "expired" }))
    ],
    ["the log level is none", 9, () => {}, { LOG_LEVEL: "LOUD" }],
    ["the daemon runs already", 4, () => {}]
  ]
  for (const [what, code, prepare, env = {}] of cases) {
    it(what, async () => {
      lab = await make()
      prepare()
      if (code === 4) assert.strictEqual((await lab.anklet()).code, 0)
      for (const flags of [[], ["--attach"], ["--once"]]) {
        const [unparsed, parsed] = [
          await lab.run(["-c", lab.config, ...flags], { env }).done,
          await lab.run([`--config=${lab.config}`, ...flags], { env }).done
        ]
        assert.strictEqual(unparsed.code, code, unparsed.stderr)
        assert.notStrictEqual(unparsed.stderr, "")
        assert.deepStrictEqual([parsed.code, parsed.stderr], [unparsed.code, unparsed.stderr], flags.join())
        // in the foreground the log is written as well
        if (flags.length === 0) assert.strictEqual(parsed.stdout, unparsed.stdout)
      }
      if (code === 4) assert.strictEqual((await lab.anklet("-s", "stop")).code, 0)
    })
  }
})
