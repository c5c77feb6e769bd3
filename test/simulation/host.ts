/** The daemon on a simulated machine: all of it, from its ledger to its services, over the machine's disk, processes and network. */
import { FileSystem } from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Hash from "effect/Hash"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Runtime from "effect/Runtime"
import type { Database } from "../../src/config/Database.ts"
import { DaemonInfo } from "../../src/control/DaemonInfo.ts"
import * as Scrape from "../../src/control/metrics/Scrape.ts"
import * as Daemon from "../../src/daemon/Daemon.ts"
import { Lstat } from "../../src/files/Lstat.ts"
import { NONE } from "../../src/job/Additions.ts"
import * as Direct from "../../src/job/Direct.ts"
import * as Intake from "../../src/job/Intake.ts"
import * as Pass from "../../src/job/Pass.ts"
import { Polling } from "../../src/job/Polling.ts"
import { look, make, run } from "../../src/plugins/github/ci.ts"
import type { GitHubConfig } from "../../src/plugins/github/config.ts"
import { toRequest } from "../../src/plugins/github/request.ts"
import type { ServiceContext } from "../../src/plugins/Plugin.ts"
import { Activity } from "../../src/services/Activity.ts"
import * as Anka from "../../src/services/Anka/command.ts"
import { Capacity } from "../../src/services/Capacity.ts"
import * as embedded from "../../src/services/Coordinator/embedded.ts"
import * as shared from "../../src/services/Coordinator/shared.ts"
import { Coordinators } from "../../src/services/Coordinators.ts"
import { Drain } from "../../src/services/Drain.ts"
import { Exec } from "../../src/services/Exec.ts"
import { GitHub, type Job } from "../../src/services/GitHub.ts"
import { Holds } from "../../src/services/Holds.ts"
import { Host } from "../../src/services/Host.ts"
import { HostLock } from "../../src/services/HostLock.ts"
import * as Journal from "../../src/services/Journal.ts"
import { apply, Entry, empty, Ledger } from "../../src/services/Ledger.ts"
import { LeftOut } from "../../src/services/LeftOut.ts"
import { Once } from "../../src/services/Once.ts"
import { Refusals } from "../../src/services/Refusals.ts"
import { SharedRateLimit } from "../../src/services/SharedRateLimit.ts"
import { Templates } from "../../src/services/Templates.ts"
import { Wake } from "../../src/services/Wake.ts"
import type { Disk } from "./disk.ts"
import type { Forge } from "./forge.ts"
import { type Kernel, Life } from "./kernel.ts"
import type { Machine } from "./machine.ts"
import type { Delivery } from "./plan.ts"
import { ciFor } from "./scripts.ts"
import type { SimulatedStore } from "./store.ts"

/** How a host is set up. */
export interface Setup {
  readonly services: number
  readonly owner: string
  readonly repo: string
  /** Repositories that its services watch in the same queue. */
  readonly beside?: ReadonlyArray<string>
  /** Its jobs are scripts of a CI without runners. */
  readonly areScripts?: boolean
  /** It runs a script of its own before each job, and one after it. */
  readonly hasScripts?: boolean
  /** The VM of each job is kept for inspection. */
  readonly holds?: boolean
  readonly sleepInterval: Duration.Duration
  readonly registrationTimeout: number
  /** Whether its first service has an intake, through which GitHub tells it of jobs. */
  readonly listens: boolean
  /** None if the host works alone. */
  readonly rhythm: Option.Option<shared.Rhythm>
}

/** What the world provides to a host. */
export interface Lent {
  readonly kernel: Kernel
  readonly machine: Machine
  readonly disk: Disk
  readonly forge: Forge
  readonly store: SimulatedStore
  /** For the next run. */
  readonly seed: () => number
  /** Receives what the daemon logs; none costs least. */
  readonly log: ((host: string, level: string, message: string) => void) | undefined
  /** Called when a daemon ended by itself. */
  readonly ended: (host: SimulatedHost, exit: Exit.Exit<void, unknown>) => void
}

const LEDGER = "/state/ledger.jsonl"
const CONFIG = "/config.yml"
/** Repeated, as in `main`, but less often, because each repetition makes the causes of a slow stop longer. */
const INTERRUPT_EVERY = 10_000

const NOWHERE_ELSE = { registration: Option.none(), enterprise: Option.none(), runner_group: Option.none() }

const configOf = ({ owner, repo, beside = [], registrationTimeout }: Setup): GitHubConfig => ({
  token: Option.some(Redacted.make("canary-token")),
  app_id: Option.none(),
  installation_id: Option.none(),
  private_key: Option.none(),
  registration: Option.none(),
  enterprise: Option.none(),
  ...(beside.length === 0
    ? { owner: Option.some(owner), repo: Option.some(repo), watch: Option.none() }
    : {
        ...{ owner: Option.none(), repo: Option.none() },
        watch: Option.some([repo, ...beside].map((repo) => ({ ...NOWHERE_ELSE, owner, repo: Option.some(repo) })))
      }),
  api_url: "https://api.github.test",
  runner_group: 1,
  registration_timeout: registrationTimeout,
  runner_version: "2.338.0",
  runner_sha256: Option.none(),
  runner_url: "https://github.test/runner.tar.gz"
})

/** A machine on which a daemon runs most of the time. */
export class SimulatedHost {
  readonly setup: Setup
  readonly lent: Lent
  /** Error of its clock, in milliseconds. */
  offset = 0
  life: Life | undefined
  /** When a stop or drain was requested. */
  leaving: { readonly how: "stop" | "drain"; readonly at: number } | undefined
  isGone = false
  /** Called when GitHub tells of a job; none where the intake never listened. */
  hear: ((job: Job, as: Delivery["as"]) => void) | undefined
  private stop: (() => void) | undefined
  private drain: (() => void) | undefined
  private read: ((told: (text: string | undefined) => void) => void) | undefined

  constructor(setup: Setup, lent: Lent) {
    this.setup = setup
    this.lent = lent
    lent.disk.write("/etc/machine-id", `machine-${lent.machine.name}\n`)
  }

  get name(): string {
    return this.lent.machine.name
  }

  /** Its identity, as its disk says. */
  id(): string {
    const kept = this.lent.disk.read("/state/host.json")
    return kept === undefined ? "" : JSON.parse(new TextDecoder().decode(kept)).id
  }

  /** Starts the daemon, if it is not running. */
  start(): void {
    if (this.life?.isAlive === true || this.isGone) return
    const { kernel, machine, seed, log } = this.lent
    const life = new Life(kernel, () => this.offset)
    this.life = life
    this.leaving = undefined
    this.drain = undefined
    machine.boots++
    machine.self = { pid: machine.self.pid, startedAt: String(machine.boots) }
    machine.isSelfAlive = true
    const program = this.program(life).pipe(
      Effect.scoped,
      Effect.withClock(life.clock),
      Effect.withRandom(Random.make(seed())),
      Effect.withTracerEnabled(false),
      Effect.provideService(Lstat, (path) => this.lent.disk.lstat(path)),
      Effect.provide(
        log === undefined
          ? Layer.merge(Logger.remove(Logger.defaultLogger), Logger.minimumLogLevel(LogLevel.None))
          : Layer.merge(
              Logger.replace(
                Logger.defaultLogger,
                Logger.make(({ logLevel, message, cause }) =>
                  log(
                    machine.name,
                    logLevel.label,
                    `${[message].flat().join(" ")}${Cause.isEmpty(cause) ? "" : ` ${Cause.pretty(cause)}`}`
                  )
                )
              ),
              Logger.minimumLogLevel(LogLevel.Debug)
            )
      )
    )
    const fiber = Effect.runFork(program, { scheduler: life })
    fiber.addObserver((exit) => {
      if (this.life !== life || !life.isAlive) return
      life.kill()
      machine.isSelfAlive = false
      this.lent.ended(this, exit)
    })
    const interrupt = () => {
      if (!life.isAlive) return
      fiber.unsafeInterruptAsFork(fiber.id())
      kernel.after(INTERRUPT_EVERY, interrupt)
    }
    this.stop = interrupt
  }

  /** `anklet -s stop`, or `-s drain`. */
  leave(how: "stop" | "drain"): void {
    if (this.life?.isAlive !== true) return
    if (this.leaving?.how === "stop") return
    this.leaving = { how, at: this.lent.kernel.now }
    if (how === "stop") this.stop?.()
    else this.drain?.()
  }

  /** Its current metrics; undefined if it does not answer. */
  scrape(told: (text: string | undefined) => void): void {
    if (this.life?.isAlive === true && !this.life.isFrozen && this.read !== undefined) this.read(told)
    else told(undefined)
  }

  /** SIGSTOP; a stop in progress takes longer by the same time. */
  freeze(): () => void {
    const { life } = this
    const since = this.lent.kernel.now
    life?.freeze()
    return () => {
      life?.thaw()
      if (this.leaving !== undefined && this.life === life) {
        this.leaving = { ...this.leaving, at: this.leaving.at + this.lent.kernel.now - since }
      }
    }
  }

  /** `kill -9`. */
  kill(): void {
    this.life?.kill()
    this.lent.machine.isSelfAlive = false
  }

  /**
   * The ledger loses everything about runners that were not started; a started one belongs to its job, which would be
   * lost with it.
   */
  forget(): void {
    const { disk } = this.lent
    const { runners } = this.owes()
    const isLost = (line: string) => {
      const { _tag: tag, runner } = JSON.parse(line.slice(9))
      return `${tag}`.startsWith("Runner") && !Option.exists(HashMap.get(runners, runner), ({ started }) => started)
    }
    const whole = new TextDecoder().decode(disk.read(LEDGER)).split("\n").slice(0, -1)
    disk.write(
      LEDGER,
      whole
        .filter((line) => !isLost(line))
        .map((line) => `${line}\n`)
        .join("")
    )
  }

  /** What the host holds according to its ledger. */
  owes() {
    const bytes = this.lent.disk.read(LEDGER)
    return Journal.parse(Entry, bytes ?? new Uint8Array()).records.reduce(apply, empty)
  }

  /** The intake. What it cannot tell the coordinator is lost, and left to the next poll. */
  private intake(context: ServiceContext) {
    return Intake.make("deliveries", make(context, configOf(this.setup)), (ci, { announce, sooner }) =>
      Effect.gen(this, function* () {
        const runtime = yield* Effect.runtime<Effect.Effect.Context<typeof ci.scope>>()
        const announced = (job: Job) =>
          Effect.flatMap(ci.scope, (scope) => announce(Option.toArray(toRequest(scope, job))))
        this.hear = (job, as) =>
          void Runtime.runFork(runtime)(Effect.ignore(as === "announcement" ? announced(job) : sooner))
        yield* Effect.never
      })
    )
  }

  private program(life: Life) {
    const { machine, disk, forge, store } = this.lent
    const { services: count, sleepInterval, rhythm } = this.setup
    const names = Array.from({ length: count }, (_, n) => `RUNNER${n + 1}`)
    const config = configOf(this.setup)
    const additions = Effect.succeed(
      this.setup.hasScripts === true
        ? { ...NONE, prepare: Option.some("prepare"), after: Option.some("clear up") }
        : NONE
    )
    const scripts = ciFor(forge, machine.name, this.setup.repo)
    const services = names.map((name, n) => {
      const registry = Option.none<string>()
      const context = {
        name,
        sleepInterval,
        registry,
        directory: "/plugins/github",
        checkFiles: Effect.void,
        additions
      }
      return {
        name,
        plugin: "github",
        sleepInterval,
        registry,
        database: Option.none<Database>(),
        pass:
          this.setup.areScripts === true
            ? Pass.run(context, Direct.ciOf("folder", name, scripts))
            : run(context, config),
        look:
          this.setup.areScripts === true
            ? Pass.look(context, Direct.ciOf("folder", name, scripts))
            : look(context, config),
        ...(this.setup.listens && n === 0 ? { intakes: Effect.succeed([this.intake(context)]) } : {})
      }
    })
    const base = Layer.mergeAll(
      Layer.succeed(FileSystem, disk.layerFor(life)),
      Path.layer,
      Layer.succeed(Exec, machine.execFor(life)),
      Layer.succeed(
        GitHub,
        forge.clientFor(machine.name, () => this.offset)
      ),
      Drain.layer
    )
    const coordinators = Layer.scoped(
      Coordinators,
      Effect.map(
        Option.match(rhythm, {
          onNone: () => embedded.make(names),
          onSome: (rhythm) =>
            shared.make(store.connect(machine.name), names, rhythm).pipe(Effect.provide(Host.layer("/state")))
        }),
        (coordinator) =>
          Coordinators.of({
            of: () => coordinator,
            viewOf: () => coordinator,
            views: [coordinator],
            stores: Option.isSome(rhythm)
              ? Effect.map(coordinator.state, (state) => [{ ...state, services: names }])
              : Effect.succeed([])
          })
      )
    )
    const capabilities = coordinators.pipe(
      Layer.provideMerge(
        Layer.mergeAll(
          Activity.layer,
          Capacity.layer,
          Templates.layer,
          Once.layer,
          Polling.layer,
          Refusals.layer,
          LeftOut.layer,
          Wake.layer,
          this.setup.holds === true ? Layer.succeed(Holds, KEPT) : Layer.empty
        )
      ),
      Layer.provideMerge(
        Layer.mergeAll(Anka.layer, SharedRateLimit.layer, Ledger.layer(LEDGER), HostLock.layer("/locks"))
      ),
      Layer.provideMerge(base)
    )
    return Effect.gen(this, function* () {
      const drain = yield* Drain
      const runtime = yield* Effect.runtime<never>()
      this.drain = () => void Runtime.runFork(runtime)(drain.begin)
      // the request came while it was starting
      if (this.leaving?.how === "drain") yield* drain.begin
      const startedAt = yield* Clock.currentTimeMillis
      const info = { config: CONFIG, ledger: LEDGER, startedAt, services: [] }
      const context = Context.add(
        yield* Effect.context<Exclude<Effect.Effect.Context<ReturnType<typeof Scrape.answer>>, DaemonInfo>>(),
        DaemonInfo,
        info
      )
      this.read = (told) => {
        const scraped = Effect.provide(Scrape.answer(), context)
        Runtime.runFork(runtime)(Effect.map(scraped, ({ body }) => told(body)))
      }
      yield* Daemon.run({
        services,
        once: false,
        config: CONFIG,
        ledger: LEDGER,
        ledgers: "/ledgers",
        control: Option.none(),
        up: Effect.void
      })
    }).pipe(Effect.provide(capabilities))
  }
}

/** How long the VM of a job is kept, in milliseconds. */
const KEPT_FOR = 5 * 60_000
/** A request for each job: the VM of every fourth is kept even if another job needs its place. */
const KEPT: Context.Tag.Service<typeof Holds> = {
  all: Effect.succeed([]),
  metBy: ({ job }) =>
    Effect.succeedSome({ kind: "next", named: "", at: 0, keepFor: KEPT_FOR, firm: Hash.string(job.key) % 4 === 0 }),
  add: () => Effect.void,
  forget: () => Effect.succeed(0)
}

/** Whether a daemon ended on request. */
export const wasTold = (exit: Exit.Exit<void, unknown>): boolean =>
  Exit.isSuccess(exit) || Cause.isInterruptedOnly(exit.cause)
