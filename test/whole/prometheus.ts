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

/** Start it; returns when it answers. */
export const start = async (target: string, rules: string) => {
  const folder = mkdtempSync(join(tmpdir(), "anklet-prometheus-"))
  const config = join(folder, "prometheus.yml")
  writeFileSync(
    config,
    JSON.stringify({
      global: { scrape_interval: "1s", evaluation_interval: "1s" },
      scrape_configs: [{ job_name: "anklet", static_configs: [{ targets: [target] }] }],
      rule_files: [rules]
    })
  )
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
    /** What an expression gives now. */
    query: async (query: string): Promise<ReadonlyArray<Series>> => (await api("query", { query })).result,
    /** What it has given at any second since the start. */
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

/** Run promtool on a text; tells what it complains of. */
export const promtool = (args: ReadonlyArray<string>, input = "") => {
  const { status, stdout, stderr } = spawnSync("promtool", args, { input, encoding: "utf8" })
  return { status, said: `${stdout}${stderr}` }
}
