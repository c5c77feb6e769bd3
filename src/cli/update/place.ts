/** The place of the program: what may be put there, the download beside it, the swap, and the way back. */
import { createHash } from "node:crypto"
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Option from "effect/Option"
import { home } from "../../config/Home.ts"
import * as Files from "../../files/Files.ts"
import { said } from "../../files/said.ts"
import * as Download from "../../services/Download.ts"
import { Exec } from "../../services/Exec.ts"
import { HostLock } from "../../services/HostLock.ts"
import { Network } from "../../services/Network.ts"
import * as Release from "../../services/Release.ts"
import { excerpt } from "../../text/Text.ts"
import { Installed } from "./Installed.ts"
import type { Source } from "./newest.ts"
import { UpdateError } from "./UpdateError.ts"

const refuse = (detail: string) => new UpdateError({ detail })

/** Timeout of the download of a program. */
const DOWNLOAD = "20 minutes"
/** Timeout of the first start of a new program. */
const START = "30 seconds"
/** Maximum number of characters that an error quotes of what a program says. */
const QUOTED = 200

/** An operation on the folder of the program, whose failure is said with a remedy. */
const inFolder = (folder: string) =>
  Effect.mapError((error: Parameters<typeof said>[0]) =>
    refuse(`${folder} cannot be written to, so nothing is installed: ${said(error)}`)
  )

/** Where the program is; refuses where something else keeps it up to date. */
export const place = Effect.gen(function* () {
  const fs = yield* FileSystem
  const { program } = yield* Installed
  if (program === undefined)
    return yield* refuse(
      "this anklet is run by Node, from npm or a checkout, and only the one file of a release replaces itself: update it there, and then `anklet restart`"
    )
  const file = yield* Effect.mapError(fs.realPath(program), (error) =>
    refuse(`the program ${program} is not where it was started: ${said(error)}`)
  )
  if (/\/(?:Cellar|Caskroom)\/|\/linuxbrew\//.test(file))
    return yield* refuse("Homebrew installed this anklet: `brew upgrade anklet`, and then `anklet restart`")
  if (file.includes("/node_modules/"))
    return yield* refuse("npm installed this anklet: `npm update -g anklet`, and then `anklet restart`")
  return file
})

/** Name of the older program, kept until the new one is up. */
export const previousOf = (file: string): string => `${file}.previous`

/** Keeps other updates of this program away, from the first question to the last step, until the scope closes. */
export const hold = Effect.fn("update.hold")(
  function* (file: string) {
    const locks = yield* HostLock.make((yield* home).locks)
    const name = `update-${createHash("sha256").update(file).digest("hex").slice(0, 16)}`
    if (Option.isSome(yield* locks.tryAcquire(name, `${process.pid}`))) return
    const pid = Option.getOrElse(yield* locks.holder(name), () => "?")
    return yield* atWork(pid)
  },
  Effect.mapError((error) =>
    error._tag === "HostLockError" ? refuse(`nothing is installed: ${error.message}`) : error
  )
)

const atWork = (pid: string) => refuse(`another update is at work (pid ${pid}): wait until it has ended`)

/** Removes the downloads of updates that were killed; refuses while another user's update downloads. */
const sweep = Effect.fnUntraced(function* (folder: string, prefix: string) {
  const fs = yield* FileSystem
  const paths = yield* Path
  const exec = yield* Exec
  for (const name of yield* fs.readDirectory(folder)) {
    const [, pid] = name.startsWith(prefix) ? (/^(\d+)$/.exec(name.slice(prefix.length)) ?? []) : []
    if (pid === undefined) continue
    if (Number(pid) !== process.pid && Option.isSome(yield* exec.identify(Number(pid)))) return yield* atWork(pid)
    yield* fs.remove(paths.join(folder, name))
  }
})

/** How the name of a download begins; the number of its process is behind it. */
const prefixOf = (file: string) => Effect.map(Path, (paths) => `.${paths.basename(file)}.update-`)

/**
 * Removes what a killed update has left. Returns whether it was killed after its swap: then the older program is still
 * there, because nobody knows yet whether the daemon of this one comes up.
 */
export const tidy = Effect.fn("update.tidy")(function* (file: string) {
  const fs = yield* FileSystem
  const paths = yield* Path
  const folder = paths.dirname(file)
  const previous = previousOf(file)
  const orRefuse = orRefuseOne(folder)
  return yield* Effect.gen(function* () {
    yield* sweep(folder, yield* prefixOf(file))
    if (!(yield* fs.exists(previous))) return false
    const [older, present] = yield* Effect.all([fs.stat(previous), fs.stat(file)])
    // a second name of the program, given to it just before the swap
    const isSame = older.dev === present.dev && Option.getEquivalence(Equal.equals)(older.ino, present.ino)
    if (isSame) yield* fs.remove(previous)
    return !isSame
  }).pipe(Effect.catchTags({ BadArgument: orRefuse, SystemError: orRefuse }))
})

/** Downloads a program beside the installed one, as a file that is complete, verified, and starts here. */
export const download = Effect.fn("update.download")(function* (
  file: string,
  { url }: Source,
  { name, version, sum }: Release.Program
) {
  const fs = yield* FileSystem
  const paths = yield* Path
  const exec = yield* Exec
  const way = yield* Network
  const folder = paths.dirname(file)
  const orRefuse = inFolder(folder)
  const fresh = paths.join(folder, `${yield* prefixOf(file)}${process.pid}`)
  const made = Effect.gen(function* () {
    const hash = createHash("sha256")
    yield* Effect.scoped(
      Effect.gen(function* () {
        const open = yield* orRefuse(Files.openAnew(fresh))
        yield* Download.fetch(way, `${url}/${name}`, { size: Release.PROGRAM, within: DOWNLOAD }, (part) => {
          hash.update(part)
          return orRefuse(open.writeAll(part))
        })
        yield* orRefuse(open.sync)
      })
    )
    const found = hash.digest("hex")
    if (found !== sum) return yield* refuse(`${name} has the SHA-256 ${found}, not ${sum}: it is not installed`)
    const { mode, uid, gid } = yield* orRefuse(fs.stat(file))
    yield* orRefuse(fs.chmod(fresh, mode & 0o7777))
    const owner = Option.getOrElse(uid, () => process.getuid?.() ?? 0)
    if (owner !== process.getuid?.())
      yield* orRefuse(
        fs.chown(
          fresh,
          owner,
          Option.getOrElse(gid, () => 0)
        )
      )
    const ran = yield* Effect.mapError(exec.run(fresh, ["--version"], { timeout: START }), ({ detail }) =>
      refuse(`${name} does not start here: ${excerpt(detail, QUOTED)}`)
    )
    const words = ran.stdout.trim()
    if (ran.code !== 0) return yield* refuse(`${name} does not start here: it exits with ${ran.code}`)
    if (words !== `anklet ${version}` && !words.startsWith(`anklet ${version} `))
      return yield* refuse(`${name} calls itself "${excerpt(words, QUOTED)}": it is not installed`)
    return fresh
  })
  return yield* Effect.onError(made, () => Files.removeLeft([fresh]))
})

const orRefuseOne = (folder: string) => (error: Parameters<typeof said>[0]) => inFolder(folder)(Effect.fail(error))

/** Puts a new program in the place of the installed one, in one step, and keeps that beside it. */
export const swap = Effect.fn("update.swap")(function* (file: string, fresh: string) {
  const fs = yield* FileSystem
  const paths = yield* Path
  const folder = paths.dirname(file)
  const previous = previousOf(file)
  const swapped = Effect.gen(function* () {
    yield* fs.remove(previous, { force: true })
    yield* fs.link(file, previous)
    yield* fs.rename(fresh, file)
    yield* Files.syncFolder(folder)
  })
  yield* Effect.onError(inFolder(folder)(swapped), () => Files.removeLeft([fresh]))
})

/** Puts the older program back, in one step. */
export const back = Effect.fn("update.back")(function* (file: string) {
  const fs = yield* FileSystem
  const paths = yield* Path
  const folder = paths.dirname(file)
  yield* inFolder(folder)(Effect.zipRight(fs.rename(previousOf(file), file), Files.syncFolder(folder)))
})

/** Removes the older program. */
export const forget = (file: string) => Files.removeLeft([previousOf(file)])
