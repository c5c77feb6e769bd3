import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import { JobKey, JobRequest, Scope, Template } from "../../../src/Job.ts"
import {
  type Claim,
  type Command,
  classes,
  classOf,
  heldBy,
  initial,
  reduce,
  type State
} from "../../../src/services/Coordinator/reducer.ts"

const scope = Scope.make("github:o/r")
const job = (n: number, template = "t") =>
  JobRequest.make({
    key: JobKey.make(`github:o/r/${n}`),
    scope,
    name: `job ${n}`,
    template: Template.make({ id: template, tag: Option.none() }),
    createdAt: n,
    fields: {},
    detail: null
  })
const ALL = [classOf(job(0)), classOf(job(0, "other"))]

/** Apply commands one after the other, a second apart. */
const following = (...commands: ReadonlyArray<(state: State) => Command>) => {
  let state = initial
  let now = 1_000_000
  let claim = Option.none<Claim>()
  for (const command of commands) {
    const outcome = reduce(state, command(state), now)
    state = outcome.state
    claim = outcome.claim
    now += 1000
  }
  return { state, claim, now }
}
const ingest =
  (at: number, ...jobs: ReadonlyArray<JobRequest>) =>
  (): Command => ({ _tag: "Ingest", scope, at, jobs })
const claims = (service: string) => (): Command => ({ _tag: "Claim", scope, service, classes: ALL })
const held = (state: State, service: string) => Option.getOrThrow(heldBy(state, service))
const release =
  (service: string, until = 0, charged = false) =>
  (state: State): Command => ({
    _tag: "Release",
    claim: held(state, service),
    handBack: { reason: "test", until, charged }
  })
const finish =
  (service: string) =>
  (state: State): Command => ({ _tag: "Finish", claim: held(state, service) })
const got = ({ claim }: { readonly claim: Option.Option<Claim> }) =>
  Option.getOrUndefined(Option.map(claim, ({ job }) => job.createdAt))

describe("the rules of claiming", () => {
  it("give the oldest job first, and each job to one service", () => {
    assert.strictEqual(got(following(ingest(1, job(2), job(1)), claims("A"))), 1)
    assert.strictEqual(got(following(ingest(1, job(2), job(1)), claims("A"), claims("B"))), 2)
    assert.strictEqual(got(following(ingest(1, job(1)), claims("A"), claims("B"))), undefined)
  })

  it("give a service that asks again the job it has", () => {
    assert.strictEqual(got(following(ingest(1, job(1), job(2)), claims("A"), claims("A"))), 1)
  })

  it("give only what the host offered to run", () => {
    const only = (): Command => ({ _tag: "Claim", scope, service: "A", classes: [classOf(job(0, "other"))] })
    assert.strictEqual(got(following(ingest(1, job(1), job(2, "other")), only)), 2)
  })

  it("keep a handed-back job in its old place, but not before its time", () => {
    assert.strictEqual(got(following(ingest(1, job(1), job(2)), claims("A"), release("A"), claims("B"))), 1)
    assert.strictEqual(got(following(ingest(1, job(1), job(2)), claims("A"), release("A", 2_000_000), claims("B"))), 2)
  })

  it("count attempts that are charged, and no others", () => {
    const again = (charged: boolean) => following(ingest(1, job(1)), claims("A"), release("A", 0, charged), claims("A"))
    assert.strictEqual(Option.getOrThrow(again(true).claim).attempt, 2)
    assert.strictEqual(Option.getOrThrow(again(false).claim).attempt, 1)
  })

  it("do not run a finished job again because of a stale answer, but do if it stays queued", () => {
    const done = [ingest(1, job(1)), claims("A"), finish("A")] as const
    assert.strictEqual(got(following(...done, ingest(1_010_000, job(1)), claims("A"))), undefined)
    assert.strictEqual(got(following(...done, ingest(1_200_000, job(1)), claims("A"))), 1)
  })

  it("forget a job that two looks did not name, and count a look once", () => {
    assert.strictEqual(got(following(ingest(1, job(1)), ingest(2), claims("A"))), 1)
    assert.strictEqual(got(following(ingest(1, job(1)), ingest(2), ingest(2), claims("A"))), 1)
    assert.strictEqual(got(following(ingest(1, job(1)), ingest(2), ingest(3), claims("A"))), undefined)
  })

  it("go on when the clock is set back: later looks count, and no hand-back lasts for ever", () => {
    const { state } = following(ingest(1_000_000, job(1)), claims("A"), release("A", 1_060_000))
    const hoursAgo = 1_000_000 - 26 * 3_600_000
    const looked = reduce(state, ingest(hoursAgo, job(1), job(2))(), hoursAgo).state
    assert.strictEqual(classes(looked, scope, hoursAgo).length, 1)
    assert.strictEqual(Option.getOrThrow(reduce(looked, claims("A")(), hoursAgo).claim).job.createdAt, 1)
  })

  it("swap a planned job for the one that our runner took", () => {
    const swap = (state: State): Command => ({ _tag: "Swap", claim: held(state, "A"), taken: job(2) })
    const { state, claim } = following(ingest(1, job(1), job(2)), claims("A"), swap)
    assert.strictEqual(got({ claim }), 2)
    assert.deepStrictEqual(
      classes(state, scope, 2_000_000).map(({ createdAt }) => createdAt),
      [1]
    )
  })

  it("ignore whoever comes late: an old claim changes nothing", () => {
    const { state, now } = following(ingest(1, job(1)), claims("A"))
    const old = held(state, "A")
    const later = reduce(
      reduce(state, { _tag: "Release", claim: old, handBack: { reason: "", until: 0, charged: false } }, now).state,
      claims("B")(),
      now
    )
    for (const command of [
      { _tag: "Finish", claim: old },
      { _tag: "Swap", claim: old, taken: job(2) }
    ] satisfies ReadonlyArray<Command>) {
      assert.strictEqual(reduce(later.state, command, now).state, later.state)
    }
  })

  it("hold for any sequence of commands: one owner for each job, one job for each service, epochs that rise", () => {
    const any = FastCheck.array(
      FastCheck.tuple(
        FastCheck.integer({ min: 0, max: 5 }),
        FastCheck.integer({ min: 1, max: 4 }),
        FastCheck.constantFrom("A", "B", "C")
      ),
      { maxLength: 60 }
    )
    FastCheck.assert(
      FastCheck.property(any, (steps) => {
        let state = initial
        let now = 1_000_000
        let epoch = 0
        for (const [kind, n, service] of steps) {
          const claim = heldBy(state, service)
          const command: Command | undefined =
            kind === 0
              ? ingest(now, job(n), job(n + 1))()
              : kind === 1
                ? claims(service)()
                : Option.isNone(claim)
                  ? undefined
                  : kind === 2
                    ? finish(service)(state)
                    : kind === 3
                      ? release(service, now + n * 1000, n % 2 === 0)(state)
                      : kind === 4
                        ? { _tag: "Swap", claim: claim.value, taken: job(n) }
                        : { _tag: "Restore", claims: [claim.value] }
          if (command !== undefined) {
            const outcome = reduce(state, command, now)
            if (command._tag === "Claim" && Option.isSome(outcome.claim) && Option.isNone(claim)) {
              assert.isAbove(outcome.claim.value.epoch, epoch)
              epoch = outcome.claim.value.epoch
            }
            state = outcome.state
          }
          now += 500
          const owners = [...HashMap.values(state.claims)].map(({ service }) => service)
          assert.strictEqual(new Set(owners).size, owners.length)
          for (const key of HashMap.keys(state.claims)) assert.isFalse(HashMap.has(state.queued, key))
        }
      })
    )
  })
})
