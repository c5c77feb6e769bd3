/** Start-up times: from the start of the process to its end, or to the first poll of GitHub. */
import { spawnSync } from "node:child_process"
import { PROGRAM } from "../test/whole/program.ts"
import { median, ms, type Row, times } from "./table.ts"
import { daemon, isUp } from "./world.ts"

const NODE = [process.execPath] as const

const once = ([program = "", ...args]: ReadonlyArray<string>): number => {
  const from = process.hrtime.bigint()
  spawnSync(program, args, { stdio: "ignore" })
  return Number(process.hrtime.bigint() - from) / 1e6
}

/** In turn, so that all of them run under the same load. */
export const startUp = async (rounds: number): Promise<ReadonlyArray<Row>> => {
  const lines = [
    [...NODE, "-e", "0"],
    [...PROGRAM, "--version"],
    [...PROGRAM, "--help"]
  ]
  const taken = lines.map((): Array<number> => [])
  const polls: Array<number> = []
  for (let round = 0; round < rounds; round++) {
    for (const [n, line] of lines.entries()) taken[n]?.push(once(line))
  }
  for (let round = 0; round < Math.max(3, rounds / 3); round++) {
    const it = await daemon({ services: 2, interval: 10, isQuick: true })
    await isUp(it)
    polls.push((it.github.log[0]?.at ?? 0) - it.startedAt)
    await it.stop()
  }
  const [bare = 0, version = 0, help = 0] = taken.map(median)
  const goal = process.env.ANKLET_BIN === undefined
  return [
    { figure: "start-up: `node -e 0`", measured: ms(bare) },
    {
      figure: "start-up: `anklet --version`",
      measured: ms(version),
      beside: `${times(version, bare, "bare")}, ${ms(version - bare)} more`,
      goal: goal ? "25 ms more" : "15 ms"
    },
    {
      figure: "start-up: `anklet --help`",
      measured: ms(help),
      beside: times(help, bare, "bare"),
      goal: goal ? "" : "60 ms"
    },
    {
      figure: "start-up: daemon, to its first look at GitHub, with an `anka` that answers at once",
      measured: ms(median(polls)),
      beside: times(median(polls), bare, "bare"),
      goal: goal ? "250 ms" : "100 ms"
    }
  ]
}
