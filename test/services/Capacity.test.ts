import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { Template, VmName } from "../../src/domain/Job.ts"
import { type Resources, UNLIMITED } from "../../src/domain/Resources.ts"
import { AnkaError } from "../../src/services/Anka.ts"
import { Capacity, make } from "../../src/services/Capacity.ts"
import * as FakeAnka from "../fakes/Anka.ts"

const GIB = 2 ** 30
const vm = VmName.make("anklet-vm-00000000-0000-4000-8000-000000000001")
const other = VmName.make("anklet-vm-00000000-0000-4000-8000-000000000002")

const template = (id: string) => Template.make({ id, tag: Option.none() })
const wanting = (id: string) => ({ id, template: template(id) })
const SMALL = wanting("small")
const LARGE = wanting("large")

const put = (fake: FakeAnka.FakeAnka, name: string, status = "running") =>
  fake.vms.set(name, { uuid: name, name, status, tag: Option.none(), ip: Option.none() })

/** A Mac with a small and a large template. */
const mac = () => {
  const fake = FakeAnka.make()
  for (const [name, memory] of [
    ["small", 4 * GIB],
    ["large", 12 * GIB]
  ] as const) {
    fake.tags.set(name, ["v1"])
    fake.memory.set(name, memory)
  }
  return fake
}

/** The same with a VM of somebody else's, which has 8 GiB. */
const macWithTheirs = () => {
  const fake = mac()
  fake.vms.set("theirs", {
    ...{ uuid: "theirs", name: "theirs", status: "running", tag: Option.none(), ip: Option.none() },
    memory: 8 * GIB
  })
  return fake
}

/** A Mac whose memory keeps VMs from starting. */
const HARD: Resources = { ...UNLIMITED, vms: 2, memory: 16 * GIB }

const on = <A, E>(fake: FakeAnka.FakeAnka, test: Effect.Effect<A, E, Capacity | Scope.Scope>) =>
  test.pipe(Effect.scoped, Effect.provide(Layer.provide(Capacity.layer, FakeAnka.layer(fake))))

/** The same where memory is hard. */
const onHard = <A, E>(fake: FakeAnka.FakeAnka, test: Effect.Effect<A, E, Capacity | Scope.Scope>) =>
  test.pipe(
    Effect.scoped,
    Effect.provideServiceEffect(Capacity, make({ ...HARD, cores: 8 }, HARD)),
    Effect.provide(FakeAnka.layer(fake))
  )

/** Names of the jobs for which there is room, which stays reserved until the test ends. */
const reserved = (...jobs: ReadonlyArray<typeof SMALL>) =>
  Effect.flatMap(Capacity, ({ reserve }) => reserve(jobs)).pipe(
    Effect.map(Option.match({ onNone: () => [], onSome: ({ jobs }) => jobs.map(({ id }) => id) }))
  )

describe("room on this Mac", () => {
  it.effect("is there for two VMs, until one of them has gone", () =>
    on(
      mac(),
      Effect.gen(function* () {
        const first = yield* Scope.make()
        assert.deepStrictEqual(yield* Scope.extend(reserved(SMALL, LARGE), first), ["small", "large"])
        assert.deepStrictEqual(yield* reserved(LARGE), ["large"])
        assert.deepStrictEqual(yield* reserved(SMALL), [])
        yield* Scope.close(first, Exit.void)
        assert.deepStrictEqual(yield* reserved(SMALL), ["small"])
        assert.strictEqual((yield* Capacity).total.vms, 2)
      })
    )
  )

  it.effect("is taken by VMs of others that run, and by clones of ours that are about to", () =>
    Effect.forEach(
      [
        ["theirs", "running", 1],
        ["theirs", "stopped", 2],
        [vm, "stopped", 1]
      ] as const,
      ([name, status, free]) => {
        const fake = mac()
        put(fake, name, status)
        return on(
          fake,
          Effect.gen(function* () {
            yield* reserved(SMALL)
            assert.strictEqual((yield* reserved(SMALL)).length, free - 1, `${name} is ${status}`)
          })
        )
      }
    )
  )

  it.effect("in use is known without another list: ours at once, those of others as they were last listed", () => {
    const fake = mac()
    put(fake, "theirs", "running")
    return on(
      fake,
      Effect.gen(function* () {
        const { list, slots, own, leave, gone } = yield* Capacity
        const used = Effect.map(
          slots,
          Option.map(({ used, all }) => [used, all])
        )
        assert.deepStrictEqual(yield* used, Option.none())
        put(fake, vm, "stopped")
        yield* list
        assert.deepStrictEqual(yield* used, Option.some([2, 2]))
        const scope = yield* Scope.make()
        yield* Scope.extend(own(vm), scope)
        yield* Scope.extend(own(other), scope)
        // one was listed, the other was not: each is counted once
        assert.deepStrictEqual(yield* used, Option.some([3, 2]))
        yield* leave(other)
        yield* Scope.close(scope, Exit.void)
        assert.deepStrictEqual(yield* used, Option.some([2, 2]))
        yield* gone(other)
        assert.deepStrictEqual(yield* used, Option.some([1, 2]))
      })
    )
  })

  it.effect("is counted once for a VM that has a reservation, listed or not", () => {
    const fake = mac()
    return on(
      fake,
      Effect.gen(function* () {
        const { own, owned, present } = yield* Capacity
        yield* reserved(SMALL)
        const scope = yield* Scope.make()
        yield* Scope.extend(own(vm), scope)
        put(fake, vm)
        assert.deepStrictEqual([...(yield* owned)], [vm])
        assert.strictEqual(yield* present, 1)
        assert.deepStrictEqual(yield* reserved(SMALL), ["small"])
        yield* Scope.close(scope, Exit.void)
        assert.deepStrictEqual([...(yield* owned)], [])
      })
    )
  })

  it.effect("is taken by a job that is adopted, whether there is any or not", () => {
    const fake = mac()
    put(fake, "one")
    put(fake, "two")
    return on(
      fake,
      Effect.gen(function* () {
        yield* (yield* Capacity).occupy(SMALL.template)
        fake.vms.clear()
        assert.deepStrictEqual(yield* reserved(SMALL), ["small"])
        assert.deepStrictEqual(yield* reserved(SMALL), [])
      })
    )
  })

  it.effect("is not known while `anka list` fails", () => {
    const fake = mac()
    const failure = new AnkaError({ reason: "Failed", command: "anka list", detail: "?" })
    fake.instead.list = failure
    return on(
      fake,
      Effect.gen(function* () {
        const { shortage } = yield* Capacity
        assert.strictEqual(yield* Effect.flip(reserved(SMALL)), failure)
        assert.strictEqual(yield* Effect.flip(shortage(SMALL.template)), failure)
      })
    )
  })

  it.effect("needs no question about sizes: memory and cores are for the hypervisor to refuse", () => {
    const fake = mac()
    fake.memory.set("large", 2 ** 60)
    return on(
      fake,
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* reserved(LARGE), ["large"])
        assert.isTrue(Option.isNone(yield* (yield* Capacity).shortage(LARGE.template)))
        assert.deepStrictEqual([...new Set(fake.calls)], ["list"])
      })
    )
  })

  it.effect("is short, under the lock for clones, for as long as two VMs are present", () => {
    const fake = mac()
    put(fake, "one")
    return on(
      fake,
      Effect.gen(function* () {
        const { shortage } = yield* Capacity
        assert.deepStrictEqual(yield* shortage(SMALL.template), Option.none())
        put(fake, "two")
        assert.deepStrictEqual(yield* shortage(SMALL.template), Option.some("2 VMs are on this host already"))
      })
    )
  })
})

describe("room where memory is hard", () => {
  it.effect("is offered to the jobs that fit, in their order, and kept for the largest of them", () =>
    onHard(
      mac(),
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* reserved(SMALL, LARGE), ["small", "large"])
        assert.deepStrictEqual(yield* reserved(LARGE, SMALL), ["small"])
        assert.deepStrictEqual(yield* reserved(SMALL), [])
      })
    )
  )

  it.effect("is free again for others as soon as the job is known", () =>
    onHard(
      mac(),
      Effect.gen(function* () {
        const room = Option.getOrThrow(yield* (yield* Capacity).reserve([SMALL, LARGE]))
        assert.deepStrictEqual(yield* reserved(LARGE), [])
        yield* room.narrow(SMALL.template)
        assert.deepStrictEqual(yield* reserved(LARGE), ["large"])
      })
    )
  )

  it.effect("does not come back to life when its job is known after its end", () =>
    onHard(
      mac(),
      Effect.gen(function* () {
        const { narrow } = Option.getOrThrow(yield* Effect.scoped((yield* Capacity).reserve([LARGE])))
        yield* narrow(LARGE.template)
        assert.deepStrictEqual(yield* reserved(LARGE), ["large"])
      })
    )
  )

  it.effect("is taken by VMs of others, and short under the lock for clones", () => {
    const fake = macWithTheirs()
    return onHard(
      fake,
      Effect.gen(function* () {
        const { shortage } = yield* Capacity
        assert.deepStrictEqual(yield* reserved(LARGE, SMALL), ["small"])
        assert.deepStrictEqual(yield* shortage(SMALL.template), Option.none())
        assert.isTrue(Option.exists(yield* shortage(LARGE.template), (why) => why.includes("memory")))
      })
    )
  })

  it.effect("is there for a template whose size nobody tells: the hypervisor says whether it fits", () =>
    onHard(
      mac(),
      Effect.gen(function* () {
        yield* (yield* Capacity).occupy(LARGE.template)
        assert.deepStrictEqual(yield* reserved(LARGE, wanting("unheard of")), ["unheard of"])
      })
    )
  )
})

describe("a lack of memory", () => {
  it.effect("is told for a template that does not fit beside what runs, with all three amounts", () => {
    const fake = macWithTheirs()
    return onHard(
      fake,
      Effect.gen(function* () {
        const { lack } = yield* Capacity
        assert.deepStrictEqual(
          yield* lack(LARGE.template, ["theirs"]),
          Option.some({ wanted: 12 * GIB, taken: 8 * GIB, total: 16 * GIB })
        )
        assert.deepStrictEqual(yield* lack(LARGE.template, []), Option.none())
        assert.deepStrictEqual(yield* lack(SMALL.template, ["theirs"]), Option.none())
      })
    )
  })

  it.effect("is not told where `anka` does not say what the template needs", () =>
    onHard(
      mac(),
      Effect.gen(function* () {
        const { lack } = yield* Capacity
        assert.deepStrictEqual(yield* lack(template("unheard of"), []), Option.none())
      })
    )
  )
})
