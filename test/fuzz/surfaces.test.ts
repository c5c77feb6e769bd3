import * as Arbitrary from "effect/Arbitrary"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as FastCheck from "effect/FastCheck"
import * as HashMap from "effect/HashMap"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import { assert, describe, it } from "vitest"
import { asYaml } from "../../src/cli/config/yaml.ts"
import { report } from "../../src/cli/doctor/report.ts"
import { forPeople } from "../../src/cli/logs/entry.ts"
import { readable } from "../../src/cli/parser/help.ts"
import { join, line, lines, message, painted, type Text, written } from "../../src/cli/shown.ts"
import { ALL_HOSTS, THIS_HOST } from "../../src/cli/status/choices.ts"
import { fleet } from "../../src/cli/status/fleet.ts"
import { status } from "../../src/cli/status/render.ts"
import { storyOf, type Watched } from "../../src/cli/status/watch.ts"
import { table } from "../../src/cli/table.ts"
import type { Screen } from "../../src/cli/terminal.ts"
import { ConfigError, Problem } from "../../src/config/Problem.ts"
import { Fleet } from "../../src/control/Fleet.ts"
import { render } from "../../src/control/metrics/Exposition.ts"
import { Status } from "../../src/control/Status.ts"
import { dev, json } from "../../src/services/Log/line.ts"
import { hostile, isForged, raw } from "./hostile.ts"

const SCREENS: ReadonlyArray<Screen> = [
  { isTerminal: false, coloured: false, width: 80, height: 24, paint: (_, text) => text },
  { isTerminal: true, coloured: true, width: 120, height: 24, paint: (_, text) => painted(31, text) }
]

const safe = (text: Text) => {
  assert.isUndefined(raw(written(text), true))
  assert.isFalse(isForged(written(text)), written(text))
}

/** Number of runs: each contains hundreds of texts. */
const FEW = { numRuns: 30 }

/** Words of the program's own, by their keys. */
const OURS = ["_tag", "mode", "stage", "doing"]

/** Values of a schema in which every text that others choose is hostile. */
const ofStrangers = <A, I>(schema: Schema.Schema<A, I>): FastCheck.Arbitrary<A> =>
  FastCheck.tuple(Arbitrary.make(schema), hostile).map(([value, text]) => {
    const replaced = (key: string, it: unknown): unknown =>
      typeof it === "string" && !OURS.includes(key)
        ? text
        : Array.isArray(it)
          ? it.map((each) => replaced(key, each))
          : typeof it === "object" && it !== null
            ? Object.fromEntries(Object.entries(it).map(([key, each]) => [key, replaced(key, each)]))
            : typeof it === "number"
              ? 1
              : it
    return replaced("", value) as A
  })

const onScreens = (show: (screen: Screen, text: string) => Text) =>
  FastCheck.assert(
    FastCheck.property(hostile, (text) => {
      for (const screen of SCREENS) safe(show(screen, text))
    })
  )

describe("whatever strangers call their things", () => {
  it("status is not raw, and no row of it is forged", () => {
    FastCheck.assert(
      FastCheck.property(ofStrangers(Status), (it) => {
        for (const screen of SCREENS) safe(status(screen, it))
      }),
      FEW
    )
  })

  it("the story of what is chosen in a status is not raw, and no row of it is forged", () => {
    const stories = <A>(watched: Watched<A>, it: A) => {
      for (const screen of SCREENS)
        for (const choice of watched.choices(it)) safe(storyOf(screen, choice, Option.none()))
    }
    FastCheck.assert(
      FastCheck.property(ofStrangers(Status), (it) => stories(THIS_HOST, it)),
      FEW
    )
    FastCheck.assert(
      FastCheck.property(ofStrangers(Fleet), (it) => stories(ALL_HOSTS, it)),
      FEW
    )
  })

  it("status --fleet is not raw, and no row of it is forged", () => {
    FastCheck.assert(
      FastCheck.property(ofStrangers(Fleet), (it) => {
        for (const screen of SCREENS) safe(fleet(screen, it))
      }),
      FEW
    )
  })

  it("a table and its cells, a line and what is in it are not raw", () => {
    onScreens((screen, text) => table(screen, ["one", "two"], [[text, screen.paint("red", text)], [text]]))
    onScreens((screen, text) => line`"${text}" ${screen.paint("bold", text)} ${`${screen.paint("red", text)}`}`)
    onScreens((_, text) => lines([text, join([text, text], ", ")]))
    onScreens((_, text) => text)
  })

  it("an error is not raw, and its lines are told from other messages", () => {
    onScreens((_, text) => line`anklet: ${message(text)}`)
    onScreens((_, text) => message(readable(text, [], SCREENS[0] as Screen).text))
    onScreens((_, text) => {
      const error = new ConfigError({ file: text, problems: [Problem.make({ path: text, message: text })] })
      assert.strictEqual(error.message.split("\n").length, 2)
      return message(error.message)
    })
  })

  it("a finding of the doctor is not raw", () => {
    onScreens((screen, text) =>
      report(screen, "anklet", [
        { id: "x", subject: text, level: "problem", what: text, why: text, remedy: text } as never
      ])
    )
  })

  it("config show is not raw", () => {
    onScreens((screen, text) =>
      asYaml(
        [
          { path: ["a"], value: text, origin: { from: "file", path: text, line: 1 } },
          { path: ["b"], value: [text], origin: { from: "environment", name: text, line: 1 } }
        ],
        screen
      )
    )
  })

  it("what is read from a log is not raw, whatever wrote it", () => {
    onScreens((screen, text) =>
      lines(text.split("\n").map(forPeople(screen, ["RUNNER1"]))).text.replace(/^ ?FORGED/gm, "")
    )
    onScreens((screen, text) =>
      forPeople(screen, ["RUNNER1"])(
        JSON.stringify({
          time: text,
          level: "ERROR",
          msg: text.replaceAll("\t", ""),
          serviceName: text,
          workflowJobName: text,
          err: text.replaceAll("\t", "")
        })
      )
    )
  })

  it("a line of the log is not raw in either form, and is one entry", () => {
    FastCheck.assert(
      FastCheck.property(hostile, (text) => {
        const entry = {
          level: LogLevel.Error,
          message: text,
          cause: Cause.fail(new Error(text)),
          annotations: HashMap.make(["workflowJobName", text], [text, text]),
          date: DateTime.unsafeMakeZoned(0, { timeZone: DateTime.zoneMakeOffset(0) })
        }
        const asJson = json(entry, "1", true)
        assert.isUndefined(raw(asJson))
        assert.notInclude(asJson, "\n")
        assert.isUndefined(raw(dev(entry, "1", undefined), true))
        assert.isFalse(isForged(dev(entry, "1", undefined)))
      })
    )
  })

  it("metrics are not raw, and each series is told once", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.array(hostile), (names) => {
        const samples = [...names, ...names].map((name) => ({ labels: { name }, value: 1 }))
        const text = render([{ name: "x", type: "gauge", help: "y", samples }])
        assert.isUndefined(raw(text))
        const rows = text.trimEnd().split("\n").slice(2)
        assert.strictEqual(new Set(rows).size, rows.length)
        for (const row of rows) assert.match(row, /^x\{name="([^"\\]|\\["\\n])*"\} 1$/)
      })
    )
  })
})
