/** launchd: a LaunchAgent of the user who is logged in at the Mac's screen (launchd.plist(5), launchctl(1)). */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { build, parse as parsePlist } from "plist"
import { ask, type Manager, ManagerError, must, type Start, type State } from "./manager.ts"
import { FILES, RESTART_AFTER, STOP_WITHIN, UMASK, type Unit } from "./unit.ts"

/** Exit codes of `bootstrap` while an entry of this name is being unloaded. */
const BUSY = [5, 37]
const TRIES = Schedule.intersect(Schedule.spaced("1 second"), Schedule.recurs(10))
/** Its exit code if nobody is logged in at the screen. */
const NO_SESSION = 125

const nameOf = (label: string) => `com.veertu.${label}`

const textOf = ({ label, command, folder, environment, umask, errors }: Unit): string =>
  `${build({
    Label: nameOf(label),
    ProgramArguments: [...command],
    WorkingDirectory: folder,
    EnvironmentVariables: { ...environment },
    // only if it differs from launchd's own
    ...(umask === UMASK ? {} : { Umask: umask }),
    RunAtLoad: true,
    // `anklet -s stop` exits with 0, and must stay stopped
    KeepAlive: { SuccessfulExit: false },
    ThrottleInterval: RESTART_AFTER,
    ExitTimeOut: STOP_WITHIN,
    // launchd would slow down a background process, and the Mac is there to run jobs
    ProcessType: "Interactive",
    // Anka needs the session at the screen
    LimitLoadToSessionType: "Aqua",
    SoftResourceLimits: { NumberOfFiles: FILES },
    // with --attach the whole log goes there too; its own file is enough
    StandardOutPath: "/dev/null",
    StandardErrorPath: errors
  })}\n`

const Written = Schema.Struct({
  ProgramArguments: Schema.Array(Schema.String),
  WorkingDirectory: Schema.optionalWith(Schema.String, { default: () => "/" }),
  EnvironmentVariables: Schema.optionalWith(Schema.Record({ key: Schema.String, value: Schema.String }), {
    default: () => ({})
  }),
  Umask: Schema.optionalWith(Schema.Number, { default: () => UMASK })
})

const read = (text: string): Option.Option<Start> =>
  Option.liftThrowable(parsePlist)(text).pipe(
    Option.flatMap(Schema.decodeUnknownOption(Written)),
    Option.map(({ ProgramArguments, WorkingDirectory, EnvironmentVariables, Umask }) => ({
      command: ProgramArguments,
      folder: WorkingDirectory,
      environment: EnvironmentVariables,
      umask: Umask
    }))
  )

/** `launchctl print` is meant for people; the keys of the entry itself are indented by one tab. */
const parse = (text: string): State => {
  const value = (key: string) => Option.fromNullable(text.match(new RegExp(`^\\t${key} = (.*)$`, "m"))?.[1])
  return {
    isLoaded: true,
    pid: Option.map(value("pid"), Number),
    lastExit: Option.orElse(
      Option.flatMapNullable(value("last exit code"), (text) => text.match(/^-?\d+/)?.[0]),
      () => value("last terminating signal")
    )
  }
}

/** launchd for the user with this number. */
export const launchd = (uid: string): Manager => {
  const domain = `gui/${uid}`
  const target = (label: string) => `${domain}/${nameOf(label)}`
  return {
    name: "launchd",
    nameOf,
    folder: "Library/LaunchAgents",
    fileOf: (label) => `${nameOf(label)}.plist`,
    linksOf: () => [],
    textOf,
    read,
    query: (label) =>
      Effect.map(ask("launchctl", "print", target(label)), ({ code, stdout }) =>
        code === 0 ? parse(stdout) : { isLoaded: false, pid: Option.none(), lastExit: Option.none() }
      ),
    load: (label, file) =>
      // one that was disabled is refused until it is enabled
      must("launchctl", "enable", target(label)).pipe(
        Effect.zipRight(
          must("launchctl", "bootstrap", domain, file).pipe(
            Effect.retry({ while: ({ code }) => code !== undefined && BUSY.includes(code), schedule: TRIES })
          )
        ),
        Effect.mapError((error) =>
          error.code === NO_SESSION
            ? new ManagerError({
                detail: `${error.detail}; log in at the Mac's screen first: Anka and launchd need the session there`
              })
            : error
        )
      ),
    start: (label) => must("launchctl", "kickstart", target(label)),
    unload: (label) => must("launchctl", "bootout", target(label)),
    reload: Effect.void,
    toStart: (label) => `launchctl kickstart ${target(label)}`,
    toSet: (_, name) => `if the service needs it: launchctl setenv ${name} VALUE, at each log-in before it starts`,
    note: Option.none()
  }
}
