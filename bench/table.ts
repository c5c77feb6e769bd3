/** Measured figures as rows; printed, and written into docs/performance.md with the machine's description. */
import { readFileSync, writeFileSync } from "node:fs"
import { arch, cpus, totalmem, type } from "node:os"
import { type Text, written } from "../src/cli/shown.ts"
import { table } from "../src/cli/table.ts"

/** A figure: its value, a known value to compare it with, and the target. */
export interface Row {
  readonly figure: string
  readonly measured: string
  readonly beside?: string
  readonly goal?: string
}

export const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`
export const mb = (kib: number): string => `${(kib / 1024).toFixed(1)} MB`
export const times = (value: number, base: number, name: string): string => `${(value / base).toFixed(2)} × ${name}`

/** The value below which this share of the values lies. */
export const at = (values: ReadonlyArray<number>, share: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0
export const median = (values: ReadonlyArray<number>): number => at(values, 0.5)

/** The machine on which the figures were measured. */
export const machine = (): string => {
  const program = process.env.ANKLET_BIN === undefined ? "`dist/`" : "the one file of a release"
  return `${type()} ${arch()}, ${cpus().length} cores (${cpus()[0]?.model.trim()}), ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.version}; the program is ${program}`
}

/** Prints cells in columns. */
export const columns = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): void => {
  const screen = { isTerminal: false, coloured: false, width: 200, height: 24, paint: (_: string, it: Text) => it }
  process.stdout.write(`${written(table(screen, head, rows))}\n`)
}

/** Prints the rows as one table. */
export const print = (rows: ReadonlyArray<Row>): void => {
  columns(
    ["figure", "measured", "beside", "goal"],
    rows.map(({ figure, measured, beside = "", goal = "" }) => [figure, measured, beside, goal])
  )
  process.stdout.write(`${machine()}\n`)
}

const PAGE = "docs/performance.md"
const HEADING = "## The last full run"

/** Saves the rows; the text above the heading is kept. */
export const write = (rows: ReadonlyArray<Row>, taken: string): void => {
  const cells = (...all: ReadonlyArray<string>) => `| ${all.join(" | ")} |`
  const lines = [
    cells("figure", "measured", "beside", "goal"),
    cells("---", "---", "---", "---"),
    ...rows.map(({ figure, measured, beside = "", goal = "" }) => cells(figure, measured, beside, goal))
  ]
  const [text = ""] = readFileSync(PAGE, "utf8").split(HEADING)
  const words = `${machine()}. ${taken}`.replace(/(.{1,100})(?:\s|$)/g, "$1\n")
  writeFileSync(PAGE, `${text}${HEADING}\n\n${words}\n${lines.join("\n")}\n`)
}
