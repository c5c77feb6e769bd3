/** Checks how launchd starts Anklet after a reboot, and how it ends it. */
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Finding from "../domain/Finding.ts"
import { Mac } from "../services/Mac.ts"
import type { Check, HostFacts } from "./HostFacts.ts"

export const KINDS = {
  "launchd-none": {
    level: "note",
    why: "After a reboot nothing starts Anklet.",
    remedy: "`anklet service install`"
  },
  "launchd-unloaded": {
    level: "warning",
    why: "A file that launchd has not loaded starts nothing.",
    remedy: "`launchctl bootstrap gui/UID FILE`"
  },
  "launchd-system": {
    level: "problem",
    why: "A LaunchDaemon has no session at the screen: the login keychain stays locked, and VMs fail to start.",
    remedy: "take it away, and as the user who has the templates make a LaunchAgent: `anklet service install`"
  },
  "launchd-detaches": {
    level: "problem",
    why: "Without `--attach` Anklet goes into the background, launchd takes it for ended, and starts it again and again.",
    remedy: "add `--attach` to its ProgramArguments, or `anklet service install`"
  },
  "launchd-impatient": {
    level: "warning",
    why: "launchd kills a daemon 20 seconds after asking it to leave unless told otherwise: VMs are left behind.",
    remedy: "set ExitTimeOut to at least 120, or `anklet service install`"
  },
  "launchd-forgets": {
    level: "note",
    why: "A daemon that ended by a fault is not started again.",
    remedy: "set KeepAlive to { SuccessfulExit: false }, or `anklet service install`"
  },
  "launchd-unreadable": {
    level: "warning",
    why: "launchd does not load a file that it cannot read.",
    remedy: "`plutil -lint FILE`"
  }
} as const satisfies Finding.Kinds

const found = Finding.about("launchd", KINDS)

/** Maximum duration of a daemon's clean-up, in seconds, as documented in docs/troubleshooting.md. */
const EXIT_TIME_OUT = 120

/** The keys of a property list that matter here (launchd.plist(5)). */
const Job = Schema.parseJson(
  Schema.Struct({
    Label: Schema.optionalWith(Schema.String, { default: () => "" }),
    Program: Schema.optionalWith(Schema.String, { default: () => "" }),
    ProgramArguments: Schema.optionalWith(Schema.Array(Schema.String), { default: () => [] }),
    ExitTimeOut: Schema.optional(Schema.Number),
    KeepAlive: Schema.optional(Schema.Unknown)
  })
)
type Job = typeof Job.Type

const isOurs = ({ Label, Program, ProgramArguments }: Job) =>
  [Label, Program, ...ProgramArguments].some((word) => /anklet/i.test(word))

const judge = Effect.fnUntraced(function* (file: string, job: Job) {
  const mac = yield* Mac
  const uid = Option.match(yield* mac.ask("id", "-u"), { onNone: () => "", onSome: ({ stdout }) => stdout.trim() })
  const loaded = yield* mac.ask("launchctl", "print", `gui/${uid}/${job.Label}`)
  const findings = [
    ...(Option.exists(loaded, ({ code }) => code === 0)
      ? []
      : [
          found("launchd-unloaded", `launchd has not loaded ${file}`, {
            remedy: `\`launchctl bootstrap gui/${uid} ${file}\``
          })
        ]),
    ...(job.ProgramArguments.includes("--attach")
      ? []
      : [found("launchd-detaches", `${file} starts Anklet without --attach`)]),
    // 0 means no limit
    ...(job.ExitTimeOut === 0 || (job.ExitTimeOut ?? 20) >= EXIT_TIME_OUT
      ? []
      : [found("launchd-impatient", `${file} gives Anklet ${job.ExitTimeOut ?? 20} seconds to clean up`)]),
    ...(job.KeepAlive === undefined || job.KeepAlive === false
      ? [found("launchd-forgets", `${file} does not say KeepAlive`)]
      : [])
  ]
  return findings.length === 0 ? [Finding.ok("launchd", `${file} is loaded and fits`)] : findings
})

/** The property lists of this user. `plutil` converts every format of them to JSON. */
const agents = Effect.fnUntraced(function* ({ places }: HostFacts) {
  const fs = yield* FileSystem
  const paths = yield* Path
  const mac = yield* Mac
  const folder = paths.join(places.user, "Library", "LaunchAgents")
  const files = yield* Effect.orElseSucceed(fs.readDirectory(folder), () => [])
  const judged = yield* Effect.forEach(
    files.filter((file) => file.endsWith(".plist")),
    (name) =>
      Effect.gen(function* () {
        const file = paths.join(folder, name)
        const read = yield* mac.ask("plutil", "-convert", "json", "-o", "-", file)
        const job = Option.flatMap(read, ({ stdout }) => Schema.decodeOption(Job)(stdout))
        if (Option.isSome(job)) return isOurs(job.value) ? yield* judge(file, job.value) : []
        return /anklet/i.test(name)
          ? [
              found("launchd-unreadable", `${file} is no property list that launchd could read`, {
                remedy: `\`plutil -lint ${file}\``
              })
            ]
          : []
      })
  )
  return judged.flat()
})

/** LaunchDaemons with our name, which run outside any user's session. */
const daemons = Effect.gen(function* () {
  const mac = yield* Mac
  const printed = yield* mac.ask("launchctl", "print", "system")
  const lines = Option.match(printed, { onNone: () => [], onSome: ({ stdout }) => stdout.split("\n") })
  const labels = lines.flatMap((line) => line.match(/(\S*anklet\S*)\s*$/i)?.[1] ?? [])
  return [...new Set(labels)].map((label) => found("launchd-system", `${label} runs as a LaunchDaemon of the system`))
})

/** The check of launchd; empty on other systems. */
export const launchd: Check = {
  subject: "launchd",
  run: (host) =>
    Effect.flatMap(Mac, ({ version }) =>
      Option.isNone(version)
        ? Effect.succeed([])
        : Effect.map(Effect.all([agents(host), daemons]), (judged) => {
            const findings = judged.flat()
            return findings.length > 0 ? findings : [found("launchd-none", "launchd does not start Anklet")]
          })
    )
}
