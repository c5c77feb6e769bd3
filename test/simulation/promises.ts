/** What must be true at every moment of a simulated history; `docs/reliability.md` lists these promises. */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import { JobKey, type Scope } from "../../src/domain/Job.ts"
import { type Command, RULES, type State } from "../../src/services/Coordinator/protocol.ts"
import type { Outcome } from "../../src/services/Coordinator/rules.ts"
import type { Job, Runner, World } from "../../src/simulator/github/world.ts"
import type { Machine, SimulatedVm } from "./machine.ts"

/** Maximum time until a host knows of a request to leave, in milliseconds. */
const HEARD = 1000

/** A promise, by its short name. */
export type Promise_ = "S1" | "S2" | "S3" | "S4" | "S5" | "S6" | "S7" | "S8" | "S9" | "L1" | "L2" | "L3" | "L4" | "L5"

/** A broken promise. */
export class Violation extends Error {
  readonly promise: Promise_
  readonly at: number
  constructor(promise: Promise_, at: number, detail: string) {
    super(`${promise}: ${detail}`)
    this.promise = promise
    this.at = at
  }
}

export const keyOf = (job: Job): JobKey => JobKey.make(`github:${job.id}`)

/** Whether a runner was made for this job, judged by its labels. */
const isMadeFor = (job: Job, { labels, scope }: Runner): boolean =>
  scope === `${job.owner}/${job.repo}` &&
  job.labels.length === labels.length &&
  job.labels.some((label) => label.startsWith("unique-id:")) &&
  job.labels.every((label) => labels.includes(label))

/** Whether a host that caused a failure must not get the job again yet. */
const isExcluded = (state: State, job: JobKey, host: string, now: number): boolean =>
  Option.exists(HashMap.get(state.queued, job), ({ excluded }) =>
    excluded.some((it) => it.host === host && !it.soft && it.until > now && it.until - now <= RULES.exclude)
  )

/** What a store knows of a job of which a host tells it. */
export type Known = "nothing" | "queued" | "owned" | "over"

const knownOf = ({ done, owned, queued }: State, job: JobKey): Known => {
  if (HashMap.has(owned, job)) return "owned"
  if (HashMap.has(done, job)) return "over"
  return HashMap.has(queued, job) ? "queued" : "nothing"
}

/** Watches a world; throws `Violation` at the moment a promise is broken. */
export class Promises {
  /** The highest epoch of each job, and which host got it. */
  private readonly epochs = new Map<string, { readonly epoch: number; readonly seat: string }>()
  private wasSetBack = false
  private readonly ran = new Map<number, string>()
  private readonly registrants = new Map<number, string>()
  readonly world: () => World
  readonly now: () => number
  claims = 0
  readonly announced: Record<Known, number> = { nothing: 0, queued: 0, owned: 0, over: 0 }

  constructor(world: () => World, now: () => number) {
    this.world = world
    this.now = now
  }

  private broken(promise: Promise_, detail: string): never {
    throw new Violation(promise, this.now(), detail)
  }

  /** The store has executed a command. */
  applied(scope: Scope, command: Command, before: State, { state, reply }: Outcome, now: number): void {
    if (state !== before) this.checkStore(scope, state)
    if (command._tag === "Release" || command._tag === "Finish") {
      const { claim } = command
      const other = Option.getOrUndefined(HashMap.get(before.owned, claim.job.key))
      const isTheirs =
        other !== undefined &&
        (other.host !== command.host || other.service !== claim.service || other.epoch !== claim.epoch)
      if (isTheirs && HashMap.size(state.owned) < HashMap.size(before.owned)) {
        this.broken("S7", `${command._tag} of ${claim.job.key} by ${command.host}, which does not own it, took effect`)
      }
      const isOwn = other !== undefined && !isTheirs
      if (command._tag === "Release" && isOwn && command.handBack.charged && command.handBack.after > 0) {
        if (!isExcluded(state, claim.job.key, command.host, now)) {
          this.broken("S8", `nobody knows that ${command.host} handed ${claim.job.key} back for a while`)
        }
      }
    }
    if (command._tag === "Announce") {
      for (const { key } of command.jobs) {
        const known = knownOf(before, key)
        this.announced[known]++
        const expected = known === "nothing" ? "queued" : known
        // a host that the store does not know yet has to say it again
        if (reply._tag === "Done" && knownOf(state, key) !== expected)
          this.broken("S7", `${key} is ${knownOf(state, key)} after ${command.host} announced it, and was ${known}`)
      }
      if (state.owned !== before.owned || HashMap.size(state.queued) < HashMap.size(before.queued))
        this.broken("S7", `${command.host} took a job away by announcing others`)
    }
    if (command._tag === "Swap") {
      const { claim, taken } = command
      const held = Option.getOrUndefined(HashMap.get(before.owned, claim.job.key))
      const isTheirs =
        held === undefined || held.host !== command.host || held.service !== claim.service || held.epoch !== claim.epoch
      const other = Option.getOrUndefined(HashMap.get(before.owned, taken.key))
      const isHeld = other !== undefined && other.until > now
      if ((isTheirs || isHeld) && state.owned !== before.owned) {
        this.broken("S7", `Swap of ${claim.job.key} for ${taken.key} by ${command.host} took effect`)
      }
    }
    if (command._tag === "Restore") {
      for (const { job, service, epoch } of command.claims) {
        const other = Option.getOrUndefined(HashMap.get(before.owned, job.key))
        if (other === undefined || (other.host === command.host && other.service === service)) continue
        const after = Option.getOrUndefined(HashMap.get(state.owned, job.key))
        if (epoch <= other.epoch && (after?.host !== other.host || after.epoch !== other.epoch)) {
          this.broken("S7", `${command.host} restored ${job.key}, which ${other.host} claimed later`)
        }
      }
    }
    if ((command._tag === "Claim" || command._tag === "Swap") && reply._tag === "Claimed") {
      if (reply.claim._tag === "None") return
      const { job, epoch, service } = reply.claim.value
      const seat = `${command.host}/${service}`
      const last = this.epochs.get(job.key)
      if (last !== undefined && last.epoch === epoch && last.seat === seat) return
      if (last !== undefined && epoch <= last.epoch) {
        this.broken("S2", `${job.key} has epoch ${epoch} after ${last.epoch}`)
      }
      this.epochs.set(job.key, { epoch, seat })
      this.claims++
      if (command._tag === "Claim" && isExcluded(before, job.key, command.host, now)) {
        this.broken("S8", `${command.host} claims ${job.key}, which it handed back for a while`)
      }
    }
  }

  /** The store's clock was set back: epochs, which come from it, start again. */
  setBack(): void {
    this.wasSetBack = true
    this.epochs.clear()
  }

  /** The store lost writes. If its clock was set back before, they start again only now: until then it knew the highest. */
  forgot(): void {
    if (this.wasSetBack) this.epochs.clear()
  }

  private checkStore(scope: Scope, state: State): void {
    const seats = new Set<string>()
    for (const { host, service, job } of HashMap.values(state.owned)) {
      const seat = `${host}/${service}`
      if (seats.has(seat)) this.broken("S1", `${seat} owns two jobs of ${scope}`)
      seats.add(seat)
      if (HashMap.has(state.queued, job.key)) this.broken("S1", `${job.key} is owned and queued`)
    }
  }

  /**
   * Idle runners for one job: at most one, as long as none has the job. A runner is made for a job if it has the job's
   * labels, where those are unique.
   */
  registered(runner: Runner, host: string): void {
    this.registrants.set(runner.id, host)
    for (const job of this.world().jobs.values()) {
      if (job.status !== "queued" || !isMadeFor(job, runner)) continue
      for (const other of this.world().runners.values()) {
        if (other.id === runner.id || other.job !== null || other.doneAt !== null || !isMadeFor(job, other)) continue
        this.broken("S3", `${other.name} and ${runner.name} both wait for ${keyOf(job)}`)
      }
    }
  }

  /** The host that registered a runner. */
  registrantOf({ id }: Runner): string | undefined {
    return this.registrants.get(id)
  }

  /** A runner is removed by the daemon that registered it, or by the one that has its job now. */
  removed(runner: Runner, host: string, owner: (job: JobKey) => string | undefined): void {
    const registrant = this.registrants.get(runner.id)
    if (registrant === undefined || registrant === host) return
    for (const job of this.world().jobs.values()) {
      if (job.status === "queued" && isMadeFor(job, runner) && owner(keyOf(job)) === registrant) {
        this.broken("S5", `${host} removes runner ${runner.name} of ${registrant}, which has the job`)
      }
    }
  }

  started(job: Job, runner: Runner): void {
    const before = this.ran.get(job.id)
    if (before !== undefined && before !== runner.name)
      this.broken("S4", `${keyOf(job)} runs on ${before} and ${runner.name}`)
    this.ran.set(job.id, runner.name)
  }

  /** A VM in which a job is running ends. */
  vmEnds(machine: Machine, vm: SimulatedVm, why: string, mayEnd: boolean): void {
    if (why !== "anka stop" && why !== "anka delete") return
    if (vm.guest.isBusy() && !mayEnd)
      this.broken("S5", `${machine.name} ends VM ${vm.name} in which a job runs (${why})`)
  }

  /** GitHub asks a runner to end the job that it runs. */
  interrupted(machine: Machine, vm: string, job: Job, mayEnd: boolean): void {
    if (!mayEnd) this.broken("S5", `${machine.name} interrupts ${keyOf(job)}, which runs in ${vm}`)
  }

  /** A VM is made only after it was recorded, and never after its record was closed. */
  cloned(machine: Machine, vm: string, isKnown: boolean): void {
    if (!isKnown) this.broken("S6", `VM ${vm} is made on ${machine.name}, whose ledger does not know it`)
  }

  /** A host asks for a job this many milliseconds after a request to leave. */
  asked(host: string, since: number): void {
    if (since > HEARD) this.broken("L4", `${host} asks for a job ${since} ms after it was told to leave`)
  }

  /** A daemon that leaves on request, with nothing wrong around it, leaves nothing behind. */
  ended(host: string, left: ReadonlyArray<string>): void {
    if (left.length > 0) this.broken("L4", `${host} was stopped and left ${left.join(", ")}`)
  }

  vmsChanged(machine: Machine): void {
    const running = machine.running()
    if (running > 2) this.broken("S6", `${machine.name} runs ${running} VMs`)
    if (machine.pulls() > 1) this.broken("S6", `${machine.name} pulls twice at once`)
  }
}
