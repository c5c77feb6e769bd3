/**
 * This host as other hosts see it: an identity that outlives the daemon, and the proof that an earlier daemon is dead.
 */
import { hostname } from "node:os"
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Uuid from "../domain/Uuid.ts"
import * as Files from "../files/Files.ts"
import { version } from "../process/version.ts"
import * as Limits from "../text/Limits.ts"
import { Exec, ProcessIdentity } from "./Exec.ts"
import * as Journal from "./Journal.ts"

/** What a daemon publishes about itself to other hosts. */
const Info = Schema.parseJson(
  Schema.Struct({
    hostname: Limits.Kept(Limits.NAME),
    /** Identifies the machine: a number that its maker or system assigned. */
    machine: Schema.String,
    process: ProcessIdentity,
    version: Limits.Kept(Limits.NAME),
    state: Limits.Kept(Limits.ADDRESS)
  })
)
const encodeInfo = Schema.encodeSync(Info)
const decodeInfo = Schema.decodeOption(Schema.compose(Limits.Json(Limits.TOLD), Info))

/** Version of the daemon that published this; empty if it cannot be decoded. */
export const versionOf = (info: string): string =>
  Option.match(decodeInfo(info), { onNone: () => "", onSome: ({ version }) => version })

/** What the state directory keeps. */
const Kept = Schema.parseJson(Schema.Struct({ id: Schema.UUID, machine: Schema.String }))
const encodeKept = Schema.encodeSync(Kept)

/** The file in the state directory. */
export const HOST_FILE = "host.json"

/** What is known about another daemon that has our identity. */
export type Rival =
  /** It was an earlier run of this host's daemon, and is dead. */
  | { readonly _tag: "Dead" }
  /** It is alive; how to describe it to a person, and what to do. */
  | { readonly _tag: "Alive"; readonly who: string; readonly remedy: string }

/** The identity of this host. */
export class Host extends Context.Tag("anklet/Host")<
  Host,
  {
    /** The same in every run of this host's daemon; without spaces and slashes. */
    readonly id: string
    /** Identifies this run of the daemon. */
    readonly boot: string
    /** What this daemon publishes about itself. */
    readonly info: string
    /** The name of a host for people, from what it published. */
    readonly nameOf: (info: string) => string
    /** Judges another daemon that has our identity, from what it published. */
    readonly judge: (info: string) => Effect.Effect<Rival>
  }
>() {
  static readonly layer = (stateDir: string) => Layer.effect(Host, make(stateDir))
}

/**
 * The number of this machine: of the board on a Mac, of the installation on Linux; the host's name if there is neither.
 */
const machineOf = Effect.gen(function* () {
  const fs = yield* FileSystem
  const exec = yield* Exec
  const number =
    process.platform === "darwin"
      ? yield* exec.run("ioreg", ["-rd1", "-c", "IOPlatformExpertDevice"], { timeout: "10 seconds" }).pipe(
          Effect.map(({ stdout }) => stdout.match(/"IOPlatformUUID" = "([^"]+)"/)?.[1] ?? ""),
          Effect.orElseSucceed(() => "")
        )
      : yield* Effect.orElseSucceed(fs.readFileString("/etc/machine-id"), () => "")
  return number.trim() || hostname()
})

const make = Effect.fnUntraced(function* (stateDir: string) {
  const paths = yield* Path
  const exec = yield* Exec
  const path = paths.join(stateDir, HOST_FILE)
  const machine = yield* machineOf
  const explained = Effect.mapError(
    ({ message }: { readonly message: string }) => new Journal.JournalError({ path, detail: message })
  )
  // an unreadable file is treated as missing; a file of another user is not trusted
  const kept = Option.flatMap(yield* explained(Files.readText(path)), Schema.decodeOption(Kept))
  // a disk that was copied to another Mac must not bring its identity along
  const isOurs = Option.exists(kept, (kept) => kept.machine === machine)
  const id = Option.isSome(kept) && isOurs ? kept.value.id : yield* Uuid.random
  if (!isOurs) {
    yield* explained(Effect.zipRight(Files.makeFolder(stateDir), Files.replace(path, encodeKept({ id, machine }))))
    if (Option.isSome(kept))
      yield* Effect.logInfo("state_dir comes from another machine: this host gets an identity of its own")
  }
  const self = Option.getOrElse(yield* exec.identify(process.pid), () => ({ pid: process.pid, startedAt: "" }))
  return Host.of({
    id,
    boot: yield* Uuid.random,
    info: encodeInfo({ hostname: hostname(), machine, process: self, version, state: stateDir }),
    nameOf: (info) =>
      Option.match(decodeInfo(info), {
        onNone: () => "another host",
        onSome: ({ hostname, process }) => `${hostname} (pid ${process.pid})`
      }),
    judge: (info) =>
      Option.match(decodeInfo(info), {
        // unreadable information, perhaps from another version, is no proof of death
        onNone: () =>
          Effect.succeed<Rival>({
            _tag: "Alive",
            who: "of another version",
            remedy: "wait a minute, or stop the other one"
          }),
        onSome: (rival) => {
          const alive: Rival = {
            _tag: "Alive",
            who: `${rival.hostname} (pid ${rival.process.pid}, state_dir ${rival.state})`,
            remedy: `state_dir was copied: stop one of the two and delete ${path}`
          }
          if (rival.machine !== machine) return Effect.succeed(alive)
          const isSelf = rival.process.pid === self.pid && rival.process.startedAt === self.startedAt
          return Effect.map(
            isSelf ? Effect.succeed(false) : exec.isAlive(rival.process),
            (lives): Rival => (lives ? alive : { _tag: "Dead" })
          )
        }
      })
  })
})
