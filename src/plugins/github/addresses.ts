/** What the addresses in a service's config tell others by themselves. Pure. */
import * as Option from "effect/Option"
import { holdsSecret, isPlain, parsed } from "../../config/Address.ts"
import * as Finding from "../../domain/Finding.ts"
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

const found = Finding.about("github", KINDS)

/** Findings about `api_url` and `runner_url`; of an address that may hold a secret, they quote only the origin. */
export const judged = ({ api_url, runner_url }: GitHubConfig): ReadonlyArray<Finding.Finding> => {
  const api = parsed(api_url)
  const runner = parsed(runner_url)
  return [
    ...Option.toArray(Option.filter(api, isPlain)).map(({ origin }) =>
      found("api-plain", `\`api_url\` ${origin} is reached without TLS`)
    ),
    ...Option.toArray(Option.filter(runner, holdsSecret)).map(({ origin }) =>
      found("runner-url-secret", `\`runner_url\` ${origin} has a user, a password or parameters in it`)
    )
  ]
}
