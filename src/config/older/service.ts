/** One service of an older config. */
import type { Pair } from "yaml"
import { nearest } from "../Problem.ts"
import * as Database from "./database.ts"
import { asText, flagOf, hasItems, keyOf, mapOf, numberOf, pairOf, setValue, valueOf } from "./edit.ts"
import type { Place } from "./place.ts"
import * as Words from "./reasons.ts"
import type { Era } from "./words.ts"

/** Keys of a service of today, which stay as they are. */
export const KEPT: ReadonlyArray<string> = [
  ...["name", "plugin", "sleep_interval", "registry_url", "database", "token", "app_id", "installation_id"],
  ...[
    "private_key",
    "registration",
    "enterprise",
    "owner",
    "repo",
    "watch",
    "api_url",
    "runner_group",
    "registration_timeout"
  ],
  ...["runner_version", "runner_sha256", "runner_url", "count"]
]

/** What the config says for this service beside its own keys. */
export interface Context extends Database.Given {
  readonly era: Era
}

type Rule = (place: Place, pair: Pair, context: Context) => void

const text: Rule = (place, pair) => {
  asText(pair)
  place.keep(pair)
}

const webhooks: Rule = (place, pair, { era }) => {
  if (era === 2) place.drop(pair, Words.WEBHOOKS)
}

/** A choice that is only worth a word where it was made. */
const chosen =
  (message: string): Rule =>
  (place, pair) =>
    flagOf(pair) === true ? place.drop(pair, message, "no counterpart") : place.drop(pair, Words.SAME)

const RULES: Readonly<Record<string, Rule>> = {
  name: text,
  owner: text,
  repo: text,
  registry_url: text,
  token: text,
  sleep_interval: (place, pair) =>
    (numberOf(pair) ?? 1) < 0.1
      ? place.drop(pair, "0 meant without a pause: the default, 10 seconds, is the interval between two polls")
      : place.keep(pair),
  registration_timeout_seconds: (place, pair) => {
    const seconds = numberOf(pair)
    if (seconds !== undefined && seconds < 1) return place.drop(pair, "0 meant the default, which is 300 seconds now")
    if (pairOf(place.map, "registration_timeout") !== undefined)
      return place.drop(pair, "`registration_timeout` is there already")
    place.become(pair, "registration_timeout", `${number(seconds)} seconds, counted from the runner's start`)
  },
  runner_group: (place, pair) => {
    // Anklet 2 took a number for a name
    const group = numberOf(pair)
    if (group === undefined || typeof valueOf(pair) === "number") return place.keep(pair)
    place.tell("became", pair, "the group's number", `runner_group: ${group}`)
    setValue(pair, group)
  },
  enterprise: (place, pair) => {
    if (isApp(place))
      return place.tell(
        "look at",
        pair,
        "no App may register runners at an enterprise: give a classic `token` with `repo` and `manage_runners:enterprise` in place of the App"
      )
    if (pairOf(place.map, "owner") !== undefined) return place.keep(pair)
    place.tell(
      "look at",
      pair,
      "runners are registered there, and jobs are found by asking: write the `owner` whose jobs they are for, and `repo` if it is one repository"
    )
  },
  queue_name: (place, pair) =>
    valueOf(pair) === valueOf(pairOf(place.map, "owner"))
      ? place.drop(pair, "the owner's queue is the default")
      : place.drop(
          pair,
          "each owner's jobs are in an order of their own; `watch` in one service, with several owners, has them in one"
        ),
  skip_pull: chosen("Anklet 3 pulls a template that a job names and this Mac lacks"),
  job_retry_attempts: (place, pair) =>
    place.drop(
      pair,
      `${number(numberOf(pair))}: Anklet 2 cancelled the whole run after that, Anklet 3 never cancels a run`
    ),
  template_disk_buffer: (place, pair) => place.drop(pair, "a pull always leaves 10 GiB of disk free"),
  skip_cpu_and_memory_resource_checks: chosen(Words.RESOURCES),
  host_to_guest_folder_mounts: (place, pair) =>
    hasItems(pair) ? place.drop(pair, Words.MOUNTS, "no counterpart") : place.drop(pair, Words.EMPTY),
  workflows: (place, pair, { era }) => {
    const lists = mapOf(pair)?.items ?? []
    return era === 1 && lists.some(hasItems)
      ? place.drop(pair, "Anklet 3 runs every job whose labels name a template, of whatever workflow", "look at")
      : place.drop(pair, Words.NO_EFFECT)
  },
  port: webhooks,
  secret: webhooks,
  hook_id: (place, pair) => place.drop(pair, Words.WEBHOOKS),
  skip_redeliver: (place, pair) => place.drop(pair, Words.WEBHOOKS),
  redeliver_hours: webhooks,
  database: (place, pair, context) => {
    const map = mapOf(pair)
    if (map === undefined) return place.keep(pair)
    Database.database(place.below(map, "database"), context)
    if (map.items.length === 0) place.drop(pair, Words.EMPTY)
  }
}

const number = (value: number | undefined) => (value === undefined ? "its value" : String(value))

/** A key that no version knows. Anklet 2 ignored such keys, so that a config with one worked. */
const unknown: Rule = (place, pair, { era }) => {
  if (era === 1) return
  const near = nearest(keyOf(pair), [...KEPT, ...Object.keys(RULES)])
  place.drop(pair, `${Words.UNKNOWN}${near === undefined ? "" : `: \`${near}\` may be what was meant`}`)
}

/** Rewrites one. */
export const service = (place: Place, context: Context): void => {
  const { map } = place
  // an empty text meant that a key is not there
  for (const pair of [...map.items])
    if (valueOf(pair) === "" && keyOf(pair) !== "name") place.drop(pair, "it has no value")
  signIn(place)
  for (const pair of [...map.items]) {
    // removed by another key's rule
    if (!map.items.includes(pair)) continue
    const rule = RULES[keyOf(pair)]
    if (rule !== undefined) rule(place, pair, context)
    else if (KEPT.includes(keyOf(pair))) place.keep(pair)
    else unknown(place, pair, context)
  }
}

/** A token and the keys of a GitHub App do not go together. */
const signIn = (place: Place) => {
  const [token, app, key, installation] = ["token", "app_id", "private_key", "installation_id"].map((name) =>
    pairOf(place.map, name)
  )
  if (token === undefined) return
  if (isApp(place)) {
    return place.tell(
      "look at",
      token,
      "Anklet 3 signs in with a token or as a GitHub App: remove the one or the other"
    )
  }
  for (const pair of [app, key, installation])
    if (pair !== undefined) place.drop(pair, "it is of a GitHub App, and the service signs in with a token")
}

/** Whether a service signs in as a GitHub App. */
export const isApp = ({ map }: Place): boolean =>
  (valueOf(pairOf(map, "app_id")) ?? 0) !== 0 && pairOf(map, "private_key") !== undefined
