/** Jobs one after the other: memory over time, and how soon each is picked up. */
import { start as startGitHub } from "../src/simulator/github/server.ts"
import { start as startRedis } from "../test/store/server.ts"
import { at, mb, ms, type Row, times } from "./table.ts"
import { type Daemon, daemon, isOver, isUp, type Setup, useOf, wait } from "./world.ts"

/** From "queued" to the start of `anka clone`. */
interface PickUp {
  /** The time of all of it, in milliseconds. */
  readonly whole: number
  /** Of it, the time from the request whose answer shows the job: our own share, and what we wait for on the way. */
  readonly own: number
  /** Number of calls of `anka` before that one. */
  readonly reads: number
}

/** Queues a job at any moment between two polls, and measures when it is picked up. */
const pickUp = async (macs: ReadonlyArray<Daemon>, interval: number, n: number): Promise<PickUp> => {
  const [first] = macs
  if (first === undefined) throw new Error("no Mac")
  await wait(((n * 0.618) % 1) * interval * 1000)
  const known = macs.map((mac) => mac.ankaCalls().length)
  const asked = first.github.log.length
  const job = first.queue()
  const queued = Date.now()
  const calls = () => macs.flatMap((mac, n) => mac.ankaCalls().slice(known[n]))
  while (!calls().some(({ isClone }) => isClone)) await wait(2)
  const made = calls()
  const called = Math.min(...made.filter(({ isClone }) => isClone).map(({ at }) => at))
  // the job became visible with the first list of its run's jobs
  const shown = first.github.log.slice(asked).find(({ path }) => path.includes(`/runs/${job.runId}/jobs`))
  await isOver(first, job.id)
  const reads = made.filter(({ at }) => at >= queued && at < called).length
  return { whole: called - queued, own: called - (shown?.at ?? called), reads }
}

const series = async (setup: Setup, count: number, each: (done: number, mac: Daemon) => void = () => {}) => {
  const mac = await daemon(setup)
  await isUp(mac)
  await wait(2000)
  each(0, mac)
  const all: Array<PickUp> = []
  for (let n = 0; n < count; n++) {
    all.push(await pickUp([mac], setup.interval, n))
    each(n + 1, mac)
  }
  await mac.stop()
  return all
}

const told = (name: string, all: ReadonlyArray<PickUp>): ReadonlyArray<Row> => {
  const whole = all.map(({ whole }) => whole)
  const own = all.map(({ own }) => own)
  const reads = all.map(({ reads }) => reads)
  return [
    {
      figure: `pick-up, ${name}: from "queued" to \`anka clone\`, median / 99th of ${all.length}`,
      measured: `${ms(at(whole, 0.5))} / ${ms(at(whole, 0.99))}`
    },
    {
      figure: `pick-up, ${name}: of it from the answer that shows the job on, median / 99th`,
      measured: `${ms(at(own, 0.5))} / ${ms(at(own, 0.99))}`
    },
    {
      figure: `pick-up, ${name}: calls of \`anka\` before the clone, median / 99th`,
      measured: `${at(reads, 0.5)} / ${at(reads, 0.99)}`
    }
  ]
}

/** `many` jobs at an interval of 1 s, `few` at 10 s and with a store shared by two Macs. */
export const jobs = async (many: number, few: number): Promise<ReadonlyArray<Row>> => {
  const rows: Array<Row> = []
  const memory: Array<{ readonly done: number; readonly private: number }> = []
  const fast = await series({ services: 2, interval: 1 }, many, (done, { pid }) => {
    if (done === 0 || done % Math.max(1, Math.floor(many / 4)) === 0) memory.push({ done, private: useOf(pid).private })
  })
  const [start] = memory
  for (const { done, private: own } of memory) {
    rows.push({
      figure: `working, 2 services at 1 s: private after ${done} jobs`,
      measured: mb(own),
      beside: times(own, start?.private ?? own, "the start")
    })
  }
  rows.push(...told("polling every second", fast))
  rows.push(...told("polling every 10 seconds", await series({ services: 2, interval: 10 }, few)))
  const redis = await startRedis()
  const shared = { github: await startGitHub(), database: ["url: 127.0.0.1", `port: ${redis.port}`] }
  const macs = [await daemon({ services: 1, interval: 1, shared }), await daemon({ services: 1, interval: 1, shared })]
  await Promise.all(macs.map(isUp))
  await wait(4000)
  const woken: Array<PickUp> = []
  for (let n = 0; n < few; n++) woken.push(await pickUp(macs, 1, n))
  await Promise.all(macs.map((mac) => mac.stop()))
  await shared.github.close()
  await redis.close()
  rows.push(...told("two Macs on one Redis, one looks, either is woken", woken))
  return rows
}
