/**
 * The rules of who gets which job of one scope, as one pure function: `(state, command, now) -> (state, reply, wake)`.
 *
 * A host without a shared store runs it in memory. In Redis the same rules are Lua scripts (`redis/*.lua`), which are
 * tested against this function.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { Command, State } from "./protocol.ts"
import { announce } from "./rules/announce.ts"
import { claim, finish, idle, release, reserve, swap, waiting } from "./rules/claims.ts"
import { beat, hello, leave, restore } from "./rules/hosts.ts"
import { ingest, poll } from "./rules/looks.ts"
import { inspect, list, survey } from "./rules/questions.ts"
import { type Outcome, outcome } from "./rules/queue.ts"

export { heldBy, type Outcome } from "./rules/queue.ts"

/** Apply one command. Total: a command that does not fit the state leaves it as it is. */
export const reduce = (state: State, command: Command, now: number): Outcome => {
  const { host, life } = command
  if (command._tag === "Hello") return hello(state, command, now)
  const known = Option.getOrUndefined(HashMap.get(state.hosts, host))
  if (state.generation !== command.generation || known === undefined) return outcome(state, { _tag: "Stranger" })
  if (known.life !== life) return outcome(state, { _tag: "Taken", life: known.life, info: known.info })
  switch (command._tag) {
    case "Leave":
      return outcome(leave(state, host, command.services, now))
    case "Beat":
      return beat(state, host, command, now)
    case "Restore":
      return restore(state, host, command, now)
    case "Poll":
      return poll(state, host, command, now)
    case "Ingest":
      return ingest(state, host, command, now)
    case "Announce":
      return announce(state, command.jobs, now)
    case "Waiting":
      return waiting(state, host, now)
    case "Idle":
      return idle(state, host, command, now)
    case "Claim":
      return claim(state, host, command, now)
    case "Release":
      return release(state, host, command.claim, command.handBack, now)
    case "Finish":
      return finish(state, host, command.claim, now)
    case "Swap":
      return swap(state, host, command, now)
    case "Reserve":
      return reserve(state, host, command.job, command.lasting, now)
    case "Survey":
      return outcome(state, { _tag: "Survey", ...survey(state, command.from) })
    case "List":
      return outcome(state, { _tag: "Listed", ...list(state, command.from, now) })
    case "Inspect":
      return outcome(state, { _tag: "Record", ...inspect(state, command.job, now) })
  }
}
