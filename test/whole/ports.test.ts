/** Clients cost a daemon little, and no job, however many they are and whatever they do. */
import { appendFileSync, readdirSync, readFileSync } from "node:fs"
import { request } from "node:http"
import { connect, type Socket } from "node:net"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { FRESH } from "../../src/services/Shared.ts"
import { calls } from "../../src/simulator/anka/host.ts"
import * as store from "../store/server.ts"
import { type Lab, make, until } from "./lab.ts"

const CONNECTIONS = 64

let lab: Lab
let port: number

beforeAll(async () => {
  lab = await make({ services: 1 })
  port = await store.freePort()
  appendFileSync(lab.config, `metrics:\n  port: ${port}\n`)
  assert.strictEqual((await lab.anklet()).code, 0)
})
afterAll(async () => {
  await lab?.close()
})

interface Answer {
  readonly status: number
  readonly body: string
}

/** The answer, or undefined if there was none. */
const ask = (where: object, path: string, headers = {}) =>
  new Promise<Answer | undefined>((resolve) => {
    const asked = request({ ...where, path, headers, agent: false }, (response) => {
      let body = ""
      response.setEncoding("utf8")
      response.on("data", (chunk) => {
        body += chunk
      })
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }))
      response.on("error", () => resolve(undefined))
    })
    asked.on("error", () => resolve(undefined))
    asked.end()
  })
const atPort = (path: string, headers?: object) => ask({ host: "127.0.0.1", port }, path, headers)
const socketPath = () => join(lab.folder, "daemon", "anklet.sock")

const lists = () => calls(lab.host).filter(({ argv }) => argv.join(" ") === "-j list")
const descriptors = () => readdirSync(`/proc/${lab.pid()}/fd`).length
/** Resident memory in kB. */
const memory = () => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${lab.pid()}/status`, "utf8"))?.[1])

const runs = async (name: string) => {
  const { jobs } = lab.queue({ name })
  await until(`${name} has run`, () => lab.world.job(jobs[0]?.id ?? 0).status === "completed")
  assert.strictEqual(lab.world.job(jobs[0]?.id ?? 0).conclusion, "success")
}

/** Connections that begin a request but never end it; returns how many the daemon has closed. */
const halfOpen = (count: number, where: () => Socket) => {
  let gone = 0
  const sockets = Array.from({ length: count }, () => {
    const socket = where()
    socket.on("error", () => {
      // it is closed
    })
    socket.on("close", () => {
      gone++
    })
    socket.resume()
    socket.write("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")
    return socket
  })
  return {
    gone: () => gone,
    end: () => {
      for (const socket of sockets) socket.destroy()
    }
  }
}

describe("a listener", () => {
  it("has one `anka list` for all who ask within two seconds, also for those who do not wait, while a job runs", async () => {
    await until("it answers", async () => (await atPort("/metrics"))?.status === 200)
    const job = runs("asked")
    await until("nothing is listed", () => lists().every(({ exit }) => exit !== undefined))
    const before = lists().length
    const begun = Date.now()
    let answered = 0
    // in batches, so that none of them is refused
    for (let turn = 0; turn < 5; turn++) {
      const leaving = Array.from({ length: 20 }, () => {
        const socket = connect(port, "127.0.0.1")
        socket.on("error", () => {
          // it closed by itself
        })
        socket.end("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        return socket
      })
      const answers = await Promise.all([
        ...Array.from({ length: 30 }, () => atPort("/metrics")),
        ...Array.from({ length: 10 }, () => ask({ socketPath: socketPath() }, "/status"))
      ])
      for (const socket of leaving) socket.destroy()
      answered += answers.filter((answer) => answer?.status === 200).length
    }
    const windows = Math.ceil((Date.now() - begun) / FRESH) + 1
    // the job's own: its VM is counted before it is cloned, and listed after it was deleted
    await job
    assert.strictEqual(answered, 200)
    const own = 4
    assert.isAtMost(lists().length - before, windows + own, `${answered} were answered`)
  })

  it("that is for this host alone answers no page that brings its own name", async () => {
    for (const host of ["evil.example", `evil.example:${port}`, "127.0.0.1.evil.example", "192.168.1.7"]) {
      for (const path of ["/metrics", "/healthz"]) {
        const answer = await atPort(path, { host })
        assert.strictEqual(answer?.status, 403, `${host}${path}`)
        assert.notInclude(answer?.body ?? "", "anklet_")
      }
    }
    for (const host of [`127.0.0.1:${port}`, "localhost", `LOCALHOST:${port}`, "[::1]:9464"]) {
      assert.strictEqual((await atPort("/metrics", { host }))?.status, 200, host)
    }
  })

  it("takes no headers that are larger than any browser's", async () => {
    // the connection may be closed before the refusal has been read
    assert.include([431, undefined], (await atPort("/metrics", { x: "x".repeat(64 << 10) }))?.status)
    assert.strictEqual((await atPort("/metrics", { x: "x".repeat(8 << 10) }))?.status, 200)
  })

  for (const [what, where] of [
    ["the port", () => connect(port, "127.0.0.1")],
    ["the control socket", () => connect(socketPath())]
  ] as const) {
    it(`holds few of 2,000 half-open connections to ${what}, answers others meanwhile, and lets them go; a job runs`, async () => {
      await atPort("/metrics")
      const before = { descriptors: descriptors(), memory: memory() }
      const held = halfOpen(2000, where)
      try {
        const job = runs(`beside connections to ${what}`)
        let most = 0
        const isAnswered = async () => {
          most = Math.max(most, descriptors())
          const answer = await (what === "the port" ? atPort("/metrics") : ask({ socketPath: socketPath() }, "/status"))
          return answer?.status === 200
        }
        await until("somebody else is answered", isAnswered)
        await job
        await until("they are let go", async () => {
          most = Math.max(most, descriptors())
          return held.gone() === 2000
        })
        // besides the connections there are the pipes of processes, and files being read
        assert.isAtMost(most, before.descriptors + CONNECTIONS + 40)
        assert.isBelow(memory() / before.memory, 1.5)
      } finally {
        held.end()
      }
    })
  }
})
