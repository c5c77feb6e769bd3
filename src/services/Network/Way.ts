/**
 * How this host reaches GitHub, settled: which requests use which proxy, and what VMs get of it. Loaded only if there
 * is something to settle.
 */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type { Choice, Written } from "../../config/Network.ts"
import * as bypass from "../../network/bypass.ts"
import { nameOf, type Proxy, parse } from "../../network/Proxy.ts"

/** What a VM must know about the network. */
export interface Guest {
  /** The whole address of its proxy, with credentials. */
  readonly proxy: Option.Option<Redacted.Redacted<string>>
  /** Whether that contains a user and a password. */
  readonly signsIn: boolean
  /** What must not go through the proxy, as in `NO_PROXY`. */
  readonly noProxy: string
  /** The PEM text of an authority to trust besides the usual ones. */
  readonly ca: Option.Option<string>
}

/** How this host reaches the network, as settled at the start. */
export interface Way {
  /** The proxy for a request to this address; none: the request is direct. */
  readonly proxyFor: (url: URL) => Option.Option<Proxy>
  /**
   * Authorities to trust in addition to those that the runtime trusts, in PEM form; if empty, the runtime's own list is
   * unchanged.
   */
  readonly authorities: ReadonlyArray<string>
  /** None if VMs get no network settings. */
  readonly guest: Option.Option<Guest>
}

/** What is wrong with a variable or key. */
export interface Wrong {
  readonly where: string
  readonly detail: string
}

/** A variable that is set. */
interface Variable {
  readonly name: string
  readonly value: string
}

/** The variables that name a proxy for requests to `http:` and `https:` addresses. */
export interface Variables {
  readonly http: Option.Option<Variable>
  readonly https: Option.Option<Variable>
}

const ofVariable = (variable: Option.Option<Variable>): Either.Either<Option.Option<Proxy>, Wrong> =>
  Option.match(variable, {
    onNone: () => Either.right(Option.none()),
    onSome: ({ name, value }) => {
      const proxy = parse(value, name)
      return typeof proxy === "string"
        ? Either.left({
            where: `environment variable ${name}`,
            detail: `${proxy}; or write \`proxy: none\` into the config to use no proxy`
          })
        : Either.right(Option.some(proxy))
    }
  })

/** The proxy that VMs get. */
const ofGuests = (choice: Choice, own: Option.Option<Proxy>): Either.Either<Option.Option<Proxy>, Wrong> => {
  if (choice === false) return Either.right(Option.none())
  const proxy = choice === true ? Option.getOrUndefined(own) : choice
  const wrong = (detail: string) => Either.left({ where: "`vm_proxy` in the config", detail })
  if (proxy === undefined) {
    return wrong("there is no proxy to give to VMs: set `proxy` or HTTPS_PROXY, or write the address of one here")
  }
  return bypass.isLoopback(proxy.host)
    ? wrong(`in a VM ${nameOf(proxy)} is the VM itself: write the address by which VMs reach this Mac or the proxy`)
    : Either.right(Option.some(proxy))
}

/** Settles the way from the config and the variables; `noProxy` lists what bypasses the proxy. */
export const settled = (
  written: Written,
  variables: Variables,
  noProxy: string
): Either.Either<Omit<Way, "authorities">, Wrong> =>
  Either.gen(function* () {
    const chosen = Option.filter(written.proxy, (choice): choice is Proxy => typeof choice !== "boolean")
    const secure = Option.isSome(chosen) ? chosen : yield* ofVariable(variables.https)
    const plain = Option.isSome(chosen) ? chosen : yield* ofVariable(variables.http)
    const isPast = bypass.make(noProxy)
    const forGuests = yield* ofGuests(written.vm_proxy, secure)
    const guest: Guest = {
      proxy: Option.map(forGuests, ({ href }) => href),
      signsIn: Option.exists(forGuests, ({ authorization }) => Option.isSome(authorization)),
      noProxy,
      ca: written.vm_ca ? written.ca : Option.none()
    }
    if (written.vm_ca && Option.isNone(written.ca)) {
      return yield* Either.left({ where: "`vm_ca` in the config", detail: "there is no `ca` to give to VMs" })
    }
    return {
      proxyFor: (url: URL) => (isPast(url) ? Option.none() : url.protocol === "https:" ? secure : plain),
      guest: Option.isSome(guest.proxy) || Option.isSome(guest.ca) ? Option.some(guest) : Option.none()
    }
  })
