/** GitHub in a simulated world: the rules of the simulator's own GitHub, its runners, and its bad days. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import {
  GitHub,
  type GitHubClient,
  GitHubError,
  type Job,
  type Look,
  nameOf,
  type Watched
} from "../../src/services/GitHub.ts"
import { Refused, type Runner, type Job as ServerJob, World } from "../../src/simulator/github/world.ts"
import type { Chance, Kernel } from "./kernel.ts"
import { calm, type Guest, type Machine } from "./machine.ts"
import type { Network } from "./network.ts"

/** The current state of GitHub. */
export interface Health {
  /** It answers everything with 503. */
  isDown: boolean
  /** Probability that a request takes effect, but is answered with 502. */
  unsaid: number
  /** Probability that it denies the existence of a job, a run or a runner. */
  denying: number
  /** Requests before this are refused. */
  limitedUntil: number
  /** Age of the lists that it returns, in milliseconds. */
  stale: number
}

/** What the world observes. */
export interface Watcher {
  /** A host has asked for the list of jobs. */
  readonly listed: (host: string) => void
  readonly registered: (runner: Runner, host: string) => void
  readonly online: (runner: Runner) => void
  readonly removed: (runner: Runner, host: string) => void
  readonly started: (job: ServerJob, runner: Runner) => void
  readonly ended: (job: ServerJob) => void
  /** GitHub asks a runner to end its job, as Ctrl-C would. */
  readonly interrupted: (machine: Machine, vm: string, job: ServerJob) => void
  /** A host's own script or the runner runs at the wrong time. */
  readonly untimely: (detail: string) => void
  readonly trace: (who: string, what: string) => void
}

type Reply = Parameters<Guest["run"]>[2]

/** How long a host's own script runs, in milliseconds. */
const OWN = 10_000

/** A host's own scripts in one VM: each is begun once, and all who ask wait for the same end. */
const ownScripts = (kernel: Kernel, chance: Chance, machine: Machine) => {
  const begun = new Map<string, Array<Reply>>()
  const ended = new Map<string, string>()
  const run = (name: string, reply: Reply) => {
    const end = ended.get(name)
    if (end !== undefined) return reply(0, end)
    const waiting = begun.get(name)
    if (waiting !== undefined) return void waiting.push(reply)
    begun.set(name, [reply])
    // scripts go wrong where the rest does
    const isBad = machine.mood !== calm
    if (isBad && chance.happens(0.1)) return
    kernel.after(OWN, () => {
      ended.set(name, isBad && chance.happens(0.2) ? "exit 1\n" : "exit 0\n")
      for (const tell of begun.get(name) ?? []) tell(0, ended.get(name))
    })
  }
  return Object.assign(run, { ended })
}

export const FORGE = "github"
const WITHIN = Duration.seconds(30)

const toJob = (job: ServerJob): Job => ({
  id: job.id,
  owner: job.owner,
  repo: job.repo,
  runId: job.runId,
  runAttempt: job.attempt,
  name: job.name,
  workflowName: job.workflow,
  runName: "",
  headSha: "",
  url: `https://github.com/${job.owner}/${job.repo}/actions/runs/${job.runId}/job/${job.id}`,
  status: job.status,
  conclusion: Option.fromNullable(job.conclusion),
  labels: job.labels,
  runnerName: Option.fromNullable(job.runnerName),
  createdAt: job.createdAt
})

const toRunner = ({ id, name, status, job }: Runner) => ({ id, name, online: status === "online", busy: job !== null })

/** The one GitHub of a world. */
export class Forge {
  readonly world: World
  readonly health: Health = { isDown: false, unsaid: 0, denying: 0, limitedUntil: 0, stale: 0 }
  /** How long each job runs, in milliseconds. */
  readonly lasting = new Map<number, number>()
  requests = 0
  readonly kernel: Kernel
  readonly chance: Chance
  readonly network: Network
  readonly watcher: Watcher
  private lists: Array<{ readonly at: number; readonly jobs: ReadonlyArray<Job> }> = []

  constructor(kernel: Kernel, chance: Chance, network: Network, watcher: Watcher) {
    this.kernel = kernel
    this.chance = chance
    this.network = network
    this.watcher = watcher
    this.world = new World(() => kernel.now)
    const tick = () => {
      const before = new Map([...this.world.jobs].map(([id, { status }]) => [id, status]))
      this.world.tick()
      for (const job of this.world.jobs.values()) {
        if (job.status === "completed" && before.get(job.id) !== "completed") watcher.ended(job)
      }
      kernel.after(15_000, tick)
    }
    kernel.after(15_000, tick)
  }

  /** All jobs that are not completed; an old answer if lists lag. */
  private list({ owner, repo }: Watched): ReadonlyArray<Job> {
    const jobs = [...this.world.jobs.values()].filter((job) => this.world.isOpen(job)).map(toJob)
    if (this.health.stale === 0) this.lists = []
    else this.lists.push({ at: this.kernel.now, jobs })
    while (this.lists.length > 1 && (this.lists[0]?.at ?? 0) < this.kernel.now - this.health.stale) this.lists.shift()
    return (this.lists[0]?.jobs ?? jobs).filter(
      (job) => job.owner === owner && Option.getOrElse(repo, () => job.repo) === job.repo
    )
  }

  /** Tells a host of a job, as the job is at the moment of this call: `hear` may run later, never, or twice. */
  deliver(id: number): (host: string, hear: (job: Job) => void) => void {
    const job = toJob(this.world.job(id))
    return (host, hear) => this.network.send(FORGE, host, () => hear(job))
  }

  /** GitHub as seen by one run of one host's daemon. */
  clientFor(host: string, offset: () => number): GitHub["Type"] {
    const { kernel, network, world } = this
    const error = (reason: GitHubError["reason"], request: string, detail: string, until?: number) =>
      new GitHubError({ reason, request, detail, ...(until === undefined ? {} : { until }) })
    const refusal = (request: string, thrown: unknown) => {
      if (thrown instanceof GitHubError) return thrown
      if (!(thrown instanceof Refused)) throw thrown
      const reason = thrown.status === 404 ? "NotFound" : thrown.status === 409 ? "Conflict" : "Busy"
      return error(reason, request, thrown.message)
    }
    const ask = <A>(request: string, work: () => A): Effect.Effect<A, GitHubError> =>
      network
        .call(host, FORGE, request, () => {
          this.requests++
          if (this.health.isDown) throw error("Unavailable", request, "503")
          if (this.health.limitedUntil > kernel.now)
            throw error("RateLimited", request, "too many requests", this.health.limitedUntil + offset())
          const done = work()
          if (this.chance.happens(this.health.unsaid)) throw error("Unavailable", request, "502")
          return done
        })
        .pipe(
          Effect.mapError((thrown) => refusal(request, thrown)),
          Effect.timeoutFail({ duration: WITHIN, onTimeout: () => error("Unavailable", request, "no answer") })
        )
    const find = <A>(request: string, work: () => A) =>
      ask(request, () => {
        if (this.chance.happens(this.health.denying)) throw new Refused(404, "Not Found")
        return work()
      })
    let last: Look | undefined
    const client: GitHubClient = {
      look: (watched, maxAge) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) =>
          last !== undefined && now - last.at < Duration.toMillis(maxAge)
            ? Effect.succeed(last)
            : Effect.tap(
                Effect.map(
                  ask("GET runs", () => {
                    this.watcher.listed(host)
                    return this.list(watched)
                  }),
                  (jobs): Look => ({ jobs, at: now, isWhole: true, nothing: "" })
                ),
                (look) =>
                  Effect.sync(() => {
                    last = look
                  })
              )
        ),
      admitted: Effect.void,
      credential: ask("GET rate_limit", () => ({
        rate: Option.none(),
        ahead: Option.none(),
        may: { _tag: "Untold" as const }
      })),
      tryLook: () => ask("GET runs", () => ({ hidden: [], nothing: "", renamed: "", open: [] })),
      named: (watched) => Effect.succeed(watched),
      repository: (owner, repo) => Effect.succeed({ id: 7, owner, repo }),
      runners: (level) =>
        ask("GET runners", () =>
          [...world.runners.values()].filter(({ scope }) => scope === nameOf(level)).map(toRunner)
        ),
      job: (_owner, _repo, id) => find("GET job", () => toJob(world.job(id))),
      run: (_owner, _repo, id) =>
        find("GET run", () => {
          const run = world.runs.get(id)
          if (run === undefined) throw new Refused(404, "Not Found")
          const { status, conclusion } = world.statusOf(run)
          return { status, conclusion: Option.fromNullable(conclusion), attempt: run.attempt }
        }),
      createRunner: (level, { name, labels }) =>
        ask("POST runner", () => {
          const runner = world.register(nameOf(level), name, labels)
          this.watcher.registered(runner, host)
          return { runner: toRunner(runner), jitConfig: Redacted.make(runner.secret) }
        }),
      runner: (_level, id) =>
        find("GET runner", () => Option.map(Option.fromNullable(world.runners.get(id)), toRunner)).pipe(
          Effect.catchIf(
            ({ reason }) => reason === "NotFound",
            () => Effect.succeedNone
          )
        ),
      runnerByName: (level, name) =>
        ask("GET runners", () =>
          Option.map(
            Option.fromNullable(
              [...world.runners.values()].find((runner) => runner.scope === nameOf(level) && runner.name === name)
            ),
            toRunner
          )
        ),
      groups: () => ask("GET groups", () => [{ id: 1, name: "Default", admitsPublic: false }]),
      removeRunner: (level, id) =>
        ask("DELETE runner", () => {
          const runner = world.runners.get(id)
          world.remove(nameOf(level), id)
          if (runner !== undefined) this.watcher.removed(runner, host)
        }).pipe(
          Effect.catchIf(
            ({ reason }) => reason === "NotFound",
            () => Effect.void
          )
        ),
      tell: () => Effect.succeed(false)
    }
    return GitHub.of({ limits: Effect.succeed([]), client: () => Effect.succeed(client) })
  }

  /** What runs in a VM: the three scripts, a runner that talks to this GitHub, and the host's own scripts around it, if it has any. */
  guestOf(machine: Machine, vm: string, hasScripts: boolean): Guest {
    const { kernel, chance, world, watcher } = this
    const own = ownScripts(kernel, chance, machine)
    let secret = ""
    let state: "none" | "started" | "ended" = "none"
    let code = 0
    let isOn = true
    let job: ServerJob | undefined
    let interrupted = false
    const waiting: Array<() => void> = []
    const reachable = () => !this.health.isDown && !this.network.isCut(machine.name, FORGE)
    const later = (ms: number, act: () => void) =>
      void kernel.after(ms, () => {
        if (isOn && state === "started") act()
      })
    const exit = (with_: number) => {
      state = "ended"
      code = with_
      job = undefined
      watcher.trace(machine.name, `runner in ${vm} ends with ${with_}`)
      for (const tell of waiting.splice(0)) tell()
    }
    const report = (taken: ServerJob, conclusion: string) => {
      if (!reachable()) return later(5_000, () => report(taken, conclusion))
      const before = taken.status
      if (world.jobs.has(taken.id)) world.complete(taken.id, conclusion)
      if (before !== "completed") watcher.ended(taken)
      exit(0)
    }
    const work = (taken: ServerJob, runner: Runner, until: number) => {
      if (taken.status === "completed") return exit(1)
      if (interrupted) return later(3_000, () => report(taken, "cancelled"))
      if (reachable()) {
        runner.seenAt = kernel.now
        if (taken.cancelled) return report(taken, "cancelled")
      }
      if (kernel.now >= until) return report(taken, "success")
      later(Math.min(20_000, until - kernel.now), () => work(taken, runner, until))
    }
    const listen = (runner: Runner) => {
      if (interrupted) return exit(0)
      if (!reachable()) return later(5_000, () => listen(runner))
      if (!world.runners.has(runner.id)) return exit(1)
      const taken = (runner.job === null ? undefined : world.jobs.get(runner.job)) ?? world.assign(runner)
      if (taken === undefined) return later(chance.between(1_000, 4_000), () => listen(runner))
      job = taken
      watcher.started(taken, runner)
      work(taken, runner, kernel.now + (this.lasting.get(taken.id) ?? 60_000))
    }
    const connect = () => {
      if (interrupted) return exit(0)
      if (!reachable()) return later(5_000, connect)
      const runner = world.runnerOf(secret)
      if (runner === undefined) return exit(1)
      if (runner.mode === "never-connects") return later(10_000, connect)
      runner.status = "online"
      watcher.online(runner)
      listen(runner)
    }
    return {
      isBusy: () => job?.status === "in_progress",
      end: () => {
        if (!isOn) return
        isOn = false
        const runner = world.runnerOf(secret)
        if (runner !== undefined) runner.status = "offline"
      },
      run: (command, stdin, reply) => {
        if (command === "bash -s prepare.bash") {
          if (state !== "none") watcher.untimely(`prepare.bash runs in ${vm} when its runner has started`)
          return own("prepare", reply)
        }
        if (command === "bash -s after.bash") {
          if (state === "none" || job?.status === "in_progress")
            watcher.untimely(`after.bash runs in ${vm} before its job is over`)
          return own("after", reply)
        }
        if (command.includes("register-runner.bash")) {
          secret = stdin.trim()
          return reply(0)
        }
        if (command.includes("start-runner.bash")) {
          if (hasScripts && !own.ended.has("prepare"))
            watcher.untimely(`the runner starts in ${vm} before prepare.bash has ended`)
          if (state === "none") {
            state = "started"
            later(chance.between(500, 4_000), connect)
          }
          return reply(0)
        }
        if (command.includes("kill -INT")) {
          interrupted = true
          if (job?.status === "in_progress" && !job.cancelled) watcher.interrupted(machine, vm, job)
          return reply(0)
        }
        if (command.includes("for i in {1..")) return reply(state === "none" ? 1 : 0)
        if (command.includes("runner.exit")) {
          if (state === "ended") return reply(0, String(code))
          return void waiting.push(() => reply(0, String(code)))
        }
        if (command.includes("runner.log")) {
          return reply(0, job === undefined ? "" : `2026-01-01 00:00:00Z: Running job: ${job.name}\n`)
        }
        reply(0)
      }
    }
  }
}
