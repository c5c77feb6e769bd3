/** `anklet logs`: shows the daemon's log to people, even if the daemon is not running. */

import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import { said } from "../files/said.ts"
import { lazy } from "../interruption/Lazy.ts"
import { config, handle, json, UsageError } from "./anklet.ts"
import { configFile } from "./configFile.ts"
import { json as asJson, lines as inLines } from "./shown.ts"
import { complain, interrupted, say, screen, unread } from "./terminal.ts"

const LINES = 100
const NONE = "there is none yet; without log.file_dir in the config it is where anklet was started"

const follow = Options.boolean("follow").pipe(
  Options.withAlias("f"),
  Options.withDescription("keep printing new entries, until Ctrl-C")
)
const service = Options.text("service").pipe(Options.withDescription("only this service's entries"), Options.optional)
const job = Options.text("job").pipe(
  Options.withDescription("only this job's entries: its address at GitHub, or its number; a run's shows all its jobs"),
  Options.optional
)
const level = Options.choice("level", ["debug", "info", "warn", "error"]).pipe(
  Options.withDescription("only entries of this level or above"),
  Options.optional
)
const lines = Options.integer("lines").pipe(
  Options.withAlias("n"),
  Options.withDescription(`number of newest entries to show; default ${LINES}`),
  Options.withDefault(LINES)
)

const vm = Options.text("vm").pipe(
  Options.withDescription(
    "follow the runner's log and diagnostics in the VM of a running job, named as for anklet shell, until Ctrl-C"
  ),
  Options.optional
)

/** Follow the logs in a VM: made safe line by line, without what looks like a secret. */
const inVm = Effect.fnUntraced(function* (config: Option.Option<string>, named: string) {
  const { find } = yield* lazy(() => import("./shell/find.ts"))
  const guest = yield* lazy(() => import("./shell/guest.ts"))
  const LastWords = yield* lazy(() => import("../job/LastWords.ts"))
  const { RUNNER } = yield* lazy(() => import("../plugins/github/program.ts"))
  const vm = yield* find(config, named)
  const run = Runtime.runPromise(yield* Effect.runtime<never>())
  const show = (text: string) => run(say(inLines(LastWords.lines(text, RUNNER.secrets))))
  const code = yield* Effect.raceFirst(guest.follow(vm, show), Effect.as(Effect.raceFirst(interrupted, unread), 0))
  if (code !== 0) yield* complain(`${vm} does not answer any more; it is removed when its job ends`)
  return 0
})

/** `anklet logs`. */
export const logs = Command.make(
  "logs",
  { config, follow, service, job, level, lines, json, vm },
  handle((given) =>
    Effect.gen(function* () {
      if (Option.isSome(given.vm)) return yield* inVm(given.config, given.vm.value)
      const paths = yield* Path
      const Config = yield* Effect.promise(() => import("../config/Config.ts"))
      const entry = yield* Effect.promise(() => import("./logs/entry.ts"))
      const reader = yield* Effect.promise(() => import("../services/Log/reader.ts"))
      const Log = yield* Effect.promise(() => import("../services/Log.ts"))
      if (given.lines < 0) return yield* new UsageError({ detail: "--lines expects 0 or more" })
      const wanted = Option.map(given.job, entry.jobOf)
      if (Option.isSome(wanted) && Either.isLeft(wanted.value))
        return yield* new UsageError({ detail: `--job: ${wanted.value.left}` })

      const { daemon, services } = yield* Config.readDaemon(yield* configFile(given.config))
      const names = services.map(({ name }) => name)
      if (Option.isSome(given.service) && !names.includes(given.service.value))
        yield* complain(`the config has no service "${given.service.value}" (now); it has ${names.join(", ")}`)
      const file = paths.join(daemon.logDir, Log.FILE_NAME)
      const matches = entry.matches({
        service: given.service,
        level: given.level,
        job: Option.flatMap(wanted, Option.getRight)
      })
      const text = given.json ? asJson : entry.forPeople(yield* screen, names)
      const show = (raw: ReadonlyArray<string>) => {
        const asked = raw.filter(matches)
        return asked.length === 0 ? Effect.void : say(inLines(asked.map(text)))
      }
      const read = Effect.gen(function* () {
        const { lines, place } = yield* reader.last(Log.filesOf(file), { ...given, matches })
        yield* show(lines)
        if (Option.isNone(place.opened) && lines.length === 0) {
          if (!given.follow) return yield* new Log.LogError({ file, detail: NONE })
          yield* complain(`waiting for ${file}`)
        }
        if (given.follow) return yield* reader.follow(file, place, show)
      })
      yield* Effect.raceFirst(read, Effect.raceFirst(interrupted, unread)).pipe(
        Effect.catchTags({
          Untrusted: ({ message }) => new Log.LogError({ file, detail: message }),
          SystemError: (error) => new Log.LogError({ file, detail: `cannot be read (${said(error)})` }),
          BadArgument: ({ message }) => new Log.LogError({ file, detail: message })
        })
      )
      return 0
    })
  )
).pipe(Command.withDescription("show the daemon's log, even if the daemon is not running"))
