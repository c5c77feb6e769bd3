/**
 * `npm run chaos -- [--minutes 60] [--macs 20] [--seed 1]`: a real fleet with constant trouble, then quiet, after which
 * nothing may be left.
 */
import { parseArgs } from "node:util"
import { settle, start, trouble } from "./chaos.ts"
import type { Fleet } from "./fleet.ts"

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    macs: { type: "string", default: "20" },
    seed: { type: "string", default: "1" }
  }
})

/** Maximum number of jobs that wait or run at once. */
const open = 60
const isOver = (() => {
  const end = performance.now() + Number(values.minutes) * 60_000
  return () => performance.now() >= end
})()

/** Queues jobs throughout, as many as there is room for. */
const supply = async (fleet: Fleet) => {
  const ids: Array<number> = []
  while (!isOver()) {
    if (ids.length - fleet.completed(ids) < open) ids.push(...fleet.queue(5, "sleep 0.$((RANDOM % 10))"))
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  return ids
}

const world = await start(Number(values.macs))
const [ids, faults] = await Promise.all([
  supply(world.fleet),
  trouble(world, { seed: Number(values.seed), enough: isOver, damages: true })
])
const quiet = performance.now()
const { codes, left, twice, ran, harm } = await settle(world, ids, { within: 1_500_000, isCleanFirst: true })
const conclusions: Record<string, number> = {}
for (const id of ids) {
  const word = world.fleet.github.world.job(id).conclusion ?? "none"
  conclusions[word] = (conclusions[word] ?? 0) + 1
}
const report = {
  minutes: Number(values.minutes),
  macs: Number(values.macs),
  jobs: ids.length,
  ran,
  twice,
  conclusions,
  faults,
  harm,
  left,
  exitCodesOfDrain: codes,
  secondsUntilAllWasDone: Math.round((performance.now() - quiet) / 1000)
}
console.log(JSON.stringify(report, null, 2))
await world.fleet.close()
await world.proxy.close()
await world.redis.close()
const isClean =
  harm.length === 0 &&
  twice.length === 0 &&
  Object.values(left).every((list) => list.length === 0) &&
  codes.every((code) => code === 0)
process.exit(isClean ? 0 : 1)
