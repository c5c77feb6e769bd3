/** Hostile text at GitHub beside a good job: the good one runs, and the daemon is not affected. */
import { request } from "node:http"
import { join } from "node:path"
import { afterAll, afterEach, assert, beforeAll, describe, it } from "vitest"
import { type RedisServer, start } from "../store/server.ts"
import { LABELS, type Lab, make, TEMPLATE, until } from "./lab.ts"

const HUGE = "x".repeat(500_000)
/** Labels of jobs that nobody can run, each with the message about it. */
const REFUSED: ReadonlyArray<readonly [labels: ReadonlyArray<string>, why: RegExp]> = [
  [["anka-template:\ud800x"], /cannot be a template's UUID/],
  [[`anka-template:${TEMPLATE}`, "anka-template-tag:\udc00"], /cannot be a template's tag/],
  [["anka-template:../../x"], /cannot be a template's UUID/],
  [["anka-template:$(touch PWNED)"], /cannot be a template's UUID/],
  [["anka-template:__proto__"], /cannot be a template's UUID/],
  [["anka-template:anklet-vm-00000000-0000-4000-8000-000000000000"], /cannot be a template's UUID/],
  [[`anka-template:${TEMPLATE}`, "unique-id:\ud800"], /half a character/],
  [[`anka-template:${HUGE}`], /at least 1000 characters/],
  [[`anka-template:${TEMPLATE}`, ...Array.from({ length: 3000 }, (_, n) => `l${n}`)], /at least 1000 labels/]
]
/** Names that any job may have; such a job runs. */
const NAMES = ["\ud800", HUGE, "\u001b]0;x\u0007", "\u0000", "🍏".repeat(1000), "__proto__", "%", "${{ x }}"]

let lab: Lab
let redis: RedisServer

beforeAll(async () => {
  redis = await start()
})
afterAll(() => redis?.close())
afterEach(async () => {
  await lab?.close()
})

const status = () =>
  new Promise<string>((resolve, reject) => {
    const asked = request({ socketPath: join(lab.folder, "daemon", "anklet.sock"), path: "/status" }, (response) => {
      let body = ""
      response.setEncoding("utf8")
      response.on("data", (chunk) => {
        body += chunk
      })
      response.on("end", () => resolve(body))
    })
    asked.on("error", reject)
    asked.end()
  })

describe("a queue that strangers write in", () => {
  it.each([
    "of one Mac",
    "in Redis"
  ])("%s has its good job run, refuses each bad one once and with words, and is told in few bytes", async (where) => {
    const service = where === "in Redis" ? `database:\n  enabled: true\n  url: 127.0.0.1\n  port: ${redis.port}` : ""
    lab = await make({ services: 2, service })
    const { jobs: refused } = lab.queue(...REFUSED.map(([labels], n) => ({ name: `bad ${n}`, labels })))
    const { jobs: odd } = lab.queue(...NAMES.map((name, n) => ({ name, labels: [...LABELS, `unique-id:${n}`] })))
    const { jobs: good } = lab.queue({ name: "good", labels: [...LABELS, "unique-id:good", "other-\ud800"] })
    assert.strictEqual((await lab.anklet()).code, 0)
    await until("all that can run has run", () =>
      [...odd, ...good].every(({ id }) => lab.world.job(id).status === "completed")
    )
    for (const { id } of [...odd, ...good]) assert.strictEqual(lab.world.job(id).conclusion, "success")
    for (const { id } of refused) assert.strictEqual(lab.world.job(id).status, "queued")

    const warned = lab.log().filter(({ msg }) => `${msg}`.startsWith("labels cannot be satisfied"))
    assert.lengthOf(warned, REFUSED.length)
    for (const [n, [, why]] of REFUSED.entries()) {
      const id = refused[n]?.id
      assert.match(`${warned.find(({ workflowJobId }) => workflowJobId === id)?.msg}`, why)
      const asked = await lab.anklet("why", `${id}`)
      assert.strictEqual(asked.code, 0, asked.stderr)
      assert.match(asked.stdout, why)
      assert.isBelow(asked.stdout.length, 2000)
    }
    assert.deepStrictEqual(lab.errors(), [])
    assert.isBelow((await status()).length, 40_000)
    assert.strictEqual((await lab.anklet("status")).code, 0)
    assert.isBelow(Math.max(...lab.log().map((line) => JSON.stringify(line).length)), 20_000)
    assert.strictEqual((await lab.anklet("-s", "drain")).code, 0)
    assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
  })
})
