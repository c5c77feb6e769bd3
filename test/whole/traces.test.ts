import { execFileSync } from "node:child_process"
import { readdirSync, readFileSync, statSync } from "node:fs"
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { afterEach, assert, describe, it } from "vitest"
import { setFaults } from "../../src/simulator/anka/host.ts"
import { isAlive, type Lab, make, TEMPLATE, until } from "./lab.ts"

let lab: Lab
let undo: Array<() => unknown> = []

afterEach(async () => {
  for (const close of undo.reverse()) await close()
  undo = []
})

const SECRET = "otlp-CANARY-5e1f"
const HEADERS = `authorization=Bearer%20${SECRET},x-tenant=macs`

interface Attribute {
  readonly key: string
  readonly value: Record<string, unknown>
}

/** A span, as OTLP's JSON has it (opentelemetry-proto, trace.proto). */
interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: ReadonlyArray<Attribute>
  readonly status: { readonly code: number; readonly message?: string }
}

const plain = (attributes: ReadonlyArray<Attribute>) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))

/** Receives traces over HTTP as JSON, with the given answers. */
const collector = async (answer: (response: ServerResponse) => unknown = (it) => it.end("{}")) => {
  const requests: Array<{ readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: string }> = []
  const server = createServer((request, response) => {
    let body = ""
    request.on("data", (chunk) => {
      body += chunk
    })
    request.on("end", () => {
      requests.push({ path: request.url ?? "", headers: request.headers, body })
      answer(response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  undo.push(() => {
    server.close()
    server.closeAllConnections()
  })
  const groups = () => requests.flatMap(({ body }) => JSON.parse(body).resourceSpans)
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () => new Promise((resolve) => server.close(resolve)),
    resources: () => groups().map(({ resource }) => plain(resource.attributes)),
    /** Each trace's root, and its contents in the order of time. */
    traces: () => {
      const spans: ReadonlyArray<Span> = groups().flatMap(({ scopeSpans }) =>
        scopeSpans.flatMap(({ spans }: { readonly spans: ReadonlyArray<Span> }) => spans)
      )
      return spans
        .filter(({ parentSpanId }) => parentSpanId === undefined)
        .map((root) => ({ root, children: spans.filter(({ parentSpanId }) => parentSpanId === root.spanId) }))
    },
    count: () => requests.length
  }
}

const setUp = async (env: Record<string, string>) => {
  lab = await make({ env })
  undo.push(lab.close)
}

const warnings = () => lab.log().filter(({ level, msg }) => level === "WARN" && String(msg).includes("traces"))
const ended = (job: { readonly id: number } | undefined) => () =>
  job !== undefined && lab.world.job(job.id).status === "completed"

/** A job that is shorter than the start of its runner has ended before it is seen to start. */
const WAITS = ["while [ ! -e ../../go ]; do sleep 0.05; done"]
/** Whether this many jobs were started, including those that have ended since. */
const started = (count: number) => async () =>
  ((await lab.anklet("status", "--json")).stdout.match(/"stage": ?"started"/g) ?? []).length === count

/** Every file below a folder. */
const filesIn = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder).flatMap((name) => {
    const file = join(folder, name)
    const info = statSync(file)
    return info.isDirectory() ? filesIn(file) : info.isFile() ? [file] : []
  })

describe("traces", () => {
  it("are sent one for each job, with a span for the way to each stage; the secret of the headers is nowhere else", async () => {
    const otlp = await collector()
    await setUp({
      OTEL_EXPORTER_OTLP_ENDPOINT: `${otlp.url}/base/`,
      OTEL_EXPORTER_OTLP_HEADERS: HEADERS,
      OTEL_SERVICE_NAME: "macs",
      OTEL_RESOURCE_ATTRIBUTES: "service.name=other, rack=a%2Cb"
    })
    setFaults(lab.host, [{ command: "clone", nth: 1, fault: "fail" }])
    const [first] = lab.queue({ steps: WAITS, name: "first" }).jobs
    assert.strictEqual((await lab.anklet()).code, 0)
    await until("it is started", started(1))
    lab.letGo()
    await until("it has ended", ended(first))
    await until("its VM is gone", () => lab.left().vms.length === 0)
    const [second] = lab.queue({ steps: WAITS, name: "second" }).jobs
    await until("the second is started", started(2))
    lab.letGo()
    await until("the second has ended", ended(second))
    const status = await lab.anklet("status", "--json")
    const commands = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" })
    assert.strictEqual((await lab.anklet("-s", "drain")).code, 0)

    for (const { path, headers } of otlp.requests) {
      assert.strictEqual(path, "/base/v1/traces")
      assert.strictEqual(headers["content-type"], "application/json")
      assert.strictEqual(headers.authorization, `Bearer ${SECRET}`)
      assert.strictEqual(headers["x-tenant"], "macs")
    }
    for (const resource of otlp.resources()) {
      assert.deepInclude(resource, { "service.name": "macs", "service.version": "3.0.0", rack: "a,b" })
      assert.isNotEmpty(resource["host.name"])
    }

    const traces = otlp.traces()
    const told = traces.map(({ root }) => plain(root.attributes))
    assert.deepStrictEqual(
      told.map((it) => [it["anklet.job.name"], it["anklet.outcome"]]).filter(([, outcome]) => outcome === "finished"),
      [
        ["first", "finished"],
        ["second", "finished"]
      ]
    )
    assert.strictEqual(new Set(traces.map(({ root }) => root.traceId)).size, traces.length)
    for (const [n, { root, children }] of traces.entries()) {
      const isFinished = told[n]?.["anklet.outcome"] === "finished"
      assert.strictEqual(root.name, "job")
      assert.deepInclude(told[n], { "anklet.service": "RUNNER1", "anklet.template": `${TEMPLATE}:v1` })
      assert.include(String(told[n]?.["anklet.jobURL"]), "/actions/runs/")
      assert.strictEqual(root.status.code, isFinished ? 1 : 2)
      assert.deepStrictEqual(
        children.map(({ name }) => name),
        ["seen", "claimed", "pulled", "cloned", "booted", "registered", "started", "done", "clean"].slice(
          0,
          isFinished ? undefined : 3
        )
      )
      let at = BigInt(root.startTimeUnixNano)
      for (const child of children) {
        assert.strictEqual(child.traceId, root.traceId)
        // each begins where the previous one ends
        assert.strictEqual(BigInt(child.startTimeUnixNano), at)
        at = BigInt(child.endTimeUnixNano)
        assert.isTrue(at >= BigInt(child.startTimeUnixNano))
      }
      assert.isTrue(at <= BigInt(root.endTimeUnixNano))
    }
    // the failed clone: an attempt of its own
    assert.strictEqual(traces.filter(({ root }) => root.status.code === 2).length, 1)
    assert.isTrue(told.some((it) => it["anklet.job.name"] === "first" && it["anklet.attempt"] === 2))

    for (const text of [status.stdout, commands, ...filesIn(lab.folder).map((file) => readFileSync(file, "utf8"))]) {
      assert.notInclude(text, SECRET)
    }
    assert.deepStrictEqual(warnings(), [])
  })

  it("of what a stop ends are sent too, as failed, with why", async () => {
    const otlp = await collector()
    await setUp({ OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url })
    const [job] = lab.queue({ steps: ["sleep 600"] }).jobs
    assert.strictEqual((await lab.anklet()).code, 0)
    await until("it runs", () => job !== undefined && lab.world.job(job.id).status === "in_progress")
    assert.strictEqual((await lab.anklet("-s", "stop")).code, 0)
    const [trace] = otlp.traces()
    assert.deepStrictEqual(trace?.root.status, { code: 2, message: "the pass ended before the job did" })
    assert.strictEqual(trace?.children.at(-1)?.name, "started")
    assert.strictEqual(otlp.resources()[0]?.["service.name"], "anklet")
  })

  it("of a job that was handed over are sent by the daemon that saw it through", async () => {
    const otlp = await collector()
    await setUp({ OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url })
    const [job] = lab.queue({ steps: ["while [ ! -f ../../go ]; do sleep 0.05; done"] }).jobs
    assert.strictEqual((await lab.anklet()).code, 0)
    await until("it runs", () => job !== undefined && lab.world.job(job.id).status === "in_progress")
    assert.strictEqual((await lab.anklet("-s", "drain", "--no-wait")).code, 0)
    assert.strictEqual((await lab.anklet()).code, 0)
    lab.letGo()
    await until("it has ended", ended(job))
    assert.strictEqual((await lab.anklet("-s", "drain")).code, 0)
    const [trace, ...others] = otlp.traces()
    assert.deepStrictEqual(others, [])
    assert.strictEqual(trace?.root.status.code, 1)
    assert.strictEqual(plain(trace?.root.attributes ?? [])["anklet.adopted"], true)
    assert.deepStrictEqual(
      trace?.children.map(({ name }) => name).filter((name) => name !== "seen"),
      ["adopted", "done", "clean"]
    )
  })

  for (const [how, answer, words] of [
    ["is away", "none", "ECONNREFUSED"],
    ["refuses them", "401", "it answers 401"],
    ["does not answer", "never", "it does not answer"]
  ] as const) {
    it(`cost one warning where the collector ${how}; jobs run, and a stop is not held up`, async () => {
      const otlp = await collector((it) => answer === "never" || it.writeHead(401).end())
      if (answer === "none") await otlp.close()
      await setUp({ OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url, OTEL_EXPORTER_OTLP_HEADERS: HEADERS })
      assert.strictEqual((await lab.anklet()).code, 0)
      const [first] = lab.queue({ steps: ["true"] }).jobs
      await until("the first job has ended", ended(first))
      await until("a person is told", () => warnings().length > 0)
      const [second] = lab.queue({ steps: ["true"] }).jobs
      await until("the second job has ended", ended(second))
      await until("all is clean", () => lab.left().vms.length + lab.left().runners.length + lab.owes().length === 0)
      const pid = lab.pid() ?? 0
      const began = Date.now()
      process.kill(pid, "SIGTERM")
      await until("it has stopped", () => !isAlive(pid))
      assert.isBelow(Date.now() - began, 5000)
      assert.strictEqual(warnings().length, 1)
      assert.include(String(warnings()[0]?.msg), `traces cannot be sent to ${otlp.url}`)
      assert.include(String(warnings()[0]?.msg), words)
      assert.deepStrictEqual(
        lab.errors().map(({ msg }) => msg),
        []
      )
      assert.notInclude(readFileSync(lab.logFile, "utf8"), SECRET)
    })
  }

  it("are refused at the keyboard, with exit code 3 and no process, where a variable is wrong", async () => {
    await setUp({})
    for (const [env, variable, words] of [
      [
        { OTEL_EXPORTER_OTLP_ENDPOINT: "localhost:4318" },
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "such as http://127.0.0.1:4318"
      ],
      [{ OTEL_EXPORTER_OTLP_ENDPOINT: `http://me:${SECRET}@localhost` }, "OTEL_EXPORTER_OTLP_ENDPOINT", "credentials"],
      [
        { OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost", OTEL_EXPORTER_OTLP_HEADERS: `a=b,${SECRET}` },
        "OTEL_EXPORTER_OTLP_HEADERS",
        "pair 2 is none"
      ],
      [
        { OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost", OTEL_RESOURCE_ATTRIBUTES: "a=%zz" },
        "OTEL_RESOURCE_ATTRIBUTES",
        "pair 1 is none"
      ]
    ] as const) {
      for (const args of [[], ["--attach"]]) {
        const ran = await lab.run(["-c", lab.config, ...args], { env }).done
        assert.strictEqual(ran.code, 3)
        assert.include(ran.stderr, `environment variable ${variable}: `)
        assert.include(ran.stderr, words)
        assert.notInclude(ran.stderr, SECRET)
        assert.isUndefined(lab.pid())
      }
    }
  })
})
