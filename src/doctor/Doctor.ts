/** The doctor: looks at everything that a daemon relies on, tells what is wrong and how to mend it, and mends what it safely can. */
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
import { scripts } from "./scripts.ts"
import { service } from "./service.ts"
import { templates } from "./templates.ts"
import { vms } from "./vms.ts"

export { gather, type HostFacts } from "./HostFacts.ts"

/** What a service's plugin finds; two services that ask the same are told of once. */
const ofService = (service: HostFacts["services"][number]): Check => ({
  subject: "plugins",
  run: ({ context }) => Service.examine(service, context)
})

const CHECKS: ReadonlyArray<Check> = [
  ...[config, network, daemon, macos, launchd, service],
  ...[anka, templates, vms, redis, scripts, exposure]
]

/** Subjects in the order in which a person looks for the cause: what stands further up breaks what stands below. */
const SUBJECTS = [
  ...["config", "network", "daemon", "clock", "macos", "launchd", "service", "anka", "registry", "templates", "vms"],
  ...["github", "redis", "scripts", "security"]
]

export const KINDS = {
  unfinished: {
    level: "problem",
    why: "Whatever it waits for, the daemon waits for as well.",
    remedy: "run `anklet doctor` again; if it stays, look at what the check asks"
  }
} as const satisfies Finding.Kinds

/** What one check may take: each question in it has a shorter limit of its own. */
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

/** Everything that is so, by subject, and there the worst first. Changes nothing. */
export const examine = Effect.fn("Doctor.examine")(function* (host: HostFacts) {
  const checks = [...CHECKS, ...host.services.map(ofService)]
  const found = yield* Effect.forEach(checks, (check) => limited(check, host), { concurrency: "unbounded" })
  const once = new Map(found.flat().map((finding) => [`${finding.id} ${finding.what}`, finding]))
  return [...once.values()].sort((a, b) => rankOf(a) - rankOf(b))
})

/** A finding, and what became of its repair. */
export interface Treated extends Finding.Finding {
  readonly outcome?: { readonly mended: boolean; readonly said: string }
}

/** Make every repair that there is, one after the other. */
export const mend = (findings: ReadonlyArray<Finding.Finding>): Effect.Effect<ReadonlyArray<Treated>> =>
  Effect.forEach(findings, (finding) =>
    finding.fix === undefined
      ? Effect.succeed(finding)
      : Effect.match(finding.fix.run, {
          onSuccess: (): Treated => ({ ...finding, outcome: { mended: true, said: finding.fix?.did ?? "" } }),
          onFailure: ({ message }): Treated => ({ ...finding, outcome: { mended: false, said: message } })
        })
  )
