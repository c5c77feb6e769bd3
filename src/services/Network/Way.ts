/** The way from this host to GitHub, settled: which requests take which proxy, and what of it VMs get. Loaded only where there is something to settle. */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type { Choice, Written } from "../../config/Network.ts"
import * as bypass from "../../network/bypass.ts"
import { nameOf, type Proxy, parse } from "../../network/Proxy.ts"

/** What a VM is to know of the network. */
export interface Guest {
  /** The whole address of its proxy, with credentials. */
  readonly proxy: Option.Option<Redacted.Redacted<string>>
  /** Whether a user and a password are in that. */
  readonly signsIn: boolean
  /** What is not to go through it, as in `NO_PROXY`. */
  readonly noProxy: string
  /** The PEM text of an authority to trust beside the usual ones. */
  readonly ca: Option.Option<string>
}

/** The way out, as it was settled at the start. */
export interface Way {
  /** The proxy for a request to this address; none: it goes there directly. */
  readonly proxyFor: (url: URL) => Option.Option<Proxy>
  /** Authorities to trust beside those that the runtime trusts, in PEM form; with none of them its own are as they are. */
  readonly authorities: ReadonlyArray<string>
  /** None where VMs are to find their way themselves. */
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

/** The way by the config and the variables; `noProxy` is the list of what goes past the proxy. */
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
