/** Random commands that make sense in a state: most of them fit it, some are late, doubled, or from another life. */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import { JobKey, JobRequest, Scope, Template } from "../../../src/domain/Job.ts"
import { classOf } from "../../../src/services/Coordinator/order.ts"
import type { Claim, Command, Request, State } from "../../../src/services/Coordinator/protocol.ts"

export const SCOPE = Scope.make("github:o/r")

/** A generator of numbers below 1: the same seed, the same row (mulberry32). */
export const seeded = (seed: number) => {
  let state = seed >>> 0
  return (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** How many hosts there are, templates (an odd number, so that each comes with and without a tag), and jobs at a time. */
export interface Crowd {
  readonly hosts: number
  readonly templates: number
  readonly jobs: number
}
const FEW: Crowd = { hosts: 4, templates: 3, jobs: 13 }
const SERVICES = ["RUNNER1", "a service / of two words"]
const START = 1_790_000_000_000

/** Jobs by their number: template, age and priority follow from it. */
const jobsOf = (templates: number) => {
  const jobs = new Map<number, JobRequest>()
  return (n: number): JobRequest => {
    const job = jobs.get(n) ?? makeJob(n, templates)
    jobs.set(n, job)
    return job
  }
}

const makeJob = (n: number, templates: number): JobRequest =>
  JobRequest.make({
    key: JobKey.make(`github:o/r/${n}`),
    scope: SCOPE,
    name: n % 7 === 0 ? "größer" : `job ${n % 3}`,
    template: Template.make({ id: `t${n % templates}`, tag: n % 2 === 0 ? Option.some("v 1") : Option.none() }),
    createdAt: START + Math.floor(n / 4) * 1000,
    ...(n % 11 === 0 ? { priority: n % 10 } : {}),
    fields: { jobURL: `https://github.test/${n}` },
    detail: { owner: "o", repo: "r", id: n }
  })

/** Chooses a command for a state; also moves the clock, in most cases forward. */
export const make = (seed: number, { hosts, templates, jobs: many }: Crowd = FEW) => {
  const names = Array.from({ length: hosts }, (_, n) => `mac-${n + 1}`)
  const job = jobsOf(templates)
  const random = seeded(seed)
  const below = (n: number) => Math.floor(random() * n)
  const one = <A>(list: ReadonlyArray<A>): A | undefined => list[below(list.length)]
  const some = <A>(list: ReadonlyArray<A>, share: number) => list.filter(() => random() < share)
  let now = START + 1_000_000
  let newest = 0
  const past: Array<Claim> = []

  const claimOf = (state: State, host: string): Claim => {
    const mine = Array.from(HashMap.values(state.owned)).filter((it) => it.host === host)
    const {
      job: held,
      service,
      epoch,
      attempt
    } = one(mine) ??
      one(past) ?? {
        job: job(below(newest + 1)),
        service: "RUNNER1",
        epoch: now,
        attempt: 1
      }
    const claim = { job: held, service, epoch, attempt }
    past.push(claim)
    if (past.length > 50) past.shift()
    return random() < 0.05 ? { ...claim, epoch: epoch + below(3) - 1 } : claim
  }
  const classes = () =>
    some(
      Array.from({ length: 2 * templates }, (_, n) => classOf(job(n))),
      0.6
    )
  const lease = 60_000

  const request = (state: State, host: string): Request => {
    const service = one(SERVICES) ?? ""
    switch (below(18)) {
      case 0:
        return random() < 0.1 ? { _tag: "Leave", services: SERVICES } : { _tag: "Waiting" }
      case 1: {
        const claims = Array.from({ length: below(3) }, () => claimOf(state, host))
        return {
          _tag: "Beat",
          lease,
          status: random() < 0.3 ? `{"jobs": ${below(9)}}` : "",
          claims: claims.map(({ job, ...rest }) => ({ ...rest, job: job.key })),
          services: some(SERVICES, 0.5)
        }
      }
      case 2:
        return { _tag: "Restore", lease, claims: Array.from({ length: below(3) }, () => claimOf(state, host)) }
      case 3:
        return { _tag: "Poll", every: one([500, 1000, 10_000]) ?? 0, sooner: random() < 0.5 }
      case 4:
      case 5:
      case 6: {
        if (random() < 0.5) newest += below(many > FEW.jobs ? 20 : 4)
        const from = Math.max(0, newest - many + 1)
        const named = some(
          Array.from({ length: newest - from + 1 }, (_, n) => from + n),
          random()
        )
        return {
          _tag: "Ingest",
          fence: state.turn.fence - (random() < 0.03 ? 1 : 0),
          last: random() < 0.7,
          partial: random() < 0.2,
          jobs: named.map((n) => ({
            key: job(n).key,
            request: random() < 0.7 ? Option.some(job(n)) : Option.none()
          }))
        }
      }
      case 7:
        return { _tag: "Waiting" }
      case 17: {
        // most are about what is over, or about to come
        if (random() < 0.3) newest += below(3)
        const named = Array.from({ length: below(5) }, () => job(Math.max(0, newest - below(many))))
        return { _tag: "Announce", jobs: named }
      }
      case 8:
        return { _tag: "Idle", service, hot: classes(), ready: state.ready - (random() < 0.2 ? 1 : 0) }
      case 9:
      case 10:
        return { _tag: "Claim", service, classes: classes(), lease }
      case 11: {
        const after = one([0, 0, 30_000, 600_000, 100_000_000]) ?? 0
        return {
          _tag: "Release",
          claim: claimOf(state, host),
          handBack: { reason: "größer; as, expected", after, charged: random() < 0.5, inVain: random() < 0.2 }
        }
      }
      case 12:
        return { _tag: "Finish", claim: claimOf(state, host) }
      case 13:
        return { _tag: "Swap", claim: claimOf(state, host), taken: job(below(newest + 1)), lease }
      case 14:
        return random() < 0.5 ? { _tag: "Survey", from: below(3) } : { _tag: "List", from: below(4) }
      case 15:
        return { _tag: "Inspect", job: job(Math.max(0, newest - below(16))).key }
      default:
        return { _tag: "Reserve", job: job(Math.max(0, newest - below(many - 1))).key, lasting: 600_000 }
    }
  }

  return (state: State): { readonly command: Command; readonly now: number } => {
    // most steps are short; now and then hours pass, or the clock is set back
    const leap = random()
    now += leap < 0.9 ? below(3000) : leap < 0.98 ? below(90_000) : leap < 0.995 ? below(4 * 3_600_000) : -below(60_000)
    if (leap > 0.999) now += 50 * 3_600_000
    const polls = random() < 0.3
    const host = polls && state.turn.host !== "" ? state.turn.host : (one(names) ?? "")
    const known = Option.getOrUndefined(HashMap.get(state.hosts, host))
    const life = known === undefined || random() < 0.02 ? `life-${below(3)}` : known.life
    const terms = random() < 0.95 ? "repository" : "organisation"
    const hello: Command = {
      _tag: "Hello",
      host,
      life,
      info: `{"host": "${host}"}`,
      terms,
      lease,
      generation: `generation-${below(1_000_000)}`,
      knewGeneration: random() < 0.5,
      replaces: random() < 0.3 ? (known?.life ?? "") : ""
    }
    const command: Command =
      known === undefined || random() < 0.03
        ? hello
        : { ...request(state, host), host, life, generation: random() < 0.01 ? "another" : state.generation }
    return { command, now }
  }
}
