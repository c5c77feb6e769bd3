/** What this host recorded before it acted: claims, VMs and runners that exist, or may exist, because of us. */
import { Path } from "@effect/platform/Path"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { JobKey, JobRequest, VmName } from "../domain/Job.ts"
import * as Files from "../files/Files.ts"
import * as Journal from "./Journal.ts"

/** The job is ours from here on. */
export class Claimed extends Schema.TaggedClass<Claimed>()("Claimed", {
  job: JobRequest,
  service: Schema.String,
  epoch: Schema.Number,
  attempt: Schema.Number
}) {}

/** Why a VM stays although its job is over: somebody wants to look into it. Times are in milliseconds since the epoch. */
const Held = Schema.Struct({
  since: Schema.Number,
  until: Schema.Number,
  /** Whether it stays although another job needs its place. */
  firm: Schema.Boolean,
  /** Name of the job, and its address; empty where it has none. */
  name: Schema.String,
  url: Schema.String,
  /** How the job ended; empty if it has not run. */
  conclusion: Schema.String
})

/** A VM of this name is about to be cloned; or, with `held`, it is kept for inspection. Versions before that do not keep it. */
export class VmNamed extends Schema.TaggedClass<VmNamed>()("VmNamed", {
  vm: VmName,
  job: JobKey,
  service: Schema.String,
  held: Schema.optional(Held)
}) {}

/** Whether a VM is kept for inspection now. */
export const isHeld = ({ held }: Pick<VmNamed, "held">, now: number): boolean => held !== undefined && held.until > now

/** The VM is certainly deleted. */
export class VmGone extends Schema.TaggedClass<VmGone>()("VmGone", { vm: VmName }) {}

/** A runner of this name is about to be registered; `detail` is what its plugin needs to find and remove it. */
export class RunnerNamed extends Schema.TaggedClass<RunnerNamed>()("RunnerNamed", {
  runner: Schema.String,
  vm: VmName,
  job: JobKey,
  service: Schema.String,
  detail: Schema.Unknown
}) {}

/** The registered runner has this id, by which it will be removed. */
export class RunnerKnown extends Schema.TaggedClass<RunnerKnown>()("RunnerKnown", {
  runner: Schema.String,
  id: Schema.Number
}) {}

/** The runner's process is about to start in its VM: from here on a crash of the daemon does not end the job. */
export class RunnerStarted extends Schema.TaggedClass<RunnerStarted>()("RunnerStarted", { runner: Schema.String }) {}

/** The runner is certainly no longer registered. */
export class RunnerGone extends Schema.TaggedClass<RunnerGone>()("RunnerGone", { runner: Schema.String }) {}

/** The job is no longer ours: finished, or handed back. */
export class Closed extends Schema.TaggedClass<Closed>()("Closed", {
  job: JobKey,
  /** Which claim: another service of this host may have claimed the job since. Absent from older ledgers. */
  epoch: Schema.optional(Schema.Number)
}) {}

/** Our runner took another job than planned: that one is ours instead, with the VM and the runner. */
export class Swapped extends Schema.TaggedClass<Swapped>()("Swapped", { from: JobKey, claim: Claimed }) {}

/** One line of the ledger. */
export const Entry = Schema.Union(
  Claimed,
  VmNamed,
  VmGone,
  RunnerNamed,
  RunnerKnown,
  RunnerStarted,
  RunnerGone,
  Closed,
  Swapped
)
export type Entry = typeof Entry.Type

/** A runner that may be registered because of us. */
export interface LedgerRunner {
  readonly named: RunnerNamed
  readonly id: Option.Option<number>
  readonly started: boolean
}

/** The sum of all lines. */
export interface LedgerState {
  readonly claims: HashMap.HashMap<JobKey, Claimed>
  readonly vms: HashMap.HashMap<VmName, VmNamed>
  readonly runners: HashMap.HashMap<string, LedgerRunner>
}

/** A host that holds nothing. */
export const empty: LedgerState = { claims: HashMap.empty(), vms: HashMap.empty(), runners: HashMap.empty() }

/** Applies one line; lines about unknown items change nothing. */
export const apply = (state: LedgerState, entry: Entry): LedgerState => {
  switch (entry._tag) {
    case "Claimed":
      return { ...state, claims: HashMap.set(state.claims, entry.job.key, entry) }
    case "Closed": {
      const claim = HashMap.get(state.claims, entry.job)
      const isOther = Option.exists(claim, ({ epoch }) => entry.epoch !== undefined && entry.epoch !== epoch)
      return isOther ? state : { ...state, claims: HashMap.remove(state.claims, entry.job) }
    }
    case "Swapped": {
      const { from, claim } = entry
      const moves = (it: { readonly job: JobKey; readonly service: string }) =>
        it.job === from && it.service === claim.service
      const job = claim.job.key
      const left = HashMap.filter(state.claims, (it) => !moves({ job: it.job.key, service: it.service }))
      return {
        claims: HashMap.set(left, job, claim),
        vms: HashMap.map(state.vms, (vm) => (moves(vm) ? VmNamed.make({ ...vm, job }) : vm)),
        runners: HashMap.map(state.runners, (runner) =>
          moves(runner.named) ? { ...runner, named: RunnerNamed.make({ ...runner.named, job }) } : runner
        )
      }
    }
    case "VmNamed":
      return { ...state, vms: HashMap.set(state.vms, entry.vm, entry) }
    case "VmGone":
      return { ...state, vms: HashMap.remove(state.vms, entry.vm) }
    case "RunnerNamed":
      return {
        ...state,
        runners: HashMap.set(state.runners, entry.runner, { named: entry, id: Option.none(), started: false })
      }
    case "RunnerKnown":
      return {
        ...state,
        runners: HashMap.modify(state.runners, entry.runner, (runner) => ({ ...runner, id: Option.some(entry.id) }))
      }
    case "RunnerStarted":
      return {
        ...state,
        runners: HashMap.modify(state.runners, entry.runner, (runner) => ({ ...runner, started: true }))
      }
    case "RunnerGone":
      return { ...state, runners: HashMap.remove(state.runners, entry.runner) }
  }
}

/** The smallest set of lines that results in this state: what compaction keeps. */
export const entriesOf = (state: LedgerState): ReadonlyArray<Entry> => [
  ...HashMap.values(state.claims),
  ...HashMap.values(state.vms),
  ...Array.from(HashMap.values(state.runners)).flatMap(({ named, id, started }) => [
    named,
    ...Option.toArray(Option.map(id, (id) => RunnerKnown.make({ runner: named.runner, id }))),
    ...(started ? [RunnerStarted.make({ runner: named.runner })] : [])
  ])
]

/** The path of the ledger in a `state_dir`. */
export const pathOf = (stateDir: string) => Effect.map(Path, (paths) => paths.join(stateDir, "ledger.jsonl"))

/** The state in the ledger of another process; empty if there is none. */
export const peek = (path: string) =>
  Files.read(path).pipe(
    Effect.map((bytes) => {
      const { records, damaged, spoiled } = Journal.parse(
        Entry,
        Option.getOrElse(bytes, () => new Uint8Array())
      )
      return { state: records.reduce(apply, empty), damaged: damaged || spoiled }
    })
  )

/** Maximum number of lines before the file is compacted. */
const COMPACT_AFTER = 1000
/** Interval between attempts to catch up after the disk refused a line. */
const CATCH_UP_EVERY = "30 seconds"

/** The durable record of what this host holds. */
export class Ledger extends Context.Tag("anklet/Ledger")<
  Ledger,
  {
    /** What this host holds now. */
    readonly state: Effect.Effect<LedgerState>
    /** Records an intent durably, before acting on it. On failure, do not act. */
    readonly append: (...entries: ReadonlyArray<Entry>) => Effect.Effect<void, Journal.JournalError>
    /**
     * Records that something is gone. This takes effect in memory at once; if the disk refuses, that is logged at ERROR
     * and retried until it succeeds.
     */
    readonly settle: (entry: VmGone | RunnerGone | Closed) => Effect.Effect<void>
  }
>() {
  /** The ledger in one file. */
  static readonly layer = (path: string) =>
    Layer.scoped(
      Ledger,
      Effect.gen(function* () {
        const journal = yield* Journal.open({ path, schema: Entry })
        const state = yield* Ref.make(journal.replayed.reduce(apply, empty))
        if (journal.replayed.length > 0) yield* journal.compact(entriesOf(yield* Ref.get(state)))
        const lines = yield* Ref.make(0)
        const turn = yield* Effect.makeSemaphore(1)
        const behind = yield* Effect.makeLatch(false)

        const added = (entries: ReadonlyArray<Entry>) => Ref.update(state, (state) => entries.reduce(apply, state))
        const written = (entries: ReadonlyArray<Entry>) =>
          Effect.zipRight(
            journal.append(...entries),
            Ref.update(lines, (n) => n + entries.length)
          )
        // only what is in the state survives compaction, so the entries must have been applied first
        const shortened = Effect.gen(function* () {
          if ((yield* Ref.get(lines)) < COMPACT_AFTER) return
          yield* journal.compact(entriesOf(yield* Ref.get(state)))
          yield* Ref.set(lines, 0)
        }).pipe(Effect.catchAll((error) => Effect.logError(error.message)))

        // lines that the disk refused are made good by writing the whole current state
        const catchUp = Effect.flatMap(Ref.get(state), (state) => journal.compact(entriesOf(state))).pipe(
          Effect.zipRight(Effect.zipRight(behind.close, Ref.set(lines, 0))),
          turn.withPermits(1),
          Effect.retry(Schedule.spaced(CATCH_UP_EVERY)),
          Effect.delay(CATCH_UP_EVERY)
        )
        yield* Effect.forkScoped(Effect.forever(Effect.zipRight(behind.await, catchUp)))

        return Ledger.of({
          state: Ref.get(state),
          append: (...entries) =>
            written(entries).pipe(
              Effect.zipRight(added(entries)),
              Effect.zipLeft(shortened),
              turn.withPermits(1),
              Effect.uninterruptible
            ),
          settle: (entry) =>
            added([entry]).pipe(
              Effect.zipRight(written([entry])),
              Effect.catchAll((error) => Effect.zipRight(Effect.logError(error.message), behind.open)),
              Effect.zipLeft(shortened),
              turn.withPermits(1),
              Effect.uninterruptible
            )
        })
      })
    )
}
