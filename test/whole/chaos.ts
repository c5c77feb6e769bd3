/**
 * A real fleet in real trouble: daemons are killed and stopped, connections are cut, the store restarts, and attackers
 * do what they can.
 */
import { readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { seeded } from "../services/Coordinator/random.ts"
import { type RedisServer, startProxy, start as startRedis } from "../store/server.ts"
import { type Mac, make } from "./fleet.ts"
import { until } from "./lab.ts"
import * as strangers from "./strangers.ts"

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** How often each kind of trouble occurred. */
export interface Faults {
  kills: number
  stalls: number
  restarts: number
  cuts: number
  /** Damaged ledgers, planted files, and answers that quote the credential. */
  damages: number
  plants: number
  echoes: number
}

/** A started fleet of this many Macs with a persistent Redis; every fourth Mac reaches it through a connection that can be cut. */
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
  const hostile = fleet.github.world.queue({ owner: "veertuinc", repo: "anklet", jobs: strangers.jobs })
  return { redis, proxy, fleet, hostile: hostile.run.id, plants: strangers.plants(fleet.folder) }
}

/** A fleet, its store, and the attackers around it. */
export type World = Awaited<ReturnType<typeof start>>

/** Causes trouble until a condition holds; a Mac has one trouble at a time, and so has the store. */
export const trouble = async (
  { redis, proxy, fleet, plants }: World,
  {
    seed,
    enough,
    damages
  }: {
    readonly seed: number
    readonly enough: () => boolean
    /**
     * Whether ledgers are damaged, too: VMs that one has lost are removed within about ten minutes, and no drain waits
     * for that.
     */
    readonly damages: boolean
  }
): Promise<Faults> => {
  const random = seeded(seed)
  const faults: Faults = { kills: 0, stalls: 0, restarts: 0, cuts: 0, damages: 0, plants: 0, echoes: 0 }
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
  /** What was planted on a Mac and did not keep its daemon from starting; it may keep the next one from it. */
  const planted = new Map<number, string>()
  const kill = async (mac: Mac) => {
    faults.kills++
    await mac.kill()
    const before = planted.get(mac.index)
    if (before !== undefined) rmSync(before, { force: true })
    planted.delete(mac.index)
    if (damages && random() < 0.3) {
      faults.damages++
      strangers.damage(join(mac.home, "state", "ledger.jsonl"), random)
    }
    if (random() < 0.3) {
      faults.plants++
      const path = plants.plant(mac.home, random)
      const { code, stderr } = await mac.anklet()
      if (code === 0) {
        planted.set(mac.index, path)
        return
      }
      if (!stderr.includes(path)) throw new Error(`mac ${mac.index} does not say why it does not start: ${stderr}`)
      rmSync(path, { force: true })
    }
    await mac.start()
  }
  const echo = () => {
    faults.echoes++
    fleet.github.faults.push(strangers.echo(random))
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
    else if (kind < 0.34) echo()
    else if (mac !== undefined) begin(mac.index, () => (kind < 0.6 ? stall(mac) : kill(mac)))
  }
  await Promise.all(troubled.values())
  return faults
}

/** Where the token must not appear: logs, what is published in the store, and files of the hosts. */
const leaks = async ({ fleet, redis }: World): Promise<ReadonlyArray<string>> => {
  const stored = await redis.ask(async (client) => {
    const found: Array<string> = []
    for (const key of await client.keys("*")) {
      const kind = await client.type(key)
      const values =
        kind === "hash"
          ? Object.entries(await client.hgetall(key)).flat()
          : kind === "string"
            ? [(await client.get(key)) ?? ""]
            : kind === "zset"
              ? await client.zrange(key, 0, -1)
              : kind === "set"
                ? await client.smembers(key)
                : []
      if (strangers.hasToken([key, ...values].join("\n"))) found.push(`the token is in the store's ${key}`)
    }
    return found
  })
  const filed = fleet.macs.flatMap((mac) =>
    mac
      .files()
      .filter((file) => strangers.hasToken(readFileSync(file, "latin1")))
      .map((file) => `the token is in ${file}`)
  )
  return [...stored, ...filed]
}

/** Quiet: all jobs end, all daemons drain; returns what should not exist. */
export const settle = async (
  world: World,
  ids: ReadonlyArray<number>,
  { within, isCleanFirst = false }: { readonly within: number; readonly isCleanFirst?: boolean }
) => {
  const { fleet } = world
  await until("all jobs have ended", () => fleet.completed(ids) === ids.length, within)
  if (isCleanFirst) await until("no VM is left", () => fleet.left().vms.length === 0, within)
  // nobody ran these, and nobody waits for them any longer
  for (const { status, name } of fleet.github.world.jobsOf(world.hostile)) {
    if (status !== "queued")
      throw new Error(`a job that nobody can run is ${status}: ${JSON.stringify(name.slice(0, 80))}`)
  }
  fleet.github.world.cancel(world.hostile)
  for (const mac of fleet.macs) mac.signal("SIGCONT")
  const drained = await Promise.all(fleet.macs.map((mac) => mac.anklet("-s", "drain")))
  const ran = fleet.ran()
  const harm = [...(await leaks(world)), ...world.plants.harm()]
  world.plants.close()
  return {
    harm,
    codes: [...new Set(drained.map(({ code }) => code))],
    left: fleet.left(),
    twice: ran.filter((job, n) => ran.indexOf(job) !== n),
    ran: ran.length
  }
}
