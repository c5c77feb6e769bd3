/** Which keys of a service of the plugin go together. Pure. */
import * as Predicate from "effect/Predicate"
import type { Rule } from "../../config/Config.ts"
import { RUNNER_VERSION } from "./config.ts"

type Keys = Readonly<Record<string, unknown>>
type Mistakes = ReturnType<Rule>

const isWritten = (keys: Keys) => (key: string) => keys[key] !== undefined && keys[key] !== null

/** The parts of an App without which it is none. */
const APP = ["app_id", "private_key"]

/** What the service signs in with. */
const signIn = (written: Keys): Mistakes => {
  const has = isWritten(written)
  const issues: Array<Mistakes[number]> = []
  if (!has("token") && !APP.every(has)) {
    issues.push({ path: ["token"], message: "a token, or a GitHub App with app_id and private_key, is needed" })
  }
  if (has("token") && [...APP, "installation_id"].some(has)) {
    issues.push({ path: ["token"], message: "give either a token or a GitHub App, not both" })
  }
  return issues
}

/** Where runners are registered. */
const level = (written: Keys): Mistakes => {
  const has = isWritten(written)
  const { registration } = written
  const issues: Array<Mistakes[number]> = []
  if (registration === "repo" && !has("repo")) {
    issues.push({ path: ["repo"], message: "registration: repo needs the repository's name" })
  }
  if (registration === "enterprise" && !has("enterprise")) {
    issues.push({ path: ["enterprise"], message: "registration: enterprise needs the enterprise's name" })
  }
  if (has("enterprise") && has("registration") && registration !== "enterprise") {
    issues.push({
      path: ["registration"],
      message: "with `enterprise`, runners are registered there: leave `registration` out"
    })
  }
  if (has("enterprise") && APP.some(has)) {
    issues.push({
      path: ["enterprise"],
      message:
        "GitHub lets no App register runners at an enterprise: give a classic token with `repo` and `manage_runners:enterprise`"
    })
  }
  return issues
}

const textOf = (value: unknown): string => (typeof value === "string" ? value.toLowerCase() : "")

/** Whether jobs of the one are jobs of the other: they are equal, or the one is a repository of the other. */
const overlaps = (one: Keys, other: Keys): boolean => {
  const [a, b] = [textOf(one.repo), textOf(other.repo)]
  return textOf(one.owner) !== "" && textOf(one.owner) === textOf(other.owner) && (a === "" || b === "" || a === b)
}

/** Keys that say what a service of one scope watches. */
const ALONE = ["owner", "repo", "enterprise"]

/** What the service watches: one scope by its own keys, or those of `watch`. */
const watching = (written: Keys): Mistakes => {
  const has = isWritten(written)
  if (!has("watch")) {
    return has("owner")
      ? level(written)
      : [
          { path: ["owner"], message: "is missing: the `owner` whose jobs to run, or several under `watch`" },
          ...level(written)
        ]
  }
  const issues: Array<Mistakes[number]> = ALONE.filter(has).map((key) => ({
    path: [key],
    message: `goes into an entry of \`watch\`, which says what the service watches, or leave \`watch\` out`
  }))
  const entries = Array.isArray(written.watch) ? written.watch.map((it) => (Predicate.isRecord(it) ? it : {})) : []
  const owners = new Set(entries.map(({ owner }) => textOf(owner)))
  if (has("installation_id") && written.installation_id !== 0 && owners.size > 1) {
    issues.push({
      path: ["installation_id"],
      message: "an App has an installation for each owner: leave it out, and each is looked up"
    })
  }
  // of the service's own keys, these hold for each entry
  const { registration, app_id, private_key } = written
  for (const [index, entry] of entries.entries()) {
    const own = isWritten(entry)
    const common = { app_id, private_key, ...(own("enterprise") ? {} : { registration }) }
    const effective = { ...common, ...Object.fromEntries(Object.entries(entry).filter(([key]) => own(key))) }
    issues.push(...level(effective).map(({ path, message }) => ({ path: ["watch", index, ...path], message })))
    const first = entries.findIndex((other) => overlaps(entry, other))
    if (first < index) {
      issues.push({
        path: ["watch", index],
        message: `its jobs are those of entry ${first + 1} as well: name an owner or a repository once, and no repository beside its owner`
      })
    }
  }
  return issues
}

/** Which runner is installed where a template has none. */
const runner = (written: Keys): Mistakes => {
  const has = isWritten(written)
  return has("runner_version") && written.runner_version !== RUNNER_VERSION && !has("runner_sha256")
    ? [
        {
          path: ["runner_sha256"],
          message: "another runner_version needs the SHA-256 of its archive, from its release page"
        }
      ]
    : []
}

/** Which of these keys go together. */
export const rule: Rule = (written) => [...signIn(written), ...watching(written), ...runner(written)]
