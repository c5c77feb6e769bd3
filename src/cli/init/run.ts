/** What `anklet init` does: ask, write, examine, and say what comes next. */

import { dirname, join, resolve } from "node:path"
import * as Prompt from "@effect/cli/Prompt"
import { FileSystem } from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { home } from "../../config/Home.ts"
import * as Files from "../../files/Files.ts"
import { said } from "../../files/said.ts"
import { hiding } from "../../secrets/Secrets.ts"
import * as Advice from "../../text/Advice.ts"
import { UsageError } from "../anklet.ts"
import { configFile } from "../configFile.ts"
import { examined } from "../doctor/examined.ts"
import { remaining, report } from "../doctor/report.ts"
import { isAtTerminal } from "../input.ts"
import { line, lines, type Text } from "../shown.ts"
import { complain, interrupted, say, screen } from "../terminal.ts"
import { configOf, type LocalTemplate, runsOn, type SignIn, watchedOf } from "./config.ts"
import { askToken, readToken, tokenFileIn, writeToken } from "./token.ts"

/** Something that keeps a config from being written. */
export class InitError extends hiding(Schema.TaggedError<InitError>()("InitError", { detail: Schema.String })) {
  override get message() {
    return this.detail
  }
}

/** What stands on the command line. */
interface Given {
  readonly config: Option.Option<string>
  readonly watched: Option.Option<string>
  readonly tokenFile: Option.Option<string>
  readonly appId: Option.Option<string>
  readonly privateKey: Option.Option<string>
}

/** How to sign in: with a token that gets a file of its own, or as the config says it. */
type Chosen = { readonly _tag: "Entered"; readonly token: Redacted.Redacted } | SignIn

const MISSING =
  "there is no terminal to ask at: give OWNER/REPO, and --token-file FILE or --app-id ID with --private-key FILE"

/** The doctor's subjects that a first config depends on. */
const SUBJECTS = ["config", "network", "clock", "github", "anka", "registry", "templates"]

/** Findings by which GitHub refuses what was entered: nothing is left behind then. */
const REFUSED = ["credential-refused", "permission-missing", "watching-nothing"]

/** Only a person at a terminal can be asked. */
const atTerminal = Effect.filterOrFail(
  isAtTerminal,
  (is) => is,
  () => new UsageError({ detail: MISSING })
)

const ask = <A>(prompt: Prompt.Prompt<A>) => Effect.zipRight(atTerminal, Prompt.run(prompt))

const entered = (token: Redacted.Redacted): Chosen => ({ _tag: "Entered", token })

const watchedFrom = (given: Option.Option<string>) =>
  Effect.gen(function* () {
    const text = yield* Option.match(given, {
      onSome: Effect.succeed,
      onNone: () =>
        ask(
          Prompt.text({
            message: "Repository or organisation to watch (OWNER/REPO, OWNER, or its address)",
            validate: (text) => Effect.as(watchedOf(text), text)
          })
        )
    })
    return yield* Effect.mapError(
      watchedOf(text),
      (detail) => new UsageError({ detail: `${JSON.stringify(text)}: ${detail}` })
    )
  })

const askApp = Effect.gen(function* () {
  const id = yield* ask(Prompt.text({ message: "The App's number, or its Client ID" }))
  const keyFile = yield* ask(Prompt.text({ message: "File with the App's private key" }))
  return appOf(id, keyFile)
})

const appOf = (id: string, keyFile: string): Chosen => ({
  _tag: "App",
  id: id.trim(),
  keyFile: resolve(keyFile.trim())
})

const signInFrom = ({ tokenFile, appId, privateKey }: Given) =>
  Effect.gen(function* () {
    if (Option.isSome(tokenFile) && Option.isSome(appId))
      return yield* new UsageError({ detail: "--token-file and --app-id are two ways to sign in: choose one" })
    if (Option.isSome(appId) !== Option.isSome(privateKey))
      return yield* new UsageError({ detail: "--app-id and --private-key go together" })
    if (Option.isSome(appId) && Option.isSome(privateKey)) return appOf(appId.value, privateKey.value)
    if (Option.isSome(tokenFile))
      return tokenFile.value === "-"
        ? yield* Effect.map(readToken, entered)
        : ({ _tag: "Token", file: resolve(tokenFile.value) } satisfies Chosen)
    const way = yield* ask(
      Prompt.select({
        message: "Sign in at GitHub with",
        choices: [
          { title: "a token", value: "token" as const },
          { title: "a GitHub App", value: "app" as const }
        ]
      })
    )
    return yield* way === "token" ? Effect.map(askToken, entered) : askApp
  })

const inTheWay =
  (path: string) => (error: { readonly message: string; readonly _tag: string; readonly reason?: string }) =>
    new InitError({
      detail:
        error.reason === "AlreadyExists"
          ? `${path} is there already, and is not overwritten: edit it, or name another config with -c FILE`
          : `${path} cannot be written (${said(error)})`
    })

const refuseExisting = (path: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem
    if (yield* Effect.orElseSucceed(fs.exists(path), () => false))
      return yield* inTheWay(path)({ _tag: "", message: "", reason: "AlreadyExists" })
  })

/** Write the token, if one was entered, and the config; tells the files that were made. */
const write = Effect.fnUntraced(function* (file: string, text: (signIn: SignIn) => string, chosen: Chosen) {
  const folder = dirname(file)
  const made: Array<string> = []
  yield* Effect.mapError(Files.makeFolder(folder), inTheWay(folder))
  const tokenFile = tokenFileIn(folder)
  if (chosen._tag === "Entered") {
    yield* Effect.mapError(writeToken(tokenFile, chosen.token), inTheWay(tokenFile))
    made.push(tokenFile)
  }
  const signIn: SignIn = chosen._tag === "Entered" ? { _tag: "Token", file: tokenFile } : chosen
  yield* Effect.mapError(Files.create(file, text(signIn)), inTheWay(file)).pipe(Effect.tapError(() => forget(made)))
  return [...made, file]
})

const forget = (made: ReadonlyArray<string>) =>
  Effect.flatMap(FileSystem, (fs) => Effect.forEach(made, (path) => Effect.ignore(fs.remove(path)), { discard: true }))

/** Where the daemon's log goes: to where macOS looks for logs, or beside the config. */
const logFolder = Effect.fnUntraced(function* (file: string) {
  const fs = yield* FileSystem
  const { user } = yield* home
  const usual = join(user, "Library", "Logs")
  if (yield* Effect.orElseSucceed(fs.exists(usual), () => false)) return usual
  const beside = join(dirname(file), "log")
  yield* Effect.mapError(Files.makeFolder(beside), inTheWay(beside))
  return beside
})

const next = (command: string, templates: ReadonlyArray<LocalTemplate>): ReadonlyArray<Text> => {
  const [first] = templates
  return [
    "",
    "In a workflow:",
    "",
    ...(first === undefined
      ? [
          "  (no template is on this Mac yet: pull one with `anka registry pull UUID`, and name its UUID in `anka-template:`)"
        ]
      : runsOn(first).map((row): Text => line`  ${row}`)),
    "",
    "Next:",
    line`  ${command}           start the daemon`,
    line`  ${command} status    what it does`,
    line`  ${command} doctor    everything that is checked on this Mac`
  ]
}

/** Write a first config. Tells the exit code. */
export const run = (given: Given) =>
  Effect.gen(function* () {
    const file = yield* configFile(given.config)
    yield* refuseExisting(file)
    const watched = yield* watchedFrom(given.watched)
    const chosen = yield* signInFrom(given)
    const workDir = dirname(file)
    const logDir = yield* Effect.zipRight(
      Effect.mapError(Files.makeFolder(workDir), inTheWay(workDir)),
      logFolder(file)
    )
    const asked = Effect.acquireUseRelease(
      write(file, (signIn) => configOf({ watched, signIn, workDir, logDir }), chosen),
      (made) =>
        Effect.zipRight(
          say("checking GitHub and anka …"),
          Effect.map(examined(file, { repair: false }), (answer) => ({ made, ...answer }))
        ),
      // Ctrl-C leaves nothing behind that the next try would find in its way
      (made, exit) => (Exit.isInterrupted(exit) ? forget(made) : Effect.void)
    )
    // signals are heard before anything is written
    const answer = yield* Effect.raceFirst(Effect.zipRight(interrupted, Effect.succeedNone), Effect.asSome(asked))
    if (Option.isNone(answer)) {
      yield* complain("nothing was written: it was stopped before GitHub and anka had answered")
      return 130
    }
    const { made, found, library } = answer.value
    const wrong = found.filter(({ level, subject }) => level === "problem" && SUBJECTS.includes(subject))
    const command = Advice.anklet()
    if (wrong.length > 0) yield* say(report(yield* screen, command, wrong))
    if (wrong.some(({ id, subject }) => REFUSED.includes(id) || subject === "config")) {
      yield* forget(made)
      yield* complain("nothing was written: run it again with what GitHub accepts")
      return wrong.some(({ subject }) => subject === "config") ? 3 : 8
    }
    yield* say(lines(made.map((path) => line`wrote ${path}`)))
    const templates = library.flatMap(({ name, uuid, tag }) =>
      Option.isSome(tag) ? [{ name, uuid, tag: tag.value }] : []
    )
    yield* say(lines(next(command, templates)))
    return remaining(wrong, "problem") > 0 ? 12 : 0
  }).pipe(
    // Ctrl-C at a question
    Effect.catchTag("QuitException", () => Effect.succeed(130))
  )
