/**
 * What `anka` does to a host, by the rules that its users have found out: pure, from a state and a call to a state and a
 * result. Three play by them: the simulated command (`main.ts`) on files and processes, the machines of the simulated world
 * in virtual time, and the fake of the unit tests in memory. A command that is added here is known to all of them.
 */
import type { Call } from "./argv.ts"
import { config, license, list, show, version } from "./rules/questions.ts"
import { listRegistries, listTemplates, pull, showTemplate } from "./rules/registry.ts"
import { done, type Env, Failure, failure, type Rule, type State, type Step } from "./rules/step.ts"
import { clone, copy, remove, run, start, stop } from "./rules/vms.ts"

/** Commands by their words. */
const RULES: Readonly<Record<string, Rule>> = {
  version,
  config,
  list,
  show,
  pull,
  clone,
  start,
  stop,
  suspend: stop,
  delete: remove,
  run,
  cp: copy,
  "license show": license,
  "registry pull": pull,
  "registry list": listTemplates,
  "registry show": showTemplate,
  "registry list-repos": listRegistries
}

const safely = (state: State, step: () => Step): Step => {
  try {
    const next = step()
    return next._tag === "Later" ? { ...next, next: (state, env) => safely(state, () => next.next(state, env)) } : next
  } catch (error) {
    if (error instanceof Failure) return done(state, failure(error))
    throw error
  }
}

/** The first step of a call. */
export const begin = (state: State, call: Call, env: Env): Step =>
  safely(state, () => {
    const rule = RULES[call.words.join(" ")] ?? RULES[call.words[0] ?? ""]
    if (rule === undefined) throw new Failure(64, `unknown command: ${call.words.join(" ")}`)
    return rule(state, call, env)
  })
