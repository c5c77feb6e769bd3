/**
 * A simulated Mac of an Anklet 2: it takes jobs from a list in Redis, which a receiver of webhooks fills, and registers a
 * runner of its own for each, under the name of its VM. Of the daemon it has the course alone: no `anka`, no scripts.
 */
import { randomUUID } from "node:crypto"
import { appendFileSync } from "node:fs"
import { setTimeout as pause } from "node:timers/promises"
import type { Job, World } from "../../src/simulator/github/world.ts"
import type { RedisServer } from "../store/server.ts"

const OWNER = "veertuinc"
const SCOPE = `${OWNER}/anklet`
/** The list of all Macs, and what one of them holds. */
const QUEUE = `anklet/jobs/github/queued/${OWNER}`
const heldBy = (name: string) => `${QUEUE}/{${name}}`

/** In milliseconds: from a clone to a runner, of a job, until a runner without one is removed, and between two looks. */
const TIMES = { boot: 300, job: 300, registration: 3000, look: 50 }

/** Number of VMs that a Mac may run. */
const SLOTS = 2

/** What GitHub tells the receiver: each new job, once. */
export const receive = (redis: RedisServer, jobs: ReadonlyArray<Job>): Promise<unknown> =>
  redis.ask((client) => client.rpush(QUEUE, ...jobs.map(({ id }) => JSON.stringify({ workflow_job: { id } }))))

/** Starts one; its jobs write into `ran`, as those of a fleet do. */
export const start = (name: string, world: World, redis: RedisServer, ran: string) => {
  let isDraining = false
  /** VMs that it made, of which some were in vain. */
  const made = { all: 0, inVain: 0 }

  const work = async (held: string) => {
    const job = world.job(JSON.parse(held).workflow_job.id)
    if (job.status !== "queued") return
    made.all++
    await pause(TIMES.boot)
    const runner = world.register(SCOPE, `anklet-vm-${randomUUID()}`, job.labels)
    runner.status = "online"
    const until = Date.now() + TIMES.registration
    while (runner.job === null && world.assign(runner) === undefined) {
      if (Date.now() >= until) {
        made.inVain++
        world.remove(SCOPE, runner.id)
        return
      }
      await pause(TIMES.look)
    }
    const got = world.job(runner.job ?? job.id)
    appendFileSync(ran, `${got.runId}:${got.name.replace("leg ", "")}\n`)
    await pause(TIMES.job)
    world.complete(got.id, "success")
  }

  const slot = async () => {
    while (!isDraining) {
      const held = await redis.ask((client) => client.lmove(QUEUE, heldBy(name), "LEFT", "RIGHT"))
      if (held === null) {
        await pause(TIMES.look)
        continue
      }
      await work(held)
      await redis.ask((client) => client.lrem(heldBy(name), 1, held))
    }
  }
  const slots = Array.from({ length: SLOTS }, slot)

  return {
    made,
    /** As its `.drain` file does: no new job; resolves when its jobs are over. */
    drain: async () => {
      isDraining = true
      await Promise.all(slots)
    }
  }
}
