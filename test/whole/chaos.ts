/** A real fleet in real trouble: daemons are killed and stopped, ways are cut, the store restarts. */
import { seeded } from "../services/Coordinator/random.ts"
import { type Proxy, type RedisServer, startProxy, start as startRedis } from "../store/server.ts"
import { type Fleet, type Mac, make } from "./fleet.ts"
import { until } from "./lab.ts"

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** What went wrong, how often. */
export interface Faults {
  kills: number
  stalls: number
  restarts: number
  cuts: number
}

/** A started fleet of so many Macs on a Redis that keeps what it has; every fourth Mac reaches it on a way that can be cut. */
export const start = async (macs: number) => {
  const redis: RedisServer = await startRedis({ persistent: true })
  const proxy = await startProxy(() => redis.port)
  const fleet = await make({
    macs,
    database: (mac) => ["url: 127.0.0.1", `port: ${mac % 4 === 3 ? proxy.port : redis.port}`],
    interval: 2
  })
  for (let n = 0; n < fleet.macs.length; n += 4) {
    await Promise.all(fleet.macs.slice(n, n + 4).map((mac) => mac.start()))
  }
  return { redis, proxy, fleet }
}

/** Make trouble until it is enough; a Mac has one at a time, and so has the store. */
export const trouble = async (
  { redis, proxy, fleet }: { readonly redis: RedisServer; readonly proxy: Proxy; readonly fleet: Fleet },
  { seed, enough }: { readonly seed: number; readonly enough: () => boolean }
): Promise<Faults> => {
  const random = seeded(seed)
  const faults: Faults = { kills: 0, stalls: 0, restarts: 0, cuts: 0 }
  const restart = async () => {
    faults.restarts++
    await redis.kill()
    await pause(random() * 2000)
    await redis.launch()
  }
  const stall = async (mac: Mac) => {
    faults.stalls++
    mac.signal("SIGSTOP")
    await pause(2000 + random() * 3000)
    mac.signal("SIGCONT")
  }
  const cut = async () => {
    faults.cuts++
    if (random() < 0.5) proxy.cut()
    else proxy.stall()
    await pause(2000 + random() * 6000)
    proxy.heal()
  }
  const kill = async (mac: Mac) => {
    faults.kills++
    await mac.kill()
    await mac.start()
  }
  const troubled = new Map<number, Promise<void>>()
  const begin = (who: number, fault: () => Promise<void>) => {
    if (troubled.has(who)) return
    troubled.set(
      who,
      fault().finally(() => troubled.delete(who))
    )
  }
  while (!enough()) {
    await pause(300 + random() * 1200)
    const mac = fleet.macs[Math.floor(random() * fleet.macs.length)]
    const kind = random()
    if (kind < 0.12) begin(-1, restart)
    else if (kind < 0.24) begin(-2, cut)
    else if (mac !== undefined) begin(mac.index, () => (kind < 0.55 ? stall(mac) : kill(mac)))
  }
  await Promise.all(troubled.values())
  return faults
}

/** Quiet: all jobs end, all daemons drain; tells what should not be there. */
export const settle = async (fleet: Fleet, ids: ReadonlyArray<number>, within: number) => {
  await until("all jobs have ended", () => fleet.completed(ids) === ids.length, within)
  for (const mac of fleet.macs) mac.signal("SIGCONT")
  const drained = await Promise.all(fleet.macs.map((mac) => mac.anklet("-s", "drain")))
  const ran = fleet.ran()
  return {
    codes: [...new Set(drained.map(({ code }) => code))],
    left: fleet.left(),
    twice: ran.filter((job, n) => ran.indexOf(job) !== n),
    ran: ran.length
  }
}
