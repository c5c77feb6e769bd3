/** The doctor: checks everything a daemon relies on, says what is wrong and how to fix it, and fixes what it safely can. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Service from "../daemon/Service.ts"
import * as Finding from "../domain/Finding.ts"
import { span } from "../domain/Format.ts"
import { anka } from "./anka.ts"
import { config } from "./config.ts"
import { daemon } from "./daemon.ts"
import { exposure } from "./exposure.ts"
import type { Check, HostFacts, Needs } from "./HostFacts.ts"
import { launchd } from "./launchd.ts"
import { macos } from "./macos.ts"
import { network } from "./network.ts"
import { redis } from "./redis.ts"
import { registry } from "./registry.ts"
import { release } from "./release.ts"
import { scripts } from "./scripts.ts"
import { service } from "./service.ts"
import { templates } from "./templates.ts"
import { vms } from "./vms.ts"

export { gather, type HostFacts } from "./HostFacts.ts"

/** What a service's plugin finds. Findings that two services share are reported once. */
const ofService = (service: HostFacts["services"][number]): Check => ({
  subject: "plugins",
  run: ({ context }) => Service.examine(service, context)
})

const CHECKS: ReadonlyArray<Check> = [
  ...[config, network, release, daemon, macos, launchd, service],
  ...[anka, registry, templates, vms, redis, scripts, exposure]
]

/** Subjects in the order in which to look for a cause: a fault in one can break those after it. */
const SUBJECTS = [
  ...[
    "config",
    "network",
    "release",
    "daemon",
    "clock",
    "macos",
    "launchd",
    "service",
    "anka",
    "registry",
    "templates",
    "vms"
  ],
  ...["github", "redis", "scripts", "security"]
]

export const KINDS = {
  unfinished: {
    level: "problem",
    why: "Whatever it waits for, the daemon waits for as well.",
    remedy: "run `anklet doctor` again; if it stays, look at what the check asks"
  }
} as const satisfies Finding.Kinds

/** Timeout of one check. Each question in it has a shorter timeout of its own. */
const WITHIN = Duration.seconds(35)

const limited = (check: Check, host: HostFacts): Effect.Effect<ReadonlyArray<Finding.Finding>, never, Needs> =>
  Effect.map(
    Effect.timeoutOption(check.run(host), WITHIN),
    Option.getOrElse(() => [
      Finding.about(check.subject, KINDS)(
        "unfinished",
        `the check of ${check.subject} did not end within ${span(WITHIN)}`
      )
    ])
  )

const rankOf = ({ subject, level }: Finding.Finding) => {
  const known = SUBJECTS.indexOf(subject)
  return (known === -1 ? SUBJECTS.length : known) * Finding.LEVELS.length + Finding.LEVELS.indexOf(level)
}

/** Runs all checks and returns their findings by subject, the worst first. Changes nothing. */
export const examine = Effect.fn("Doctor.examine")(function* (host: HostFacts) {
  const checks = [...CHECKS, ...host.services.map(ofService)]
  const found = yield* Effect.forEach(checks, (check) => limited(check, host), { concurrency: "unbounded" })
  const once = new Map(found.flat().map((finding) => [`${finding.id} ${finding.what}`, finding]))
  return [...once.values()].sort((a, b) => rankOf(a) - rankOf(b))
})

/** A finding, and the outcome of its repair if one was tried. */
export interface Treated extends Finding.Finding {
  readonly outcome?: { readonly mended: boolean; readonly said: string }
}

/** Runs the repairs of all findings that have one, in order. A repair that fails is reported, and the next one runs. */
export const mend = (findings: ReadonlyArray<Finding.Finding>): Effect.Effect<ReadonlyArray<Treated>> =>
  Effect.forEach(findings, (finding) =>
    finding.fix === undefined
      ? Effect.succeed(finding)
      : Effect.match(finding.fix.run, {
          onSuccess: (): Treated => ({ ...finding, outcome: { mended: true, said: finding.fix?.did ?? "" } }),
          onFailure: ({ message }): Treated => ({ ...finding, outcome: { mended: false, said: message } })
        })
  )
