import { assert, describe, it } from "vitest"
import { written } from "../../src/cli/shown.ts"
import { table } from "../../src/cli/table.ts"
import type { Screen } from "../../src/cli/terminal.ts"

const screen: Screen = { isTerminal: false, coloured: false, width: 30, height: 24, paint: (_, it) => it }

describe("a table", () => {
  it("has a column for each title, as wide as the widest cell, however wide its characters are", () => {
    assert.deepStrictEqual(
      written(
        table(
          screen,
          ["a", "b"],
          [
            ["木木", "x"],
            ["y", "z"]
          ]
        )
      ).split("\n"),
      ["a     b", "木木  x", "y     z"]
    )
  })

  it("cuts what does not fit, and wraps the last column under itself", () => {
    assert.deepStrictEqual(
      written(table(screen, ["job", "why"], [["a-job-of-a-very-long-name", "it waits for a VM slot"]])).split("\n"),
      ["job             why", "a-job-of-a-ve…  it waits for a", "                VM slot"]
    )
  })
})
