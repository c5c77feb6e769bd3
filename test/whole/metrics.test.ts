import { appendFileSync, readFileSync, renameSync } from "node:fs"
import { request } from "node:http"
import { cpus, totalmem } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { setFaults } from "../../src/simulator/anka/host.ts"
import * as store from "../store/server.ts"
import { panels, RULES, rules } from "./documented.ts"
import { LABELS, type Lab, make, OTHER, TEMPLATE, TOKEN, until } from "./lab.ts"
import { promtool, start } from "./prometheus.ts"

const WAITS = ["while [ ! -e ../../go ]; do sleep 0.05; done"]

let lab: Lab
let redis: store.RedisServer
let prometheus: Awaited<ReturnType<typeof start>>
let port: number

const over = (where: object, path: string, method = "GET") =>
  new Promise<{ readonly status: number; readonly type: string; readonly body: string }>((resolve, reject) => {
    const asking = request({ ...where, path, method, agent: false }, (response) => {
      let body = ""
      response.setEncoding("utf8")
      response.on("data", (chunk) => {
        body += chunk
      })
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, type: String(response.headers["content-type"]), body })
      )
    })
    asking.on("error", reject)
    asking.end()
  })
const atPort = (path: string, method?: string) => over({ host: "127.0.0.1", port }, path, method)
const atSocket = (path: string) => over({ socketPath: join(lab.folder, "daemon", "anklet.sock") }, path)

/** The value of a series, or undefined. */
const valueOf = (text: string, series: string) => {
  const line = text.split("\n").find((line) => line.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length + 1))
}

/** Name, type, and the labels seen, of every metric. */
const metricsIn = (text: string) =>
  [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", type = ""]) => {
    const lines = text.split("\n").filter((line) => line.replace(/(_bucket|_sum|_count)?[{ ].*/, "") === name)
    const labels = lines.flatMap((line) => [...line.matchAll(/[{,](\w+)="/g)].map(([, label = ""]) => label))
    return { name, type, labels: [...new Set(labels)].filter((label) => label !== "le").sort() }
  })

/** Names of metrics in an expression; a histogram's parts count as the histogram. */
const namesIn = (expression: string): ReadonlyArray<string> =>
  [...expression.replaceAll(/"[^"]*"/g, '""').matchAll(/\b(?:anklet|process)_\w+|\bup\b/g)].map(([name]) =>
    name.replace(/_(bucket|sum|count)$/, "")
  )

beforeAll(async () => {
  redis = await store.start()
  lab = await make({
    services: 2,
    service: `database:\n  enabled: true\n  url: 127.0.0.1\n  port: ${redis.port}`,
    host: { host: { takes: { clone: 50, start: 50, boot: 300, ip: 200, pull: 1500, delete: 20, stop: 200 } } }
  })
  port = await store.freePort()
  appendFileSync(lab.config, `metrics:\n  port: ${port}\n`)
  prometheus = await start(`127.0.0.1:${port}`, RULES)
  setFaults(lab.host, [{ command: "clone", nth: 1, fault: "fail" }])
  lab.github.faults.push({ path: "actions/runs", answer: { status: 502 } })
  assert.strictEqual((await lab.anklet()).code, 0)
  await until("Prometheus knows the daemon at rest", async () => (await prometheus.query("up == 1")).length > 0)
  const { jobs } = lab.queue(
    { name: "passes" },
    { name: "fails", steps: ["exit 1"] },
    { name: "pulls", labels: [`anka-template:${OTHER}`, "anka-template-tag:v1"] }
  )
  lab.queue({ name: "never", labels: [`anka-template:${TEMPLATE}`, "anka-template-tag:nonesuch"] })
  await until("the jobs have ended", () => jobs.every(({ status }) => status === "completed"))
  await until("all is clean", () => lab.left().vms.length === 0)
  // twice, so that there are rates
  const scrapes = 'count_over_time(anklet_jobs_ended_total{outcome="finished"}[1m]) > 1'
  await until(
    "Prometheus has seen it",
    async () => (await prometheus.query(`${scrapes} and anklet_jobs_ended_total >= 3`)).length > 0
  )
})
afterAll(async () => {
  await prometheus?.close()
  await lab?.close()
  await redis?.close()
})

describe("metrics", () => {
  it("are text that promtool finds nothing wrong with, on the port and on the socket", async () => {
    for (const answer of [await atPort("/metrics"), await atSocket("/metrics")]) {
      assert.strictEqual(answer.status, 200)
      assert.strictEqual(answer.type, "text/plain; version=0.0.4; charset=utf-8")
      assert.deepStrictEqual(promtool(["check", "metrics"], answer.body), { status: 0, said: "" })
    }
  })

  it("say what happened", async () => {
    const { body } = await atPort("/metrics")
    const stages = ["claimed", "pulled", "cloned", "booted", "registered", "started", "done", "clean"]
    for (const stage of stages) {
      assert.isAtLeast(valueOf(body, `anklet_job_stage_seconds_count{stage="${stage}"}`) ?? 0, 3, stage)
    }
    for (const [series, value] of [
      ['anklet_jobs_ended_total{outcome="finished"}', 3],
      ['anklet_job_failures_total{cause="anka_failed"}', 1],
      ['anklet_job_failures_total{cause="template_unknown"}', 1],
      ['anklet_pulls_total{result="pulled"}', 1],
      ['anklet_pulls_total{result="unknown"}', 1],
      ["anklet_pull_seconds_count", 1],
      ['anklet_orphans_removed_total{kind="vm"}', 0],
      ['anklet_mode{mode="open"}', 1],
      ['anklet_vms{owner="this"}', 0],
      ["anklet_vm_limit", 2],
      ["anklet_anka_up", 1],
      ["anklet_host_cpus", cpus().length],
      ["anklet_host_memory_bytes", totalmem()],
      ["anklet_jobs_handed_back", 1],
      ['anklet_service_failures{service="RUNNER1"}', 0]
    ] as const) {
      assert.strictEqual(valueOf(body, series), value, series)
    }
    assert.match(
      body,
      /^anklet_queue_jobs\{scope="\S+",store="\S.*",template="\S+:nonesuch",reason="handed_back"\} 1$/m
    )
    const free = valueOf(body, "anklet_template_volume_free_bytes") ?? -1
    assert.isAbove(free, 0)
    assert.isAtLeast(valueOf(body, "anklet_template_volume_bytes") ?? 0, free)
    // which service had which job is not told
    const concluded = (conclusion: string) =>
      [...body.matchAll(/^anklet_jobs_concluded_total\{service="RUNNER\d",conclusion="(\w+)"\} (\d+)$/gm)]
        .filter(([, word]) => word === conclusion)
        .reduce((sum, [, , count]) => sum + Number(count), 0)
    assert.deepStrictEqual(["success", "failure", "cancelled"].map(concluded), [2, 1, 0])
    assert.match(body, /^anklet_store_up\{store="[^"]+"\} 1$/m)
    assert.match(body, /^anklet_store_beats_total\{result="heard"\} [1-9]/m)
    assert.match(body, /^anklet_github_requests_total\{kind="poll",status="5xx"\} 1$/m)
    assert.match(body, /^anklet_github_requests_total\{kind="poll",status="304"\} [1-9]/m)
    assert.match(body, /^anklet_github_rate_limit\{credential="the token for \S+"\} 5000$/m)
  })

  it("show a job under way, and a host that is full or drained as the reason why others wait", async () => {
    lab.queue(
      ...[WAITS, WAITS, []].map((steps, n) => ({ name: `job ${n}`, labels: [...LABELS, `unique-id:${n}`], steps }))
    )
    const reason = (reason: string) => new RegExp(`^anklet_queue_jobs\\{.*:v1",reason="${reason}"\\} 1$`, "m")
    await until("two run", async () => /anklet_vms\{owner="this"\} 2/.test((await atPort("/metrics")).body))
    await until("one waits", async () => reason("no_room").test((await atPort("/metrics")).body))
    await until("it is known", async () =>
      /^anklet_job_stage_age_seconds\{service="RUNNER1",stage="started"\} /m.test((await atPort("/metrics")).body)
    )
    assert.strictEqual((await lab.anklet("drain")).code, 0)
    assert.match((await atPort("/metrics")).body, reason("paused"))
    assert.match((await atPort("/metrics")).body, /^anklet_mode\{mode="paused"\} 1$/m)
    const { status, body } = await atPort("/healthz")
    assert.strictEqual(status, 200)
    assert.match(body, /^not accepting jobs: paused by anklet drain, until "anklet -c \S+ resume"$/m)
    assert.match(body, /^RUNNER1: working$/m)
    await until(
      "Prometheus has seen it",
      async () => (await prometheus.query("anklet_job_stage_age_seconds")).length > 1
    )
    lab.letGo()
    assert.strictEqual((await lab.anklet("resume")).code, 0)
    await until(
      "all but the one that nobody can run are over",
      () => [...lab.world.jobs.values()].filter(({ status }) => status !== "completed").length === 1
    )
  })

  it("tell no secret, and the port serves nothing else", async () => {
    for (const path of ["/metrics", "/healthz"]) assert.notInclude((await atPort(path)).body, TOKEN)
    for (const path of ["/", "/status", "/fleet", "/why"]) assert.strictEqual((await atPort(path)).status, 404, path)
    for (const [older, path] of [
      ["/metrics/v1?format=prometheus", "/metrics"],
      ["/healthcheck", "/healthz"]
    ] as const) {
      const moved = await fetch(`http://127.0.0.1:${port}${older}`, { redirect: "manual" })
      assert.deepStrictEqual([moved.status, moved.headers.get("location")], [301, path])
    }
    for (const path of ["/pause", "/resume"]) assert.strictEqual((await atPort(path, "POST")).status, 404, path)
    assert.strictEqual((await atPort("//")).status, 400, "what is no address ends nothing")
    assert.strictEqual((await atSocket("/status")).status, 200)
  })

  it("are those of docs/monitoring.md, all of them, with their types and labels", async () => {
    const told = [...readFileSync("docs/monitoring.md", "utf8").matchAll(/^\| `(\S+)` \| (\w+) \| (.*?) ?\|/gm)].map(
      ([, name = "", type = "", labels = ""]) => ({
        name,
        type,
        labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = ""]) => label).sort()
      })
    )
    const scraped = metricsIn((await atPort("/metrics")).body)
    assert.deepStrictEqual(
      scraped.map(({ name, type }) => `${name} ${type}`).sort(),
      told.map(({ name, type }) => `${name} ${type}`).sort()
    )
    for (const { name, labels } of scraped) {
      // what currently has no value shows no labels
      if (labels.length > 0) assert.deepStrictEqual(labels, told.find((it) => it.name === name)?.labels, name)
    }
  })
})

describe("the alert rules", () => {
  it("are right for promtool, made of metrics that exist, and in the docs", async () => {
    const { status, said } = promtool(["check", "rules", RULES])
    assert.strictEqual(status, 0, said)
    const known = new Set([...metricsIn((await atPort("/metrics")).body).map(({ name }) => name), "up"])
    const docs = readFileSync("docs/monitoring.md", "utf8")
    for (const { alert, expr } of rules()) {
      assert.isNotEmpty(namesIn(expr), alert)
      for (const name of namesIn(expr)) assert.isTrue(known.has(name), `${alert}: ${name}`)
      assert.include(docs, `\`${alert}\``)
    }
  })

  it("are evaluated by Prometheus, and a healthy daemon sets none off", async () => {
    const evaluated = async () =>
      (await prometheus.api("rules")).groups.flatMap(({ rules }: { rules: ReadonlyArray<unknown> }) => rules)
    await until("all are", async () =>
      (await evaluated()).every(({ health }: { health: string }) => health !== "unknown")
    )
    const all: ReadonlyArray<Record<string, unknown>> = await evaluated()
    assert.strictEqual(all.length, rules().length)
    for (const { name, health, lastError, state } of all) {
      assert.strictEqual(health, "ok", `${name}: ${lastError}`)
      assert.notStrictEqual(state, "firing", `${name}`)
    }
  })
})

describe("the dashboard", () => {
  it("has panels of metrics that exist, and each shows something of what happened", async () => {
    const known = new Set(metricsIn((await atPort("/metrics")).body).map(({ name }) => name))
    assert.isNotEmpty(panels("1m"))
    for (const { title, expr } of panels("1m")) {
      assert.isNotEmpty(namesIn(expr), title)
      for (const name of namesIn(expr)) assert.isTrue(known.has(name), `${title}: ${name}`)
      assert.isNotEmpty(await prometheus.history(expr), `${title}: ${expr}`)
    }
  })

  it("shows every metric", () => {
    const shown = new Set(panels("1m").flatMap(({ expr }) => namesIn(expr)))
    const told = [...readFileSync("docs/monitoring.md", "utf8").matchAll(/^\| `((?:anklet|process)_\w+)` /gm)]
    for (const [, name = ""] of told) assert.isTrue(shown.has(name), name)
  })
})

describe("health", () => {
  it("is well while the ledger can be written, and says why it is not", async () => {
    const { status, body } = await atPort("/healthz")
    assert.strictEqual(status, 200, body)
    assert.match(body, /^well\nRUNNER1: \w+\nRUNNER2: \w+\n$/)
    const ledger = join(lab.folder, "daemon", "state", "ledger.jsonl")
    renameSync(ledger, `${ledger}.away`)
    const without = await atPort("/healthz")
    renameSync(`${ledger}.away`, ledger)
    assert.strictEqual(without.status, 503)
    assert.match(without.body, /^not well\nthe ledger cannot be written, so no job can be taken: .*ledger\.jsonl/)
    assert.strictEqual((await atPort("/healthz")).status, 200)
  })
})

describe("a port that is taken", () => {
  it("is a WARN, the daemon goes on without it, and has it when it is free", async () => {
    const second = lab.configFor("second", 1, "")
    appendFileSync(second, `metrics:\n  port: ${port}\n`)
    assert.strictEqual((await lab.run(["-c", second]).done).code, 0)
    const warned = () => lab.log().find(({ level, msg }) => level === "WARN" && `${msg}`.startsWith("metrics are not"))
    await until("that is said", () => warned() !== undefined)
    assert.match(
      String(warned()?.msg),
      new RegExp(
        `^metrics are not served, and this is tried again every 5 seconds: 127.0.0.1:${port}: it is taken by another`
      )
    )
    assert.strictEqual((await lab.run(["-c", second, "status"]).done).code, 0)
    assert.strictEqual((await lab.anklet("-s", "stop")).code, 0)
    await until("the second has it", async () => (await atPort("/metrics").catch(() => undefined))?.status === 200)
    assert.strictEqual((await lab.run(["-c", second, "-s", "stop"]).done).code, 0)
    assert.isFalse(lab.log().some(({ level, msg }) => level === "ERROR" && `${msg}`.includes("metrics")))
  })
})
