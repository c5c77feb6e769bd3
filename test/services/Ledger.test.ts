import { mkdtempSync, readFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { FileSystem } from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import { assert, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { JobKey, JobRequest, Scope, Template, VmName } from "../../src/domain/Job.ts"
import { Lstat } from "../../src/files/Lstat.ts"
import * as Journal from "../../src/services/Journal.ts"
import {
  apply,
  Claimed,
  Closed,
  Entry,
  empty,
  entriesOf,
  Ledger,
  RunnerNamed,
  RunnerStarted,
  Swapped,
  VmGone,
  VmNamed
} from "../../src/services/Ledger.ts"
import { NodeContext } from "../fakes/platform.ts"
import { Disk } from "../simulation/disk.ts"
import { Chance, Kernel, Life } from "../simulation/kernel.ts"

const entries = FastCheck.array(Arbitrary.make(Entry), { maxLength: 40 })

it("compacted entries add up to the same state as all of them", () => {
  FastCheck.assert(
    FastCheck.property(entries, (entries) => {
      const state = entries.reduce(apply, empty)
      assert.deepStrictEqual(entriesOf(entriesOf(state).reduce(apply, empty)), entriesOf(state))
      assert.isAtMost(entriesOf(state).length, entries.length)
    })
  )
})

it.live("thousands of lines later, the file adds up to what is owed, and is short", () => {
  const path = join(mkdtempSync(join(tmpdir(), "anklet-ledger-")), "ledger.jsonl")
  const vm = (n: number) => VmName.make(`anklet-vm-00000000-0000-4000-8000-${String(n).padStart(12, "0")}`)
  return Effect.gen(function* () {
    const ledger = yield* Ledger
    for (let n = 0; n < 1200; n++) {
      yield* ledger.append(VmNamed.make({ vm: vm(n), job: Entry.members[1].fields.job.make(`job ${n}`), service: "s" }))
      // at whichever line the file is compacted, it contains the newest intent
      const text = readFileSync(path)
      if (n > 480 && n < 520)
        assert.include(
          Journal.parse(Entry, text)
            .records.flatMap((entry) => (entry._tag === "VmNamed" ? [entry.vm] : []))
            .at(-1),
          vm(n)
        )
      if (n % 3 !== 0) yield* ledger.settle(VmGone.make({ vm: vm(n) }))
    }
    const { records } = Journal.parse(Entry, readFileSync(path))
    assert.deepStrictEqual(
      entriesOf(records.reduce(apply, empty)).length,
      Array.from({ length: 1200 }, (_, n) => n).filter((n) => n % 3 === 0).length
    )
    assert.deepStrictEqual(new Set(entriesOf(records.reduce(apply, empty))).size, 400)
    assert.isBelow(records.length, 1900)
  }).pipe(Effect.provide(Ledger.layer(path).pipe(Layer.provide(NodeContext))), Effect.scoped)
})

it("a swap takes VM and runner along, so that a crash after it finds them with the job that runs in them", () => {
  const request = (n: number) =>
    JobRequest.make({
      key: JobKey.make(`github:o/r/${n}`),
      scope: Scope.make("github:o/r"),
      name: "job",
      template: Template.make({ id: "t", tag: Option.none() }),
      createdAt: 0,
      fields: {},
      detail: {}
    })
  const claimed = (n: number, service: string) => Claimed.make({ job: request(n), service, epoch: n, attempt: 1 })
  const vm = (n: number) => VmName.make(`anklet-vm-00000000-0000-4000-8000-00000000000${n}`)
  const entries = ["RUNNER1", "RUNNER2"].flatMap((service, n) => [
    claimed(n, service),
    VmNamed.make({ vm: vm(n), job: request(n).key, service }),
    RunnerNamed.make({ runner: `runner ${n}`, vm: vm(n), job: request(n).key, service, detail: {} }),
    RunnerStarted.make({ runner: `runner ${n}` })
  ])
  const swapped = Swapped.make({ from: request(0).key, claim: claimed(7, "RUNNER1") })
  const { claims, vms, runners } = [...entries, swapped].reduce(apply, empty)
  assert.sameMembers([...HashMap.keys(claims)], [request(1).key, request(7).key])
  assert.sameMembers(
    Array.from(HashMap.values(vms), ({ vm, job }) => `${vm} ${job}`),
    [`${vm(0)} ${request(7).key}`, `${vm(1)} ${request(1).key}`]
  )
  assert.sameMembers(
    Array.from(HashMap.values(runners), ({ named, started }) => `${named.runner} ${named.job} ${started}`),
    [`runner 0 ${request(7).key} true`, `runner 1 ${request(1).key} true`]
  )
})

it("the end of one service's claim leaves the claim of another service on the same job alone", () => {
  const job = JobRequest.make({
    key: JobKey.make("github:o/r/1"),
    scope: Scope.make("github:o/r"),
    name: "job",
    template: Template.make({ id: "t", tag: Option.none() }),
    createdAt: 0,
    fields: {},
    detail: {}
  })
  const claimed = (service: string, epoch: number) => Claimed.make({ job, service, epoch, attempt: 1 })
  const closed = (epoch?: number) => Closed.make({ job: job.key, ...(epoch === undefined ? {} : { epoch }) })
  const holders = (...entries: ReadonlyArray<Entry>) =>
    Array.from(HashMap.values(entries.reduce(apply, empty).claims), ({ service }) => service)
  assert.deepStrictEqual(holders(claimed("RUNNER1", 1), claimed("RUNNER2", 2), closed(1)), ["RUNNER2"])
  assert.deepStrictEqual(holders(claimed("RUNNER1", 1), claimed("RUNNER2", 2), closed(2)), [])
  // a line of an older version names only the job
  assert.deepStrictEqual(holders(claimed("RUNNER1", 1), closed()), [])
})

it.scoped("what a full disk refused is written down as soon as there is room", () => {
  const kernel = new Kernel()
  const disk = new Disk("host", kernel, new Chance(1))
  const life = new Life(kernel, () => 0)
  const vm = VmName.make("anklet-vm-00000000-0000-4000-8000-000000000001")
  const path = "/state/ledger.jsonl"
  const owed = () => entriesOf(Journal.parse(Entry, disk.read(path) ?? new Uint8Array()).records.reduce(apply, empty))
  /** The disk's own time passes while the effect waits for it. */
  const soon = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.flatMap(Effect.fork(effect), (fiber) =>
      Effect.zipRight(
        Effect.repeatN(
          Effect.zipRight(
            Effect.yieldNow(),
            Effect.sync(() => kernel.run(kernel.now + 100))
          ),
          50
        ),
        Fiber.join(fiber)
      )
    )
  return Effect.gen(function* () {
    const ledger = yield* soon(Effect.map(Layer.build(Ledger.layer(path)), Context.get(Ledger)))
    yield* soon(ledger.append(VmNamed.make({ vm, job: JobKey.make("job"), service: "s" })))
    disk.isFull = true
    yield* soon(ledger.settle(VmGone.make({ vm })))
    yield* soon(TestClock.adjust("5 minutes"))
    assert.strictEqual(owed().length, 1)
    disk.isFull = false
    yield* soon(TestClock.adjust("1 minute"))
    assert.deepStrictEqual(owed(), [])
  }).pipe(
    Effect.provide(Layer.merge(Layer.succeed(FileSystem, disk.layerFor(life)), Path.layer)),
    Effect.provideService(Lstat, (path) => disk.lstat(path))
  )
})
