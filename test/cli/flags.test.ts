import { spawnSync } from "node:child_process"
import * as Either from "effect/Either"
import { assert, describe, it } from "vitest"
import { wrong } from "../../src/cli/flags.ts"
import { ready } from "../../src/cli/parser/argv.ts"
import { PROGRAM } from "../whole/program.ts"

const LEAVES = [
  "status",
  "why",
  "ui",
  "doctor",
  "restart",
  "drain",
  "resume",
  "logs",
  "config check",
  "config show",
  "service install",
  "service uninstall",
  "service status",
  "completions",
  "demo",
  "simulate"
]
const COMMANDS = Object.fromEntries(
  LEAVES.map((leaf) => {
    const [name = ""] = leaf.split(" ")
    const own = LEAVES.filter((other) => other.startsWith(`${name} `)).map(
      (other) => [other.split(" ")[1], {}] as const
    )
    return [name, Object.fromEntries(own)]
  })
)

type Line = ReadonlyArray<string>

/** What the parser receives for a command line, or the message about it. */
const read = (args: Line) =>
  Either.flatMap(ready(args, COMMANDS), ({ args, command, flags, asks }) => {
    const mistake = asks === undefined ? wrong(flags, command.join(" ")) : undefined
    return mistake === undefined ? Either.right({ args, command: command.join(" "), asks }) : Either.left(mistake)
  })

const said = (line: string) => {
  const result = read(line.split(" ").filter(Boolean))
  return Either.isLeft(result) ? result.left : `taken as ${result.right.args.join(" ")}`
}

const orders = <A>(all: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  all.length < 2
    ? [all]
    : all.flatMap((each, index) => orders(all.filter((_, other) => other !== index)).map((rest) => [each, ...rest]))

/** A command's words stay in their order; the flags may stand anywhere among them. */
const placed = (words: Line, flags: ReadonlyArray<Line>): ReadonlyArray<Line> =>
  orders([...words.map((word) => [word]), ...flags])
    .map((order) => order.flat())
    .filter((line) => line.filter((word) => words.includes(word)).join() === words.join())

const FILES: ReadonlyArray<Line> = [["-c", "F"], ["--config", "F"], ["--config=F"], ["-c=F"], ["-cF"]]

const ask = (...args: Line) => {
  const [program = "", ...before] = PROGRAM
  return spawnSync(program, [...before, ...args], { encoding: "utf8" })
}

describe("flags", () => {
  it("stand anywhere, in every way of writing them: the parser is given one and the same", () => {
    for (const file of FILES) {
      for (const line of placed([], [file, ["--attach"], ["--once"]])) {
        assert.sameMembers(
          [...Either.getOrThrow(read(line)).args],
          ["--config=F", "--attach", "--once"],
          line.join(" ")
        )
      }
      for (const signal of [["-s", "stop"], ["-sstop"], ["-s=stop"], ["--signal", "stop"], ["--signal=stop"]]) {
        for (const line of placed([], [file, signal, ["--no-wait"]])) {
          assert.sameMembers(
            [...Either.getOrThrow(read(line)).args],
            ["--config=F", "--signal=stop", "--no-wait"],
            line.join(" ")
          )
        }
      }
      for (const leaf of LEAVES) {
        const words = leaf.split(" ")
        const more = /^(status|doctor|config|service status)/.test(leaf) ? [["--json"]] : []
        for (const line of placed(words, [file, ...more])) {
          assert.deepStrictEqual(
            Either.getOrThrow(read(line)).args,
            ["--config=F", ...words, ...more.flat()],
            line.join(" ")
          )
        }
      }
      for (const line of placed(["logs"], [file, ["-n", "5"], ["-f"], ["--service", "drain"]])) {
        assert.sameMembers(
          [...Either.getOrThrow(read(line)).args],
          ["--config=F", "logs", "--lines=5", "-f", "--service=drain"],
          line.join(" ")
        )
      }
    }
    assert.deepStrictEqual(Either.getOrThrow(read(["logs", "-fn5"])).args, ["logs", "-f", "--lines=5"])
    assert.deepStrictEqual(Either.getOrThrow(read(["why", "1", "--json"])).args, ["why", "--json", "1"])
  })

  it("that ask for help or the version win wherever they stand, over whatever else is there", () => {
    for (const help of ["--help", "-h"]) {
      for (const file of FILES) {
        for (const leaf of ["", ...LEAVES]) {
          const words = leaf.split(" ").filter(Boolean)
          for (const line of placed(words, [file, [help], ["--json"]])) {
            const { args, asks } = Either.getOrThrow(read(line))
            assert.deepStrictEqual([args, asks], [[...words, "--help"], "help"], line.join(" "))
          }
          for (const line of placed(words, [file, ["--version"]])) {
            assert.strictEqual(Either.getOrThrow(read(line)).asks, "version", line.join(" "))
          }
        }
      }
    }
    for (const [line, args] of [
      ["help", "--help"],
      ["help status", "status --help"],
      ["help config show", "config show --help"],
      ["config help", "config --help"],
      ["-c F help logs", "logs --help"],
      ["-c --help", "--help"],
      ["-s --help", "--help"],
      ["-hc F", "--help"]
    ] as const) {
      assert.strictEqual(said(line), `taken as ${args}`)
    }
    assert.include(said("help lgos"), 'did you mean "logs"?')
    assert.include(said("lgos --help"), 'did you mean "logs"?')
  })

  it("given twice with one value are given once, and with two values refused", () => {
    assert.strictEqual(said("--attach --attach"), "taken as --attach")
    assert.strictEqual(said("-c F --config=F status"), "taken as --config=F status")
    assert.include(said("-c F -c G"), "-c is given twice")
    assert.include(said("-c F status --config=G"), "--config is given twice")
    assert.include(said("-s stop -s drain"), "-s is given twice")
  })

  it("that are mistyped, misplaced, or have no or another value are told how they are meant", () => {
    for (const [line, words] of [
      ["--attahc", "did you mean --attach?"],
      ["status --jsno", "did you mean --json?"],
      ["status --wtach", "did you mean --watch?"],
      ["--confg F status", "did you mean --config?"],
      ["-config F", "did you mean --config?"],
      ["-help", "did you mean --help?"],
      ["--Help", "did you mean --help?"],
      ["-V", "did you mean --version?"],
      ["-stop", "did you mean -s stop?"],
      ["--drain", "did you mean -s drain?"],
      ["--log-level debug", "LOG_LEVEL=DEBUG"],
      ["-x", "--help shows"],
      ["-c", "-c expects a file"],
      ["-c -s stop", "-c expects a file"],
      ["status --config=", "--config expects a file"],
      ["-s", "-s expects stop or drain"],
      ["-s restart", "-s expects stop or drain"],
      ["-sdrian", "did you mean drain?"],
      ["--attach=yes", "--attach takes no value"],
      ["logs -n", "-n expects a whole number"],
      ["logs --lines few", "--lines expects a whole number"],
      ["logs --level LOUD", "debug, info, warn or error"],
      ["--json", '"anklet status"'],
      ["status --fix", '"anklet doctor"'],
      ["--fix status", '"anklet doctor"'],
      ["status --attach", "they do not go with a command"],
      ["-s stop status", "they do not go with a command"],
      ["--no-wait drain", "they do not go with a command"],
      ["--once -s stop", "do not go with it"],
      ["-s drain --attach", "do not go with it"],
      ["--no-wait", "goes with -s"],
      ["--attach --no-wait", "goes with -s"]
    ] as const) {
      assert.include(said(line), words, line)
    }
  })
})

describe("a command", () => {
  it("that another program has is told how it is called here", () => {
    for (const [line, words] of [
      ["run", '"anklet --attach"'],
      ["kill", '"anklet -s stop"'],
      ["ps", '"anklet status"'],
      ["-c F upgrade", '"anklet update"'],
      ["start now", '"now"'],
      ["check", '"anklet config check"'],
      ["install", '"anklet service install"'],
      ["stauts", '"status"'],
      ["config chekc", '"check"'],
      ["constructor", "known commands"]
    ] as const) {
      assert.include(said(line), words, line)
    }
  })

  it("that stands for one of ours is read as that, with its flags", () => {
    for (const [line, args] of [
      ["start", ""],
      ["start --attach", "--attach"],
      ["-c F start", "--config=F"],
      ["stop", "--signal=stop"],
      ["stop -c F --no-wait", "--signal=stop --config=F --no-wait"],
      ["reload -c F", "--config=F restart"],
      ["validate --json", "config check --json"],
      ["version", "--version"],
      ["stop --help", "--help"],
      ["help validate", "config check --help"]
    ] as const)
      assert.strictEqual(said(line), `taken as ${args}`, line)
    assert.include(said("stop -s drain"), "is given twice")
  })

  it("is known here with just those flags that its help shows", () => {
    for (const leaf of ["", ...LEAVES]) {
      const { stdout } = ask(...leaf.split(" ").filter(Boolean), "--help")
      const shown = [
        ...(stdout.match(/OPTIONS\n([\s\S]*?)(\n\n[A-Z]|$)/)?.[1] ?? "").matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm)
      ].map(([, name]) => name ?? "")
      for (const name of [
        "attach",
        "once",
        "signal",
        "no-wait",
        "json",
        "watch",
        "fleet",
        "port",
        "fix",
        "follow",
        "service",
        "job",
        "level",
        "lines"
      ]) {
        const value = { signal: "stop", port: "1", service: "a", job: "1", level: "info", lines: "5" }[name]
        const args = [...leaf.split(" ").filter(Boolean), `--${name}${value === undefined ? "" : `=${value}`}`]
        const isTaken = Either.isRight(read(name === "no-wait" && leaf === "" ? [...args, "-s", "stop"] : args))
        assert.strictEqual(isTaken, shown.includes(name), args.join(" "))
      }
    }
  })

  it("shows its help, and starts nothing, wherever --help stands", () => {
    for (const args of [
      ["-c", "F", "--help"],
      ["demo", "--help"],
      ["simulate", "--help"],
      ["help"],
      ["--attach", "-h"],
      ["-c", "F", "status", "-h"]
    ]) {
      const { status, stdout, stderr } = ask(...args)
      assert.deepStrictEqual([status, stderr], [0, ""], args.join(" "))
      assert.match(stdout, /^\$ anklet/)
    }
    assert.match(ask("-c", "F", "--version").stdout, /^anklet \d/)
    assert.strictEqual(ask("daemon").status, 2)
  })
})
