/** What is registered with a service manager: one entry for each config, for the user who has the templates. */
import { createHash } from "node:crypto"
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type { Raw } from "../../config/Config.ts"
import { expand, home } from "../../config/Home.ts"
import { commandLine } from "../../process/Program.ts"
import { visible } from "../../text/Text.ts"
import { given } from "./environment.ts"
import { ManagerError } from "./manager.ts"

/** An entry. All paths are absolute. */
export interface Unit {
  /** Unique to the config. */
  readonly label: string
  readonly config: string
  /** The program and its arguments. */
  readonly command: ReadonlyArray<string>
  /**
   * The working directory: a relative work_dir begins here, and the log is here if the config names no folder for it.
   */
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
  /**
   * Names of variables that are set here but must not be written down, because everyone on this host may read the
   * entry.
   */
  readonly left: ReadonlyArray<string>
  /** The umask, as in a start by hand. */
  readonly umask: number
  /** The file for messages before the log is open, and of a crash. */
  readonly errors: string
}

const LABEL = "anklet"

/** Where `anka`, `node` and what plugins need are searched for. */
const FOLDERS = ["/opt/homebrew/bin", "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"]

/**
 * Timeout of a stop in seconds. The longest clean-up is a VM that is hard to delete and a runner that is hard to
 * remove.
 */
export const STOP_WITHIN = 300
/** Interval between a failure and the next start, in seconds. */
export const RESTART_AFTER = 30
/** The default umask of a service manager. */
export const UMASK = 0o022
/** Maximum number of open files. */
export const FILES = 8192

/** The label of a config: short for the default config; otherwise with the config's name and a hash of its path. */
export const labelOf = Effect.fnUntraced(function* (config: string) {
  const paths = yield* Path
  if (config === (yield* home).config) return LABEL
  const name = paths
    .basename(config)
    .replace(/\.\w+$/, "")
    .replace(/[^\w-]+/g, "-")
  return `${LABEL}.${name}-${createHash("sha256").update(config).digest("hex").slice(0, 8)}`
})

const inPath = Effect.fnUntraced(function* (name: string) {
  const fs = yield* FileSystem
  const paths = yield* Path
  const path = yield* Effect.orElseSucceed(Config.string("PATH"), () => "")
  const found = path
    .split(":")
    .filter((folder) => paths.isAbsolute(folder))
    .map((folder) => paths.join(folder, name))
  return yield* Effect.filter(found, (file) => Effect.orElseSucceed(fs.exists(file), () => false))
})

/** This program by a name that outlives an upgrade: not `…/node/20.1/bin/node`, but the link to it in PATH. */
const program = Effect.gen(function* () {
  const fs = yield* FileSystem
  const paths = yield* Path
  const real = (file: string) => Effect.orElseSucceed(fs.realPath(file), () => file)
  const [runtime, ...args] = commandLine
  const target = yield* real(runtime)
  const names = yield* Effect.filter(yield* inPath(paths.basename(runtime)), (file) =>
    Effect.map(real(file), (it) => it === target)
  )
  return [names[0] ?? runtime, ...args]
})

/** The entry for a config. */
export const unitOf = Effect.fn("service.unitOf")(function* ({ daemon, content }: Raw) {
  const paths = yield* Path
  const { user } = yield* home
  const label = yield* labelOf(daemon.file)
  const command = yield* program
  const isFixed = typeof content.work_dir === "string" && paths.isAbsolute(expand(content.work_dir, { user }))
  const isAnywhere = isFixed && Object(content.log).file_dir !== undefined
  const [anka] = yield* inPath("anka")
  const [runtime = ""] = command
  const needed = [runtime, ...(anka === undefined ? [] : [anka])].map((file) => paths.dirname(file))
  const { taken, left } = yield* given
  const told = [daemon.file, daemon.logDir, paths.resolve("."), user, ...Object.values(taken)]
  // XML cannot represent them, and in a unit file a line break begins another setting
  const odd = told.find((text) => visible(text, Number.POSITIVE_INFINITY) !== text)
  if (odd !== undefined) {
    return yield* new ManagerError({
      detail: `"${visible(odd)}" contains a character that a service file cannot hold: rename it`
    })
  }
  const unit: Unit = {
    label,
    config: daemon.file,
    command: [...command, "--attach", "-c", daemon.file],
    folder: isAnywhere ? user : paths.resolve("."),
    environment: {
      PATH: [...new Set([...needed.filter((folder) => !FOLDERS.includes(folder)), ...FOLDERS])].join(":"),
      HOME: user,
      ...taken
    },
    left,
    umask: process.umask(),
    errors: paths.join(daemon.logDir, `${label}.stderr.log`)
  }
  return unit
})
