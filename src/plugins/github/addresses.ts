/** What the addresses in a service's config tell others by themselves. Pure. */
import * as Option from "effect/Option"
import { HIDDEN } from "../../config/Setting.ts"
import * as Finding from "../../domain/Finding.ts"
import { isLoopback } from "../../network/bypass.ts"
import type { GitHubConfig } from "./config.ts"

export const KINDS = {
  "api-plain": {
    level: "warning",
    why: "The token goes through the network as it is, and who is on the way can answer in GitHub's place.",
    remedy: "write `api_url` with https://"
  },
  "runner-url-secret": {
    level: "note",
    why: "The address is handed to a script in each VM, where every job can read it.",
    remedy: "keep the runner's archive where no password is asked for: its SHA-256 is checked"
  }
} as const satisfies Finding.Kinds

export const REGISTRY_KINDS = {
  "registry-plain": {
    level: "note",
    why: "Who is on the way can put another template in place of the one that is pulled, and see what is pulled.",
    remedy: "use a network that you trust, or write `registry_url` with https://"
  },
  "registry-secret": {
    level: "warning",
    why: "The address is an argument of `anka`: every user of this Mac can read it in the list of processes.",
    remedy: "sign in with `anka registry add`, and write the registry's name as `registry_url`"
  }
} as const satisfies Finding.Kinds

const found = Finding.about("github", KINDS)
const ofRegistry = Finding.about("registry", REGISTRY_KINDS)

/** None for a registry that is called by the name that Anka has for it. */
const parsed = (text: string) => (URL.canParse(text) ? Option.some(new URL(text)) : Option.none())

/** A password, or a part of an address that may be one. */
const holdsSecret = ({ username, password, search }: URL) => username !== "" || password !== "" || search !== ""

/** A text without the users, passwords and parameters of the addresses in it. */
export const withoutUsers = (text: string): string =>
  text.replaceAll(/(?<=:\/\/)[^\s/]*@/g, `${HIDDEN}@`).replaceAll(/(?<=:\/\/[^\s?]*\?)[^\s"'`]+/g, HIDDEN)

/** Over the network, without TLS. */
const isPlain = ({ protocol, hostname }: URL) => protocol === "http:" && !isLoopback(hostname)

/** Findings about `api_url`, `registry_url` and `runner_url`; of an address that may hold a secret, they quote only the origin. */
export const judged = ({ api_url, registry_url, runner_url }: GitHubConfig): ReadonlyArray<Finding.Finding> => {
  const api = parsed(api_url)
  const registry = Option.flatMap(registry_url, parsed)
  const runner = parsed(runner_url)
  const inIt = "has a user, a password or parameters in it"
  return [
    ...Option.toArray(Option.filter(api, isPlain)).map(({ origin }) =>
      found("api-plain", `\`api_url\` ${origin} is reached without TLS`)
    ),
    ...Option.toArray(Option.filter(registry, isPlain)).map(({ origin }) =>
      ofRegistry("registry-plain", `\`registry_url\` ${origin} is reached without TLS`)
    ),
    ...Option.toArray(Option.filter(registry, holdsSecret)).map(({ origin }) =>
      ofRegistry("registry-secret", `\`registry_url\` ${origin} ${inIt}`)
    ),
    ...Option.toArray(Option.filter(runner, holdsSecret)).map(({ origin }) =>
      found("runner-url-secret", `\`runner_url\` ${origin} ${inIt}`)
    )
  ]
}
