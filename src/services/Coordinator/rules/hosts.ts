/** Hosts come, stay, restore what they hold, and leave. */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import { type Hello, type HostId, type Request, RULES, type State, type Verdict } from "../protocol.ts"
import { compare, disown, heldBy, idOf, type Outcome, outcome, own, ownedOf, same, unidle } from "./queue.ts"

/** A host says who it is: refused if another life of it is alive, or if the other hosts agree on other terms. */
export const hello = (
  state: State,
  command: Hello & { readonly host: HostId; readonly life: string },
  now: number
): Outcome => {
  const { host, life, info, terms } = command
  const known = Option.getOrUndefined(HashMap.get(state.hosts, host))
  if (known !== undefined && known.life !== life && known.life !== command.replaces && known.until > now) {
    return outcome(state, { _tag: "Taken", life: known.life, info: known.info })
  }
  const others = Array.from(HashMap.entries(state.hosts)).filter(([id, { until }]) => id !== host && until > now)
  if (state.terms.value !== terms && others.length > 0) {
    const said = Option.getOrUndefined(HashMap.get(state.hosts, state.terms.host))
    return outcome(state, { _tag: "Mixed", terms: state.terms.value, info: said?.info ?? "" })
  }
  const isNew = state.generation === ""
  const absent = Array.from(HashMap.entries(state.hosts))
    .filter(([, { until }]) => until < now - RULES.absent)
    .sort(([a, x], [b, y]) => x.until - y.until || compare(a, b))
    .slice(0, RULES.absentees)
  const hosts = absent.reduce((hosts, [id]) => HashMap.remove(hosts, id), state.hosts)
  return outcome(
    {
      ...state,
      generation: isNew ? command.generation : state.generation,
      claimsFrozenUntil: isNew && command.knewGeneration ? now + RULES.frozen : state.claimsFrozenUntil,
      terms: state.terms.value === terms ? state.terms : { value: terms, host },
      hosts: HashMap.set(hosts, host, { life, info, status: "", until: now + command.lease })
    },
    { _tag: "Welcome", generation: isNew ? command.generation : state.generation }
  )
}

/** A host leaves, with its reservation and its turn. Its claims stay until their leases end. */
export const leave = (state: State, host: HostId, services: ReadonlyArray<string>, now: number): State => ({
  ...services.reduce((state, service) => unidle(state, idOf({ host, service })), state),
  hosts: HashMap.remove(state.hosts, host),
  reserved: HashMap.remove(state.reserved, host),
  turn: state.turn.host === host ? { ...state.turn, until: Math.min(state.turn.until, now) } : state.turn
})

/** A host says that it is alive, which extends the leases of its claims. */
export const beat = (
  state: State,
  host: HostId,
  command: Request & { readonly _tag: "Beat" },
  now: number
): Outcome => {
  let after: State = {
    ...state,
    hosts: HashMap.modify(state.hosts, host, (it) => ({
      ...it,
      status: command.status === "" ? it.status : command.status,
      until: now + command.lease
    }))
  }
  const verdicts = command.claims.map(({ job, service, epoch }): Verdict => {
    const owned = ownedOf(after, job)
    if (owned === undefined) return HashMap.has(after.done, job) ? "lost" : "unknown"
    if (!same(owned, { host, service })) return "lost"
    if (owned.epoch !== epoch) return "unknown"
    after = { ...after, owned: HashMap.set(after.owned, job, { ...owned, until: now + command.lease }) }
    return "kept"
  })
  const unlisted = command.services.flatMap((service) =>
    Option.toArray(heldBy(after, { host, service })).filter(
      ({ job }) => !command.claims.some((it) => it.job === job.key)
    )
  )
  return outcome(after, {
    _tag: "Heard",
    verdicts,
    unlisted: unlisted.map(({ job, service, epoch, attempt }) => ({ job, service, epoch, attempt }))
  })
}

/** A host says what it holds to a store that does not know it. */
export const restore = (
  state: State,
  host: HostId,
  command: Request & { readonly _tag: "Restore" },
  now: number
): Outcome => {
  let after = state
  const verdicts = command.claims.map((claim): Verdict => {
    const seat = { host, service: claim.service }
    const owned = ownedOf(after, claim.job.key)
    if (HashMap.has(after.done, claim.job.key)) return "lost"
    if (owned !== undefined && !same(owned, seat) && owned.epoch >= claim.epoch) return "lost"
    const other = heldBy(after, seat)
    if (Option.isSome(other) && other.value.job.key !== claim.job.key) after = disown(after, other.value.job.key)
    after = own(after, host, claim, now + command.lease)
    return "kept"
  })
  return outcome(after, { _tag: "Verdicts", verdicts })
}
