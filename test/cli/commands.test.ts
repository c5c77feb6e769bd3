import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import * as Either from "effect/Either"
import { assert, describe, it } from "vitest"
import { ready } from "../../src/cli/parser/argv.ts"
import { EXIT_CODES } from "../../src/process/ExitCode.ts"
import { PROGRAM } from "../whole/program.ts"

const COMMANDS = { logs: {}, drain: {}, config: { check: {}, show: {} } }

const words = (line: string) =>
  Either.map(ready(line.split(" ").filter(Boolean), COMMANDS), ({ args, command }) => ({
    line: args.join(" "),
    command: command.join(" ")
  }))

const ask = (...args: ReadonlyArray<string>) => {
  const [program = "", ...before] = PROGRAM
  return spawnSync(program, [...before, ...args], { encoding: "utf8" })
}

describe("a command line", () => {
  it("without a command has none, whatever the values of its flags are called", () => {
    for (const line of ["", "--once", "-s drain", "-c logs", "--config config --attach", "--signal drain --no-wait"]) {
      assert.strictEqual(Either.getOrThrow(words(line)).command, "", line)
    }
    assert.strictEqual(Either.getOrThrow(words("-c logs -s drain")).line, "--config=logs --signal=drain")
  })

  it("may have its config before, in and behind a command", () => {
    for (const line of [
      "-c show config check",
      "config -c show check",
      "config check -c show",
      "config check --config=show"
    ]) {
      assert.deepStrictEqual(Either.getOrThrow(words(line)), {
        line: "--config=show config check",
        command: "config check"
      })
    }
  })

  it("leaves a flag without its value, and all behind --, to the parser", () => {
    assert.strictEqual(Either.getOrThrow(words("logs -c")).line, "logs -c")
    assert.strictEqual(Either.getOrThrow(words("logs -c -f")).line, "logs -c -f")
    assert.strictEqual(Either.getOrThrow(words("logs -- -c x")).line, "logs -- -c x")
  })

  it("with an unknown command is refused with the nearest one", () => {
    assert.deepStrictEqual(words("lgos"), Either.left('there is no command "lgos": did you mean "logs"?'))
    assert.deepStrictEqual(words("config shwo"), Either.left('there is no command "config shwo": did you mean "show"?'))
    assert.deepStrictEqual(
      words("xyzzy"),
      Either.left('there is no command "xyzzy": known commands: logs, drain, config')
    )
  })
})

describe("help", () => {
  it("fits a terminal of 80 columns, and is plain in a pipe", () => {
    for (const args of [
      [],
      ["logs"],
      ["config"],
      ["config", "show"],
      ["service", "install"],
      ["completions"],
      ["status"],
      ["ui"]
    ]) {
      const { status, stdout, stderr } = ask(...args, "--help")
      assert.strictEqual(status, 0, stderr)
      assert.include(stdout, `$ anklet ${args.join(" ")}`)
      assert.notInclude(stdout, "\u001b")
      for (const line of stdout.split("\n")) assert.isAtMost(line.length, 80, line)
    }
  })

  it("tells of a flag what it does, once", () => {
    const { stdout } = ask("logs", "--help")
    assert.match(stdout, /^ {2}-n, --lines integer {2,}number of newest entries to show; default 100$/m)
    assert.notMatch(stdout, /This setting is optional|A user-defined/)
  })
})

describe("docs/commands.md", () => {
  const documented = readFileSync("docs/commands.md", "utf8")

  it("lists every exit code with what --help says of it", () => {
    for (const [code, meaning] of Object.entries(EXIT_CODES)) {
      assert.include(documented, `| ${code} | ${meaning.split(" (")[0]}`)
    }
  })

  it("lists every command that --help shows", () => {
    const help = ask("--help").stdout
    const names = [...(help.split("COMMANDS")[1] ?? "").matchAll(/^ {2}([a-z]+(?: [a-z]+)?)(?= {2})/gm)].map(
      ([, name]) => name ?? ""
    )
    assert.includeMembers(names, ["logs", "demo", "simulate"])
    for (const name of names) {
      const [first, second] = name.split(" ")
      assert.match(documented, new RegExp(`\`anklet ${first}\\b.*${second ?? ""}`), name)
    }
  })
})
