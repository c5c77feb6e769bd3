import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { PROGRAM, VERSION } from "./files.ts"

describe("the one file", () => {
  it("tells version and commit, wherever it is, without Node", () => {
    const folder = mkdtempSync(join(tmpdir(), "anklet file "))
    const moved = join(folder, "my anklet")
    cpSync(PROGRAM, moved)
    const { stdout } = spawnSync(moved, ["--version"], { encoding: "utf8", env: { PATH: "/nowhere" }, cwd: "/" })
    const [commit] =
      spawnSync("git", ["rev-parse", "--short=7", "HEAD"], { encoding: "utf8" }).stdout?.split("\n") ?? []
    assert.match(stdout, new RegExp(`^anklet ${VERSION} \\(${commit || "unknown"}(-dirty)?\\)\\n$`))
    rmSync(folder, { recursive: true })
  })

  it("shows the demo: daemon, simulated Mac and GitHub, all in it", async () => {
    const demo = spawn(PROGRAM, ["demo"], { stdio: ["ignore", "pipe", "inherit"] })
    let said = ""
    demo.stdout.on("data", (chunk) => {
      said += chunk
    })
    const [code] = await once(demo, "close")
    assert.include(said, "nothing is left behind")
    assert.strictEqual(code, 0, said)
  })

  it("is not led by files of the folder that it is started in", () => {
    const folder = mkdtempSync(join(tmpdir(), "anklet-folder-"))
    mkdirSync(join(folder, "home"))
    writeFileSync(join(folder, ".env"), "LOG_LEVEL=nonsense\nANKLET_TRAP=1\n")
    writeFileSync(join(folder, "bunfig.toml"), 'preload = ["./trap.js"]\n')
    writeFileSync(join(folder, "tsconfig.json"), "{ not json")
    writeFileSync(join(folder, "package.json"), "{ not json")
    writeFileSync(join(folder, "trap.js"), 'require("node:fs").writeFileSync("trapped", "")\n')
    const ran = (...args: ReadonlyArray<string>) =>
      spawnSync(PROGRAM, args, {
        cwd: folder,
        encoding: "utf8",
        env: { PATH: process.env.PATH, HOME: join(folder, "home") }
      })
    assert.strictEqual(ran("--version").status, 0)
    const { stdout, stderr, status } = ran("--attach")
    assert.strictEqual(status, 3, stdout + stderr)
    assert.include(stderr, "config.yml")
    assert.throws(() => readFileSync(join(folder, "trapped")))
    rmSync(folder, { recursive: true })
  })
})
