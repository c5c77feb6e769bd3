/** The service that runners talk to: connect, wait for a job, tell how far it is, ask whether it was cancelled. */
import type { ServerResponse } from "node:http"
import type { Runner, World } from "./world.ts"

/** Timeout of a runner's question for a job, in milliseconds. */
const HOLD = 20_000
/** Between two looks for a job. */
const EVERY = 25

/** One for each simulated GitHub. */
export class RunnerService {
  private readonly world: World
  private readonly waiting = new Set<NodeJS.Timeout>()

  constructor(world: World) {
    this.world = world
  }

  close(): void {
    for (const timer of this.waiting) clearInterval(timer)
  }

  handle(method: string, url: URL, authorization: string, body: unknown, response: ServerResponse): void {
    const send = (status: number, answer: unknown = {}) => {
      if (!response.writableEnded)
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer))
    }
    const runner = this.world.runnerOf(authorization.replace(/^bearer /i, ""))
    if (runner === undefined) return send(404, { message: "The runner registration has been deleted from the server." })
    runner.seenAt = Date.now()
    const given = typeof body === "object" && body !== null ? Object.fromEntries(Object.entries(body)) : {}
    switch (`${method} ${url.pathname.split("/").at(-1)}`) {
      case "POST connect":
        if (runner.mode === "never-connects") return
        if (runner.mode === "too-old")
          return send(403, { message: "Runner version v2.285.0 is deprecated and cannot receive messages." })
        if (runner.used) return send(409, { message: "this configuration was used before" })
        runner.used = true
        runner.status = "online"
        return send(200, { name: runner.name, mode: runner.mode })
      case "GET job":
        return this.hold(runner, response, send)
      case "POST progress": {
        const job = this.world.jobs.get(Number(given.job))
        if (job !== undefined) job.stepsDone = Number(given.steps)
        return send(200, { cancelled: job?.cancelled ?? true })
      }
      case "POST complete":
        if (this.world.jobs.has(Number(given.job))) this.world.complete(Number(given.job), String(given.conclusion))
        return send(200)
      case "POST disconnect":
        runner.status = "offline"
        return send(200)
      default:
        return send(404)
    }
  }

  private hold(runner: Runner, response: ServerResponse, send: (status: number, answer?: unknown) => void): void {
    const until = Date.now() + HOLD
    const look = () => {
      const stop = (status: number, answer?: unknown) => {
        clearInterval(timer)
        this.waiting.delete(timer)
        send(status, answer)
      }
      if (response.destroyed) return stop(499)
      if (!this.world.runners.has(runner.id)) return stop(404)
      const job = this.world.assign(runner)
      if (job !== undefined) {
        stop(200, { id: job.id, name: job.name, repo: job.repo, runId: job.runId, steps: job.steps })
      } else if (Date.now() >= until) stop(202)
    }
    const timer = setInterval(look, EVERY)
    this.waiting.add(timer)
    look()
  }
}
