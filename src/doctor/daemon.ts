/** Checks whether the daemon runs, what an earlier one left behind, and the folders it needs. */
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import { FILE_NAME as SOCKET } from "../control/Server.ts"
import * as Finding from "../domain/Finding.ts"
import { gib } from "../domain/Format.ts"
import * as Files from "../files/Files.ts"
import { PAUSE_FILE } from "../services/Drain.ts"
import { HOST_FILE } from "../services/Host.ts"
import * as Log from "../services/Log.ts"
import { nearest, volumeOf } from "./disk.ts"
import type { Check, Daemon, HostFacts } from "./HostFacts.ts"

export const KINDS = {
  "daemon-down": {
    level: "note",
    why: "No job is taken on this Mac with this config.",
    remedy: "`anklet`"
  },
  paused: {
    level: "warning",
    why: "No new job is taken on this Mac, also after a restart; jobs that run go on.",
    remedy: "`anklet resume`"
  },
  "pid-file-stale": {
    level: "note",
    why: "A daemon was killed, or the Mac lost power: the file names a process that is gone.",
    remedy: "nothing: the next start replaces the file",
    fixable: true
  },
  "pid-file-unreadable": {
    level: "problem",
    why: "Nobody can tell whether a daemon runs, so none starts.",
    remedy: "check `pid_file_dir`, its owner and permissions"
  },
  "ledger-owes": {
    level: "warning",
    why: "A daemon ended before it could clean up: its VMs keep their places on this Mac.",
    remedy: "`anklet`: a start adopts what still runs and removes the rest"
  },
  "ledger-damaged": {
    level: "warning",
    why: "What stands behind the damage is not known: jobs that ran then are not adopted.",
    remedy: "nothing: the next start keeps a copy, and finds VMs and runners by their names"
  },
  "ledger-unreadable": {
    level: "problem",
    why: "A daemon that cannot read its ledger does not start.",
    remedy: "check the owner and permissions of `state_dir`"
  },
  "folder-missing": {
    level: "problem",
    why: "The daemon does not make this folder by itself, and does not start without it.",
    remedy: "`mkdir -p FOLDER`",
    fixable: true
  },
  "folder-unusable": {
    level: "problem",
    why: "The daemon cannot keep its files there, and does not start.",
    remedy: "check the path, its owner and permissions"
  },
  "file-untrusted": {
    level: "problem",
    why: "Another user of this Mac could have the daemon do as they like with it, so it is not used.",
    remedy: "`chmod go-w PATH`, or `chown`, or choose another folder in the config"
  },
  "disk-full": {
    level: "problem",
    why: "What cannot be written down is not done: no job is taken.",
    remedy: "free some space on the volume"
  }
} as const satisfies Finding.Kinds

const found = Finding.about("daemon", KINDS)

/** Minimum free space in bytes. The ledger and the log grow by kilobytes; with less than this the volume is as good as full. */
const ENOUGH = 100 * 2 ** 20

const process = Effect.fnUntraced(function* ({ pidFile, running }: Daemon, { context }: HostFacts) {
  const fs = yield* FileSystem
  if (Either.isLeft(running)) return [found("pid-file-unreadable", running.left.message)]
  if (Option.isSome(running.right)) return [Finding.ok("daemon", `it runs (pid ${running.right.value.pid})`)]
  const isStale = yield* Effect.orElseSucceed(fs.exists(pidFile), () => false)
  return [
    found("daemon-down", "no daemon runs with this config"),
    ...(isStale
      ? [
          found("pid-file-stale", `${pidFile} names a process that is gone`, {
            // acquiring and releasing the PID file removes it; no further action is needed
            fix: { does: `removes ${pidFile}`, did: `removed ${pidFile}`, run: context.alone(Effect.void) }
          })
        ]
      : [])
  ]
})

/** Files that pause this host, whether a daemon runs or not. */
const pauses = Effect.fnUntraced(function* ({ stateDir }: Daemon, { places: { drainFile } }: HostFacts) {
  const fs = yield* FileSystem
  const paths = yield* Path
  const isThere = (file: string) => Effect.orElseSucceed(fs.exists(file), () => false)
  return [
    ...((yield* isThere(paths.join(stateDir, PAUSE_FILE)))
      ? [found("paused", "`anklet drain` has paused this Mac")]
      : []),
    ...((yield* isThere(drainFile))
      ? [found("paused", `the file ${drainFile} pauses this Mac`, { remedy: `\`rm ${drainFile}\`` })]
      : [])
  ]
})

const debts = ({ ledger, ledgerFile }: Daemon, { context }: HostFacts) => {
  if (Option.isNone(ledger)) return [found("ledger-unreadable", `${ledgerFile} cannot be read`)]
  const { vms, runners, claims } = ledger.value.state
  const owed = [
    ...[...HashMap.values(claims)].map(({ job }) => `job "${job.name}"`),
    ...[...HashMap.keys(vms)].map((vm) => `VM ${vm}`),
    ...[...HashMap.keys(runners)].map((runner) => `runner ${runner}`)
  ]
  return [
    ...(ledger.value.damaged ? [found("ledger-damaged", `${ledgerFile} is damaged, or from a newer version`)] : []),
    ...(context.daemonRuns || owed.length === 0
      ? []
      : [found("ledger-owes", `left behind by a daemon that is gone: ${owed.join(", ")}`)])
  ]
}

const folder = Effect.fnUntraced(function* (key: string, path: string, isMade: boolean) {
  const fs = yield* FileSystem
  const there = yield* nearest(path)
  const writable = yield* Effect.option(fs.access(there.path, { writable: true }))
  if (!there.isFolder || Option.isNone(writable)) {
    const why = there.isFolder ? `${there.path} may not be written` : `${there.path} is not a folder`
    return [found("folder-unusable", `${key} ${path} cannot be used: ${why}`)]
  }
  const volume = yield* volumeOf(there.path)
  const isFull = Option.exists(volume, ({ free }) => free < ENOUGH)
  return [
    ...(there.path === path || isMade
      ? []
      : [
          found("folder-missing", `${key} ${path} is not there`, {
            remedy: `\`mkdir -p ${path}\``,
            fix: {
              does: `makes ${path}`,
              did: `made ${path}`,
              run: fs.makeDirectory(path, { recursive: true, mode: 0o700 })
            }
          })
        ]),
    ...(isFull
      ? Option.toArray(volume).map(({ name, free }) =>
          found("disk-full", `${gib(free)} are free on ${name}, where ${key} ${path} is`)
        )
      : [])
  ]
})

/** Files and folders that the daemon refuses because another user owns them or could have made them. */
const trust = Effect.fnUntraced(function* (daemon: Daemon, { places }: HostFacts) {
  const paths = yield* Path
  const { pidFileDir, stateDir, logDir, pidFile, ledgerFile } = daemon
  const files = [
    ...[pidFile, ledgerFile, `${ledgerFile}.pid`, `${ledgerFile}.new`, places.drainFile],
    ...[HOST_FILE, PAUSE_FILE].map((name) => paths.join(stateDir, name)),
    ...Log.filesOf(paths.join(logDir, Log.FILE_NAME))
  ]
  const looked = yield* Effect.all([
    ...[pidFileDir, stateDir, logDir, places.locks, places.ledgers].map((path) =>
      Effect.either(Files.lookAtFolder(path))
    ),
    ...files.map((path) => Effect.either(Files.look(path))),
    Effect.either(Files.look(paths.join(pidFileDir, SOCKET), "Socket"))
  ])
  return looked.flatMap((one) =>
    Either.isLeft(one) && one.left._tag === "Untrusted"
      ? [found("file-untrusted", `${one.left.path} ${one.left.why}`, { remedy: one.left.remedy })]
      : []
  )
})

/** The check of the daemon of this config and of its folders. */
export const daemon: Check = {
  subject: "daemon",
  run: (host) =>
    Option.match(host.daemon, {
      onNone: () => Effect.succeed([]),
      onSome: (daemon) =>
        Effect.map(
          Effect.all([
            process(daemon, host),
            pauses(daemon, host),
            Effect.succeed(debts(daemon, host)),
            trust(daemon, host),
            folder("work_dir", daemon.workDir, true),
            folder("pid_file_dir", daemon.pidFileDir, true),
            folder("state_dir", daemon.stateDir, true),
            folder("log.file_dir", daemon.logDir, false)
          ]),
          (found) => found.flat()
        )
    })
}
