import { appendFileSync, readFileSync, writeFileSync } from "node:fs"
import { get } from "node:http"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { alter } from "../../src/simulator/anka/host.ts"
import { atTerminal } from "../cli/terminal.ts"
import { HOSTILE, isForged, raw } from "../fuzz/hostile.ts"
import { LABELS, type Lab, make, until } from "./lab.ts"

const WAITS = ["while [ ! -e ../../go ]; do sleep 0.05; done"]
/** The part that can be an argument. */
const TYPED = Buffer.from(HOSTILE.replaceAll("\0", "")).toString()
const METRICS = 39_471

let lab: Lab

const read = (url: string, authorization = ""): Promise<string> =>
  new Promise((resolve, reject) => {
    get(url, { headers: { authorization } }, (response) => {
      let body = ""
      response.setEncoding("utf8").on("data", (chunk) => {
        body += chunk
      })
      response.on("end", () => resolve(body))
    }).on("error", reject)
  })

const isSafe = (surface: string, text: string, coloured = false) => {
  assert.notStrictEqual(text, "", surface)
  assert.isUndefined(raw(text, coloured), surface)
  assert.isFalse(isForged(text), `${surface}: ${text}`)
}

describe("names and words of strangers", () => {
  beforeEach(async () => {
    lab = await make({ services: 2 })
    const services = readFileSync(lab.config, "utf8").replace(
      "name: RUNNER2",
      `name: ${JSON.stringify(`R2${HOSTILE}`)}`
    )
    writeFileSync(lab.config, `metrics:\n  port: ${METRICS}\n${services}`)
  })
  afterEach(async () => {
    await lab.anklet("-s", "stop")
    await lab.close()
  })

  it("reach no surface as they are: jobs, runs, labels, VMs, templates, services, GitHub's refusals", async () => {
    alter(lab.host, (host) => {
      host.vms.push({ uuid: "u", name: `vm${HOSTILE}`, status: "running", tags: [], created: "", accessed: "" })
      for (const vm of host.vms.slice(0, 1)) vm.name = `template${HOSTILE}`
    })
    const { code, stderr, stdout } = await lab.anklet()
    assert.strictEqual(code, 0, stderr)
    isSafe("start", stdout)
    const job = lab.world.queue({
      owner: "veertuinc",
      repo: "anklet",
      title: `title${HOSTILE}`,
      workflow: `workflow${HOSTILE}`,
      jobs: [{ name: `job${HOSTILE}`, labels: LABELS, steps: WAITS }]
    }).jobs[0]
    const refused = lab.queue({
      name: `refused${HOSTILE}`,
      labels: ["self-hosted", `anka-template:${HOSTILE}`, `anka-template:${HOSTILE}2`]
    }).jobs[0]
    lab.queue({ name: `unknown${HOSTILE}`, labels: ["self-hosted", `anka-template:11111111${HOSTILE}`] })
    await until("the job runs", () => job?.status === "in_progress")
    await until("that is known", async () => (await lab.anklet("status")).stdout.includes("anklet-vm-"))
    lab.github.faults.push({
      path: "/actions/runs",
      times: 1000,
      answer: { status: 403, body: JSON.stringify({ message: `no${HOSTILE}` }) }
    })
    await until("GitHub's words are told", () => readFileSync(lab.logFile, "utf8").includes("GitHub says: no"))

    assert.include((await lab.anklet("status")).stdout, "\\u{1b}]0;pwned", "it is seen that something is odd")
    const where = { env: { ...lab.env, LANG: "C.UTF-8" }, cwd: lab.folder }
    for (const words of [
      ["status"],
      ["status", "--json"],
      ["status", "--fleet"],
      ["why", `${job?.id}`],
      ["why", `${refused?.id}`],
      ["why", "--json", `${job?.id}`],
      ["why", `no job${TYPED}`],
      ["logs"],
      ["logs", "--json"],
      ["doctor"],
      ["doctor", "--json"],
      ["config", "show"],
      ["config", "show", "--json"],
      ["config", "check"],
      ["config", "check", "--json"],
      [`nothing${TYPED}`],
      ["logs", "--level", TYPED],
      ["logs", "--service", TYPED]
    ]) {
      const ran = await lab.anklet(...words)
      isSafe(words.slice(0, 2).join(" ").slice(0, 30), `${ran.stdout}${ran.stderr}`)
    }
    for (const words of [["status"], ["why", `${job?.id}`], ["logs"], ["doctor"], ["config", "show"]]) {
      isSafe(`${words[0]} at a terminal`, (await atTerminal([...words, "-c", lab.config], where)).seen, true)
    }
    isSafe("the log's file", readFileSync(lab.logFile, "utf8"))
    for (const path of ["metrics", "healthz"]) isSafe(path, await read(`http://127.0.0.1:${METRICS}/${path}`))

    const page = lab.run(["-c", lab.config, "ui"])
    await until("the page is served", () => page.out().includes("\n  open"))
    const address = new URL(page.out().split("\n")[0] ?? "")
    for (const path of ["now", `why?job=${job?.id}`, `why?job=${encodeURIComponent(`x${TYPED}`)}`]) {
      const body = await read(`${address.origin}/${path}`, `Bearer ${address.hash.slice(1)}`)
      assert.notInclude(JSON.stringify(JSON.parse(body)), "\\u001b")
      for (const text of JSON.stringify(JSON.parse(body)).split("\\n")) isSafe(path, text)
    }
    page.child.kill("SIGINT")
    await page.done
    const watch = lab.run(["-c", lab.config, "status", "--watch"])
    await until("it is shown twice", () => watch.out().split("accepting jobs").length > 2)
    watch.child.kill("SIGINT")
    isSafe("status --watch", (await watch.done).stdout)
  })

  it("reach neither a log for people nor the terminal of --attach, and a file with anything in it is a log as well", async () => {
    const attached = lab.run(["-c", lab.config, "--attach"], { env: { LOG_LEVEL: "dev" } })
    await until("it is up", () => attached.out().includes("anklet is up"))
    const job = lab.queue({ name: `job${HOSTILE}` }).jobs[0]
    await until("the job is over", () => job?.status === "completed")
    attached.child.kill("SIGTERM")
    const { stdout } = await attached.done
    assert.include(stdout, "pwned")
    isSafe("--attach", stdout, true)
    isSafe("the log's file", readFileSync(lab.logFile, "utf8"), true)
    appendFileSync(lab.logFile, `${HOSTILE.replaceAll(/[\r\n\t]/g, " ")}\n{"msg":"\u001b]0;x\u0007"}\n`)
    for (const words of [["logs"], ["logs", "--json"]]) isSafe(words.join(" "), (await lab.anklet(...words)).stdout)
    isSafe("logs", (await atTerminal(["logs", "-c", lab.config], { env: lab.env, cwd: lab.folder })).seen, true)
  })

  it("reach no error about a config, nor another line of it", async () => {
    const file = join(lab.folder, "odd.yml")
    for (const text of [
      `${JSON.stringify(`key${HOSTILE}`)}: 1\nservices: []\n`,
      `services:\n  - name: ${JSON.stringify(HOSTILE)}\n    plugin: ${JSON.stringify(HOSTILE)}\n`,
      `work_dir: ${JSON.stringify(`/no/${HOSTILE}`)}\nservices:\n  - name: a\n    plugin: github\n`,
      `\u001b[2J: [\n`
    ]) {
      writeFileSync(file, text)
      for (const words of [["config", "check"], ["config", "check", "--json"], ["doctor"], ["status"], []]) {
        const ran = await lab.run(["-c", file, ...words]).done
        isSafe(`${words.join(" ")} of ${JSON.stringify(text)}`, `${ran.stdout}${ran.stderr}`)
      }
    }
  })
})
