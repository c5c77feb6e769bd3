/** Messages between machines: late, lost, duplicated, or cut off between any two. */
import * as Effect from "effect/Effect"
import type { Chance, Kernel } from "./kernel.ts"
import { Violation } from "./promises.ts"

/** How bad a network is. */
export interface Weather {
  /** Probability that a message is lost. */
  readonly lost: number
  /** Probability that a message is very late, and its maximum delay in milliseconds. */
  readonly late: number
  readonly lateBy: number
  /** Probability that a message arrives twice. */
  readonly doubled: number
}

/** All links. */
export class Network {
  readonly kernel: Kernel
  readonly chance: Chance
  private readonly cut = new Set<string>()
  private readonly healed: Array<() => void> = []
  readonly weather: Weather
  lost = 0
  late = 0
  doubled = 0

  constructor(kernel: Kernel, chance: Chance, weather: Weather) {
    this.kernel = kernel
    this.chance = chance
    this.weather = weather
  }

  partition(a: string, b: string): void {
    this.cut.add(`${a}|${b}`).add(`${b}|${a}`)
  }
  heal(a: string, b: string): void {
    this.cut.delete(`${a}|${b}`)
    this.cut.delete(`${b}|${a}`)
    for (const tell of this.healed) tell()
  }
  /** Called whenever a link works again. */
  onHeal(tell: () => void): void {
    this.healed.push(tell)
  }
  isCut(a: string, b: string): boolean {
    return this.cut.size > 0 && this.cut.has(`${a}|${b}`)
  }

  /** Sends a message, which arrives later, or never. */
  send(from: string, to: string, arrive: () => void): void {
    const { kernel, chance, weather } = this
    const once = () => {
      if (this.isCut(from, to) || chance.happens(weather.lost)) {
        this.lost++
        return
      }
      const isLate = chance.happens(weather.late)
      if (isLate) this.late++
      kernel.after(isLate ? chance.between(500, weather.lateBy) : chance.between(0.2, 20), () => {
        if (this.isCut(from, to)) this.lost++
        else arrive()
      })
    }
    once()
    if (chance.happens(weather.doubled)) {
      this.doubled++
      once()
    }
  }

  /**
   * Ask, and wait for the answer: forever, if either is lost, or until a limit in milliseconds, which holds whatever
   * becomes of the fiber that waits. An exception is the answer, too.
   */
  call<A>(
    from: string,
    to: string,
    what: string,
    answer: () => A,
    limit?: { readonly within: number; readonly late: () => unknown }
  ): Effect.Effect<A, unknown> {
    return Effect.async<A, unknown>((resume) => {
      const late =
        limit === undefined ? () => {} : this.kernel.after(limit.within, () => resume(Effect.fail(limit.late())))
      this.send(from, to, () => {
        let reply: Effect.Effect<A, unknown>
        this.kernel.point?.(from, `${what} reaches ${to}`)
        try {
          reply = Effect.succeed(answer())
        } catch (error) {
          // a rejected promise is no answer
          if (error instanceof Violation) throw error
          reply = Effect.fail(error)
        }
        this.kernel.point?.(from, `${what} is done by ${to}`)
        this.send(to, from, () => {
          this.kernel.point?.(from, `${what} is answered by ${to}`)
          late()
          resume(reply)
        })
      })
    })
  }
}
