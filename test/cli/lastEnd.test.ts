import { assert, describe, it } from "vitest"
import { howEnded } from "../../src/cli/lastEnd.ts"
import { LIFE } from "../../src/daemon/Life.ts"

const line = (msg: string, level = "INFO") => ({ time: new Date(0), level, msg, serviceName: undefined })
const up = line(`${LIFE.up}: 2 services`)

describe("the end of a daemon, in its log", () => {
  for (const [lines, how] of [
    [[up, line(LIFE.stopping)], "was stopped"],
    [[up, line(LIFE.draining), line(LIFE.ends)], "has drained"],
    [[line(LIFE.draining), line(LIFE.handingOver)], "handed its jobs over"],
    [[up, line(LIFE.ends)], "ended"],
    [[line(LIFE.stopping), line("`anka` is missing", "ERROR")], "was stopped; its last error: `anka` is missing"],
    [[up, line("the disk is full", "ERROR")], "ended with an error: the disk is full"],
    // what came before its start is another life
    [[line(LIFE.stopping), up], undefined],
    [[line(LIFE.stopping), up, line("internal error", "ERROR")], "ended with an error: internal error"],
    [[], undefined]
  ] as const)
    it(`is read from ${JSON.stringify(lines.map(({ msg }) => msg))}: ${how}`, () => {
      assert.strictEqual(howEnded(lines), how)
    })
})
