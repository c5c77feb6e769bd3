/**
 * Which requests bypass the proxy: the list in `NO_PROXY`, read as curl (curl.se/docs/manpage.html, --noproxy) and Go
 * (pkg.go.dev/golang.org/x/net/http/httpproxy) read it. Where they differ, the reading that uses the proxy less.
 */
import { BlockList, isIP } from "node:net"

/** The destination of a request: a name, or an IP address without brackets, in lower case. */
interface Target {
  readonly host: string
  readonly port: number
}

type Matches = (target: Target) => boolean

const familyOf = (host: string) => (isIP(host) === 6 ? "ipv6" : "ipv4")

/** A network such as `10.0.0.0/8`, or a single address. */
const network = (address: string, prefix: number): Matches => {
  const list = new BlockList()
  list.addSubnet(address, prefix, familyOf(address))
  return ({ host }) => isIP(host) !== 0 && list.check(host, familyOf(host))
}

const NEVER: Matches = () => false

/** A name matches itself and all names below it, whether or not a dot or `*.` precedes it. */
const named = (written: string): Matches => {
  const name = written.replace(/^\*?\.?/, "").replace(/\.$/, "")
  return name === "" ? NEVER : ({ host }) => isIP(host) === 0 && (host === name || host.endsWith(`.${name}`))
}

const WRITTEN = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/

const entry = (text: string): Matches => {
  if (text === "*") return () => true
  const [, range = "", prefix] = text.match(/^\[?([\d.a-f:]+?)\]?\/(\d{1,3})$/) ?? []
  if (prefix !== undefined) {
    const most = isIP(range) === 6 ? 128 : 32
    return isIP(range) === 0 || Number(prefix) > most ? NEVER : network(range, Number(prefix))
  }
  const [, inBrackets, plain, port] = text.match(WRITTEN) ?? []
  const host = inBrackets ?? plain ?? text
  const bits = isIP(host) === 6 ? 128 : 32
  const matches = isIP(host) === 0 ? named(host) : network(host, bits)
  return port === undefined ? matches : (target) => target.port === Number(port) && matches(target)
}

/** This host itself: no proxy could reach it, whatever the list contains. */
const LOOPBACK: ReadonlyArray<Matches> = [named("localhost"), network("127.0.0.0", 8), network("::1", 128)]

/** Whether a name or an address refers to this host itself. */
export const isLoopback = (host: string): boolean => {
  const target = {
    host: host
      .toLowerCase()
      .replace(/^\[|\]$/g, "")
      .replace(/\.$/, ""),
    port: 0
  }
  return LOOPBACK.some((matches) => matches(target))
}

/** Returns whether a request to an address bypasses the proxy, given a list separated by commas or spaces. */
export const make = (list: string): ((url: URL) => boolean) => {
  const entries = [
    ...LOOPBACK,
    ...list
      .toLowerCase()
      .split(/[\s,]+/)
      .filter((text) => text !== "")
      .map(entry)
  ]
  return (url) => {
    const host = url.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "")
    const port = Number(url.port || (url.protocol === "https:" ? 443 : 80))
    return entries.some((matches) => matches({ host, port }))
  }
}
