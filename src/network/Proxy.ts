/** The address of a proxy, as a variable or a config gives it, parsed. */
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Secrets from "../secrets/Secrets.ts"

/** An HTTP proxy. */
export interface Proxy {
  /** Whether the connection to the proxy itself is TLS. */
  readonly isSecure: boolean
  /** Name or IP address; IPv6 without brackets. */
  readonly host: string
  readonly port: number
  /** Value of the header `proxy-authorization`. */
  readonly authorization: Option.Option<Redacted.Redacted<string>>
  /** The whole address, credentials included. */
  readonly href: Redacted.Redacted<string>
  /** Where it was set, for people: a variable, or a key of the config. */
  readonly from: string
}

/** The name of a proxy for people, never with its credentials. */
export const nameOf = ({ host, port }: Pick<Proxy, "host" | "port">): string =>
  `${host.includes(":") ? `[${host}]` : host}:${port}`

/** Its address as it may be shown, with `hidden` in place of the credentials. */
export const shown = (proxy: Proxy, hidden: string): string =>
  `${proxy.isSecure ? "https" : "http"}://${Option.isSome(proxy.authorization) ? `${hidden}@` : ""}${nameOf(proxy)}`

const NO_ADDRESS = "expected the address of an HTTP proxy, like http://proxy.example.com:3128"
const NO_ESCAPE =
  "in user and password write %25 for a percent sign, %40 for @, %3A for a colon, %2F for a slash, %23 for #"

const decoded = Option.liftThrowable(({ username, password }: URL) => [
  decodeURIComponent(username),
  decodeURIComponent(password)
])

/** Parses a proxy's address, or says what is wrong with it without quoting it, because it may hold a password. */
export const parse = (text: string, from: string): Proxy | string => {
  const address = text.trim()
  Secrets.keepIn(address)
  const [, scheme] = address.match(/^([a-z][a-z0-9+.-]*):\/\//i) ?? []
  if (scheme !== undefined && !/^https?$/i.test(scheme)) {
    return /^socks/i.test(scheme) ? `SOCKS proxies are not supported: ${NO_ADDRESS}` : NO_ADDRESS
  }
  const whole = scheme === undefined ? `http://${address}` : address
  if (/\s/.test(address) || !URL.canParse(whole)) return `${NO_ADDRESS}; ${NO_ESCAPE}`
  const url = new URL(whole)
  if (url.search !== "" || url.hash !== "" || url.hostname === "") return `${NO_ADDRESS}; ${NO_ESCAPE}`
  if (url.pathname !== "/") return `a proxy's address ends with its port: ${NO_ADDRESS}`
  const signIn = Option.getOrUndefined(decoded(url))
  if (signIn === undefined) return NO_ESCAPE
  const isSecure = url.protocol === "https:"
  return {
    isSecure,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port || (isSecure ? 443 : 80)),
    authorization: signIn.every((part) => part === "")
      ? Option.none()
      : Option.some(Redacted.make(`Basic ${Buffer.from(signIn.join(":")).toString("base64")}`)),
    href: Redacted.make(url.href.replace(/\/$/, "")),
    from
  }
}
