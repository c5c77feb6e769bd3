/** The first thing that is said of a host: whether it accepts jobs, and what prevents it. Pure. */

import * as Schema from "effect/Schema"
import { anklet } from "../text/Advice.ts"
import { type HostSeen, ofHost, troubles } from "./Blocked.ts"

/**
 * One sentence, and what it means: `accepting` and `full` need nobody, `partly` means that some services fail, and
 * `blocked` that no job is accepted although nobody paused the host.
 */
export const Headline = Schema.Struct({
  state: Schema.Literal("accepting", "full", "partly", "paused", "draining", "blocked"),
  text: Schema.String
})
export type Headline = typeof Headline.Type

const ofMode = ({ mode, pauses }: HostSeen): Headline | undefined => {
  if (mode === "open") return undefined
  if (mode === "draining")
    return { state: mode, text: "not accepting jobs: draining, and exits when its jobs have ended" }
  // a daemon of an older version does not say what pauses it
  const until = pauses.map(({ ends }) => `"${ends}"`).join(" and ") || `"${anklet("resume")}"`
  return {
    state: mode,
    text: `not accepting jobs: paused${pauses.map(({ by }) => ` by ${by}`).join(" and")}, until ${until}`
  }
}

/** The services that fail beside others that do not. */
const partly = ({ services }: HostSeen): Headline | undefined => {
  const failing = services.flatMap(({ name, doing }) => (doing._tag === "Failing" ? [{ name, why: doing.why }] : []))
  const [first] = failing
  if (first === undefined) return undefined
  const names = failing.map(({ name }) => name).join(" and ")
  return { state: "partly", text: `accepting jobs, but not with ${names}: ${first.why}` }
}

/** What is said of this host. */
export const of = (host: HostSeen): Headline => {
  const mode = ofMode(host)
  if (mode !== undefined) return mode
  const [trouble] = troubles(host)
  if (trouble !== undefined) return { state: "blocked", text: `not accepting jobs: ${trouble.what}` }
  const some = partly(host)
  if (some !== undefined) return some
  const [block] = ofHost(host)
  return block === undefined
    ? { state: "accepting", text: "accepting jobs" }
    : { state: "full", text: `accepting jobs, and full: ${block.what}` }
}
