/** A real Prometheus, in a folder and on a port of its own, that scrapes one address every second. */
import { spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { eventually, freePort } from "../store/server.ts"

/** One time series of an answer. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>
  readonly value?: readonly [number, string]
}

/** A time series over a while. */
export interface Course {
  readonly metric: Readonly<Record<string, string>>
  readonly values: ReadonlyArray<readonly [time: number, value: string]>
}

/** Starts it with samples of OpenMetrics text with times, and nothing else; returns when it answers. */
export const startWith = (samples: string) =>
  launch({}, (data) => {
    const { status, said } = promtool(["tsdb", "create-blocks-from", "openmetrics", samples, data])
    if (status !== 0) throw new Error(said)
  })

/** Starts it; returns when it answers. */
export const start = (target: string, rules: string) =>
  launch(
    { scrape_configs: [{ job_name: "anklet", static_configs: [{ targets: [target] }] }], rule_files: [rules] },
    () => {}
  )

const launch = async (more: object, fill: (data: string) => void) => {
  const folder = mkdtempSync(join(tmpdir(), "anklet-prometheus-"))
  fill(join(folder, "data"))
  const config = join(folder, "prometheus.yml")
  writeFileSync(config, JSON.stringify({ global: { scrape_interval: "1s", evaluation_interval: "1s" }, ...more }))
  const port = await freePort()
  const child = spawn(
    "prometheus",
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=error"
    ],
    { stdio: "ignore" }
  )
  const api = async (path: string, parameters: Record<string, string> = {}) => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${path}?${new URLSearchParams(parameters)}`)
    const { status, error, data } = JSON.parse(await answer.text())
    if (status !== "success") throw new Error(`${parameters.query ?? path}: ${error}`)
    return data
  }
  const since = Date.now() / 1000
  await eventually("Prometheus answers", () => api("rules"))
  return {
    api,
    /** The current result of an expression. */
    query: async (query: string): Promise<ReadonlyArray<Series>> => (await api("query", { query })).result,
    /** Its results once a minute from one time to another, in seconds since the epoch. */
    minutes: async (query: string, start: number, end: number): Promise<ReadonlyArray<Course>> =>
      (await api("query_range", { query, start: `${start}`, end: `${end}`, step: "60" })).result,
    /** Its results at every second since the start. */
    history: async (query: string): Promise<ReadonlyArray<Series>> =>
      (await api("query_range", { query, start: `${since}`, end: `${Date.now() / 1000}`, step: "1" })).result,
    close: async () => {
      const gone = new Promise((resolve) => child.once("exit", resolve))
      child.kill("SIGKILL")
      await gone
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

/** Runs promtool on a text; returns its complaints. */
export const promtool = (args: ReadonlyArray<string>, input = "") => {
  const { status, stdout, stderr } = spawnSync("promtool", args, { input, encoding: "utf8" })
  return { status, said: `${stdout}${stderr}` }
}
