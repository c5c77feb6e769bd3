/**
 * Virtual time. Everything that happens in a simulated world is an event in one queue; between two events all fibers run
 * until none can go on. Nothing waits for the real clock, so the same seed gives the same history.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { RuntimeFiber } from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import type { Scheduler } from "effect/Scheduler"
import { PCGRandom } from "effect/Utils"

/** When these worlds begin, in milliseconds since the epoch. */
export const BEGINNING = 1_800_000_000_000
/** Maximum number of steps of fibers at one moment of virtual time: more means a loop that never waits. */
const STEPS = 2_000_000

interface Event {
  readonly at: number
  readonly order: number
  act: (() => void) | undefined
}

/** Seeded randomness. */
export class Chance {
  private readonly generator: PCGRandom
  constructor(seed: number) {
    this.generator = new PCGRandom(seed)
  }
  /** From 0 up to 1. */
  next(): number {
    return this.generator.number()
  }
  /** Whether an event of this probability occurs. */
  happens(probability: number): boolean {
    return probability > 0 && this.generator.number() < probability
  }
  between(least: number, most: number): number {
    return least + this.generator.number() * (most - least)
  }
  whole(least: number, most: number): number {
    return Math.floor(this.between(least, most + 1))
  }
  one<A>(of: ReadonlyArray<A>): A {
    const chosen = of[Math.floor(this.generator.number() * of.length)]
    if (chosen === undefined) throw new Error("nothing to choose from")
    return chosen
  }
}

/** Time, and the scheduled events. */
export class Kernel {
  now = BEGINNING
  events = 0
  private readonly heap: Array<Event> = []
  private order = 0
  private readonly ready: Array<() => void> = []
  private head = 0
  /** Called before and after every effect of a host, where the host can be made to die. */
  point: ((host: string, what: string) => void) | undefined

  /** Schedules something this many milliseconds from now; returns a function that cancels it. */
  after(delay: number, act: () => void): () => void {
    const event: Event = { at: this.now + Math.max(0, delay), order: this.order++, act }
    this.push(event)
    return () => {
      event.act = undefined
    }
  }

  /** Removes cancelled events, which otherwise stay until their time. */
  tidy(): void {
    // a sorted list is a heap
    const kept = this.heap.filter(({ act }) => act !== undefined).sort((a, b) => (before(a, b) ? -1 : 1))
    this.heap.splice(0, this.heap.length, ...kept)
  }

  /** A step of a fiber that is ready. */
  soon(step: () => void): void {
    this.ready.push(step)
  }

  /** Lets time pass up to a moment, or until a condition holds. */
  run(until: number, enough: () => boolean = () => false): void {
    this.flush()
    for (let next = this.heap[0]; next !== undefined && next.at <= until && !enough(); next = this.heap[0]) {
      this.pop()
      if (next.act === undefined) continue
      this.now = next.at
      this.events++
      next.act()
      this.flush()
    }
    this.now = Math.max(this.now, Math.min(until, this.heap[0]?.at ?? until))
  }

  private flush(): void {
    let steps = 0
    while (this.head < this.ready.length) {
      const step = this.ready[this.head]
      this.head++
      if (this.head > 4096) {
        this.ready.splice(0, this.head)
        this.head = 0
      }
      step?.()
      if (++steps > STEPS) throw new Error(`something never waits: ${STEPS} steps at one moment`)
    }
    this.ready.length = 0
    this.head = 0
  }

  private push(event: Event): void {
    const { heap } = this
    let n = heap.length
    while (n > 0) {
      const parent = (n - 1) >> 1
      const above = heap[parent]
      if (above === undefined || before(above, event)) break
      heap[n] = above
      n = parent
    }
    heap[n] = event
  }

  private pop(): void {
    const { heap } = this
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let n = 0
    while (true) {
      let child = 2 * n + 1
      if (child >= heap.length) break
      const left = heap[child]
      const right = heap[child + 1]
      if (left !== undefined && right !== undefined && before(right, left)) child++
      const lower = heap[child]
      if (lower === undefined || before(last, lower)) break
      heap[n] = lower
      n = child
    }
    heap[n] = last
  }
}

const before = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)

/**
 * One run of a process, in which its fibers run. After a kill, none of them makes another step, and no finalizer runs.
 */
export class Life implements Scheduler {
  private readonly kernel: Kernel
  private state: "running" | "frozen" | "dead" = "running"
  private held: Array<() => void> = []
  /** Error of this machine's clock, in milliseconds. */
  readonly offset: () => number

  constructor(kernel: Kernel, offset: () => number) {
    this.kernel = kernel
    this.offset = offset
  }

  get isAlive(): boolean {
    return this.state !== "dead"
  }
  get isFrozen(): boolean {
    return this.state === "frozen"
  }

  /** `kill -9`. */
  kill(): void {
    this.state = "dead"
    this.held = []
  }
  /** SIGSTOP. */
  freeze(): void {
    if (this.state === "running") this.state = "frozen"
  }
  /** SIGCONT. */
  thaw(): void {
    if (this.state !== "frozen") return
    this.state = "running"
    const { held } = this
    this.held = []
    for (const step of held) this.scheduleTask(step)
  }

  shouldYield(fiber: RuntimeFiber<unknown, unknown>): number | false {
    return fiber.currentOpCount > fiber.getFiberRef(FiberRef.currentMaxOpsBeforeYield) ? 0 : false
  }

  scheduleTask(task: () => void): void {
    if (this.state === "dead") return
    if (this.state === "frozen") {
      this.held.push(task)
      return
    }
    this.kernel.soon(() => {
      // it may have been killed, or stopped, a moment ago
      if (this.state === "running") task()
      else this.scheduleTask(task)
    })
  }

  /** This machine's clock. Sleeping follows the right time, as on a real machine. */
  get clock(): Clock.Clock {
    const { kernel, offset } = this
    const millis = () => Math.floor(kernel.now + offset())
    const nanos = () => BigInt(millis()) * 1_000_000n
    return {
      [Clock.ClockTypeId]: Clock.ClockTypeId,
      unsafeCurrentTimeMillis: millis,
      unsafeCurrentTimeNanos: nanos,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanos: Effect.sync(nanos),
      sleep: (duration) =>
        Number.isFinite(Duration.toMillis(duration))
          ? Effect.async<void>((resume) => {
              const cancel = kernel.after(Duration.toMillis(duration), () => resume(Effect.void))
              return Effect.sync(cancel)
            })
          : Effect.never
    }
  }
}
