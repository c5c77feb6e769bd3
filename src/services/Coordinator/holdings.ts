/**
 * What this host holds, and what it has still to say to the store: one pure state, whose changes are functions.
 *
 * The store is away at times, and its answers may come late. So an end that it did not hear is kept until it does, and
 * an answer that contradicts the state is believed only where nothing has changed since the question.
 */
import * as HashMap from "effect/HashMap"
import * as HashSet from "effect/HashSet"
import * as Option from "effect/Option"
import type { Scope } from "../../domain/Job.ts"
import type { JobClass } from "./order.ts"
import type { Claim, HandBack, Reply, Request } from "./protocol.ts"

/** A request that ends a claim. */
export type Ending = Extract<Request, { readonly _tag: "Release" | "Finish" }> & { readonly claim: Claim }

/** What a service saw when it last looked for a job: the scope, and the state of its queue. */
export interface Place {
  readonly scope: Scope
  readonly ready: number
}

/** Of the services of this host. */
export interface Holdings {
  /** The claim of each service. */
  readonly claims: HashMap.HashMap<string, Claim>
  /** Ends of claims that the store has not heard, oldest first; one for each service and job. */
  readonly unsaid: ReadonlyArray<Ending>
  /** Services that change their claim now: what the store answers about them may be outdated. */
  readonly changing: HashSet.HashSet<string>
  readonly places: HashMap.HashMap<string, Place>
  /** Classes of the last jobs, oldest first: they start without a pull. */
  readonly hot: ReadonlyArray<JobClass>
}

/** Maximum number of recently run job classes that a host reports as "hot". */
export const HOT = 32

/** The store granted a claim, but the reply was lost, so the host never ran the job. */
const UNHEARD: HandBack = { reason: "the host never heard that it had the job", after: 0, charged: false }

/** With these claims, and nothing unsaid. */
export const of = (claims: Iterable<Claim>): Holdings => ({
  claims: HashMap.fromIterable(Array.from(claims, (claim): readonly [string, Claim] => [claim.service, claim])),
  unsaid: [],
  changing: HashSet.empty(),
  places: HashMap.empty(),
  hot: []
})

/** The claim of a service. */
export const claimOf = ({ claims }: Holdings, service: string): Option.Option<Claim> => HashMap.get(claims, service)

/** The claims in a scope. */
export const claimsIn = ({ claims }: Holdings, scope: Scope): ReadonlyArray<Claim> =>
  Array.from(HashMap.values(claims)).filter(({ job }) => job.scope === scope)

/** A service begins to change its claim. */
export const begin = (holdings: Holdings, service: string): Holdings => ({
  ...holdings,
  changing: HashSet.add(holdings.changing, service)
})

/** It has ended to. */
export const end = (holdings: Holdings, service: string): Holdings => ({
  ...holdings,
  changing: HashSet.remove(holdings.changing, service)
})

/** A service has this claim now. */
export const hold = (holdings: Holdings, claim: Claim): Holdings => ({
  ...holdings,
  claims: HashMap.set(holdings.claims, claim.service, claim)
})

/** Jobs of this class start without a pull now. */
export const warm = (holdings: Holdings, jobClass: JobClass): Holdings => ({
  ...holdings,
  hot: [...holdings.hot.filter((it) => it !== jobClass), jobClass].slice(-HOT)
})

/** The job of a claim is no longer its service's. */
export const giveUp = (holdings: Holdings, { service, job }: Claim): Holdings =>
  Option.exists(claimOf(holdings, service), (held) => held.job.key === job.key)
    ? { ...holdings, claims: HashMap.remove(holdings.claims, service) }
    : holdings

const isOfOneClaim = (a: Ending, b: Ending): boolean =>
  a.claim.service === b.claim.service && a.claim.job.key === b.claim.job.key

/** The store did not hear an end. */
export const unheard = (holdings: Holdings, ending: Ending): Holdings => ({
  ...holdings,
  unsaid: [...holdings.unsaid.filter((it) => !isOfOneClaim(it, ending)), ending]
})

/** The store heard an end. One that took its place since is still to be said. */
export const said = (holdings: Holdings, ending: Ending): Holdings => ({
  ...holdings,
  unsaid: holdings.unsaid.filter((it) => it !== ending)
})

/** A service saw this when it looked for a job. */
export const saw = (holdings: Holdings, service: string, place: Place): Holdings => ({
  ...holdings,
  places: HashMap.set(holdings.places, service, place)
})

/** What the service last saw, which it thereby uses up. */
export const leavePlace = (holdings: Holdings, service: string): readonly [Option.Option<Place>, Holdings] => [
  HashMap.get(holdings.places, service),
  { ...holdings, places: HashMap.remove(holdings.places, service) }
]

/** What follows from the store's answer to a beat. */
export interface News {
  /** Claims that the store does not know, and that still hold: they have to be restored. */
  readonly unknown: ReadonlyArray<Claim>
  /** Claims that the store has given to another host, or considers done. */
  readonly lost: ReadonlyArray<Claim>
}

/** The store answered a beat in which these claims were listed. A claim that it granted, and whose reply was lost, goes back. */
export const heard = (
  holdings: Holdings,
  listed: ReadonlyArray<Claim>,
  { verdicts, unlisted }: Extract<Reply, { readonly _tag: "Heard" }>
): readonly [News, Holdings] => {
  // a claim that was given up since the question is rightly unknown
  const isStill = ({ service, epoch }: Claim) =>
    Option.exists(claimOf(holdings, service), (held) => held.epoch === epoch)
  const news: News = {
    unknown: listed.filter((claim, n) => verdicts[n] === "unknown" && isStill(claim)),
    lost: listed.filter((_, n) => verdicts[n] === "lost")
  }
  const after = unlisted.reduce((after, claim) => {
    const ending: Ending = { _tag: "Release", claim, handBack: UNHEARD }
    const isKnown =
      HashMap.has(after.claims, claim.service) ||
      HashSet.has(after.changing, claim.service) ||
      after.unsaid.some((it) => isOfOneClaim(it, ending))
    return isKnown ? after : unheard(after, ending)
  }, holdings)
  return [news, after]
}
