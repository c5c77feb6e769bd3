/** The shared store in a simulated world: the reducer that Redis's scripts are tested against, behind a bad network. */
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import * as Schedule from "effect/Schedule"
import type { Scope } from "../../src/domain/Job.ts"
import { type Command, initial, type State } from "../../src/services/Coordinator/protocol.ts"
import { type Outcome, reduce } from "../../src/services/Coordinator/rules.ts"
import type { Store } from "../../src/services/Coordinator/store.ts"
import { CoordinatorError } from "../../src/services/Coordinator.ts"
import type { Kernel } from "./kernel.ts"
import type { Network } from "./network.ts"

export const STORE = "store"

/** What the world observes. */
export interface Watcher {
  /** A machine connects. */
  readonly asked: (machine: string, command: Command) => void
  readonly applied: (scope: Scope, command: Command, before: State, outcome: Outcome, now: number) => void
}

/** As the connection to a real one: a command has a timeout in milliseconds, even where it cannot be interrupted. */
const COMMAND_WITHIN = 2000
/** How long history is kept for a rollback, in milliseconds. */
const HISTORY = 10_000

const unavailable = (detail: string) => new CoordinatorError({ reason: "Unavailable", detail })

/** The one store of a world. */
export class SimulatedStore {
  states: ReadonlyMap<Scope, State> = new Map()
  /** Error of its clock, in milliseconds. */
  offset = 0
  commands = 0
  isDown = false
  readonly kernel: Kernel
  readonly network: Network
  readonly watcher: Watcher
  private history: Array<{ readonly at: number; readonly states: ReadonlyMap<Scope, State> }> = []
  private readonly hosts = new Map<string, { readonly machine: string; readonly hear: (message: string) => void }>()
  private readonly backs = new Map<string, () => void>()

  constructor(kernel: Kernel, network: Network, watcher: Watcher) {
    this.kernel = kernel
    this.network = network
    this.watcher = watcher
    network.onHeal(() => {
      for (const back of this.backs.values()) back()
    })
  }

  /** It restarts, with the content of this many milliseconds ago, or with none. */
  restart(lost: number | "all"): void {
    if (lost === "all") this.states = new Map()
    else {
      const then = this.history.findLast(({ at }) => at <= this.kernel.now - lost)
      this.states = then?.states ?? this.history[0]?.states ?? this.states
    }
    this.history = []
    this.isDown = false
    for (const back of this.backs.values()) this.kernel.after(500, back)
  }

  private apply(scope: Scope, command: Command): Outcome {
    this.commands++
    const now = Math.floor(this.kernel.now + this.offset)
    const before = this.states.get(scope) ?? initial
    const outcome = reduce(before, command, now)
    if (outcome.state !== before) {
      this.history.push({ at: this.kernel.now, states: this.states })
      while ((this.history[0]?.at ?? 0) < this.kernel.now - HISTORY) this.history.shift()
      this.states = new Map(this.states).set(scope, outcome.state)
    }
    this.watcher.applied(scope, command, before, outcome, now)
    for (const { host, service } of outcome.wake) {
      const to = this.hosts.get(host)
      if (to !== undefined) this.network.send(STORE, to.machine, () => to.hear(`wake ${service}`))
    }
    return outcome
  }

  /** The store as one run of one machine sees it. */
  connect(machine: string) {
    const { network } = this
    return (back: Effect.Effect<void>) =>
      Effect.map(Effect.runtime<never>(), (runtime): Store => {
        const fork = Runtime.runFork(runtime)
        this.backs.set(machine, () => fork(back))
        this.kernel.after(5, () => fork(back))
        const call = <A>(what: string, work: () => A): Effect.Effect<A, CoordinatorError> =>
          network
            .call(
              machine,
              STORE,
              what,
              () => {
                if (this.isDown) throw unavailable("refuses connections")
                return work()
              },
              { within: COMMAND_WITHIN, late: () => unavailable("no answer within 2 seconds") }
            )
            .pipe(
              Effect.catchAll((error) => (error instanceof CoordinatorError ? Effect.fail(error) : Effect.die(error))),
              // as the connection to a real one does
              Effect.retry({ schedule: Schedule.spaced("250 millis").pipe(Schedule.upTo("4 seconds")) })
            )
        return {
          name: "the store",
          ask: (scope, command) =>
            Effect.suspend(() => {
              this.watcher.asked(machine, command)
              return call(command._tag, () => this.apply(scope, command).reply)
            }),
          fit: Effect.void,
          listen: (host, heard) =>
            Effect.sync(() => void this.hosts.set(host, { machine, hear: (message) => fork(heard(message)) })),
          say: (host, message) =>
            call("message", () => {
              const to = this.hosts.get(host)
              if (to !== undefined) network.send(STORE, to.machine, () => to.hear(message))
            }),
          relisten: Effect.void,
          limits: () => Effect.void,
          limit: () => Effect.succeed(0)
        }
      })
  }
}
