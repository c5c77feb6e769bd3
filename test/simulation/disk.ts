/** A machine's file system, as far as it matters to a ledger: synced data survives a power loss, other data may not. */
import { SystemError, type SystemErrorReason } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Named } from "../../src/files/Lstat.ts"
import type { Chance, Kernel, Life } from "./kernel.ts"

interface Inode {
  data: Uint8Array
  synced: Uint8Array
}

const none = new Uint8Array()

const failed = (method: string, path: string, reason: SystemErrorReason, description: string) =>
  new SystemError({ reason, module: "FileSystem", method, pathOrDescriptor: path, description })

const joined = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}

/** Files by their whole path; folders exist as soon as they are used. */
export class Disk {
  private names = new Map<string, Inode>()
  /** The names that survive a power loss. */
  private durable = new Map<string, Inode>()
  readonly kernel: Kernel
  readonly chance: Chance
  readonly host: string
  isFull = false
  /** Number of durable writes. */
  syncs = 0
  torn = 0

  constructor(host: string, kernel: Kernel, chance: Chance) {
    this.host = host
    this.kernel = kernel
    this.chance = chance
  }

  /** The current content of a file. */
  read(path: string): Uint8Array | undefined {
    return this.names.get(path)?.data
  }
  write(path: string, text: string): void {
    const data = new TextEncoder().encode(text)
    const inode = { data, synced: data }
    this.names.set(path, inode)
    this.durable.set(path, inode)
  }

  /** The machine loses power: each unsynced byte and name survives by chance, in order. */
  losePower(): void {
    const after = new Map(this.durable)
    for (const [path, inode] of this.names) if (this.chance.happens(0.5)) after.set(path, inode)
    for (const inode of new Set(after.values())) {
      const isLonger = inode.data.length > inode.synced.length
      const extra = isLonger ? this.chance.whole(0, inode.data.length - inode.synced.length) : 0
      if (extra > 0) this.torn++
      inode.data = extra > 0 ? inode.data.slice(0, inode.synced.length + extra) : inode.synced
      inode.synced = inode.data
    }
    this.names = after
    this.durable = new Map(after)
  }

  /** The status of a name itself: there are no links here, and everything belongs to the daemon's user. */
  lstat(path: string): Effect.Effect<Option.Option<Named>> {
    return Effect.sync(() => {
      const about = { uid: process.getuid?.() ?? 0, gid: 0, ino: 0, links: 1 }
      if (this.names.has(path)) return Option.some<Named>({ ...about, type: "File", mode: 0o600 })
      const isFolder = path === "/" || [...this.names.keys()].some((name) => name.startsWith(`${path}/`))
      return isFolder ? Option.some<Named>({ ...about, type: "Directory", mode: 0o700 }) : Option.none()
    })
  }

  /** The file system as one process sees it. */
  layerFor(life: Life): FileSystem.FileSystem {
    const { kernel, chance } = this
    /** A system call that takes a moment, during which the process may die. */
    const wait = (ms: number) =>
      Effect.async<void>((resume) => {
        kernel.after(ms, () => resume(Effect.void))
      })
    const missing = (method: string, path: string) => failed(method, path, "NotFound", "no such file or directory")
    const inodeOf = (method: string, path: string) =>
      Effect.suspend(() => {
        const inode = this.names.get(path)
        return inode === undefined ? Effect.fail(missing(method, path)) : Effect.succeed(inode)
      })
    const full = (path: string) => failed("write", path, "Unknown", "ENOSPC: no space left on device")

    const file = (path: string, inode: Inode): FileSystem.File => {
      const append = (bytes: Uint8Array) =>
        Effect.suspend(() => {
          const what = new TextDecoder().decode(bytes).match(/"_tag":"(\w+)"/)?.[1] ?? "a line"
          kernel.point?.(this.host, `${what} is being written`)
          // the first part is written at once, the rest a moment later: a process that dies in between leaves half a
          // line
          const half = chance.whole(0, bytes.length)
          inode.data = joined(inode.data, bytes.subarray(0, half))
          if (this.isFull) return Effect.fail(full(path))
          return Effect.zipRight(
            wait(chance.between(0.05, 1)),
            Effect.suspend(() => {
              if (this.isFull) return Effect.fail(full(path))
              inode.data = joined(inode.data, bytes.subarray(half))
              kernel.point?.(this.host, `${what} is written`)
              return Effect.void
            })
          )
        })
      return {
        [FileSystem.FileTypeId]: FileSystem.FileTypeId,
        fd: FileSystem.FileDescriptor(3),
        stat: Effect.sync(() => ({
          type: "File" as const,
          mtime: Option.none(),
          atime: Option.none(),
          birthtime: Option.none(),
          dev: 0,
          ino: Option.none(),
          mode: 0o600,
          nlink: Option.none(),
          uid: Option.none(),
          gid: Option.none(),
          rdev: Option.none(),
          size: FileSystem.Size(inode.data.length),
          blksize: Option.none(),
          blocks: Option.none()
        })),
        seek: () => Effect.void,
        sync: Effect.zipRight(
          wait(chance.between(0.2, 5)),
          Effect.sync(() => {
            inode.synced = inode.data
            this.syncs++
            kernel.point?.(this.host, "the ledger is synced")
            if (path.endsWith("/")) this.durable = new Map(this.names)
          })
        ),
        read: () => Effect.succeed(FileSystem.Size(0)),
        readAlloc: () => Effect.succeedNone,
        truncate: (size = 0) =>
          Effect.sync(() => {
            inode.data = inode.data.slice(0, Number(size))
          }),
        write: (bytes) => Effect.as(append(bytes), FileSystem.Size(bytes.length)),
        writeAll: append
      }
    }

    /** An effect that changes names, and may be the last one of a process. */
    const named = <A, E>(what: string, path: string, change: Effect.Effect<A, E>) => {
      const name = `${what} ${path.slice(path.lastIndexOf("/") + 1).replace(/\d{4,}|\.\d+$/g, "")}`
      const at = (when: string) => Effect.sync(() => kernel.point?.(this.host, `${name} ${when}`))
      return at("is near").pipe(Effect.zipRight(wait(0)), Effect.zipRight(change), Effect.zipLeft(at("is done")))
    }

    const create = (path: string): Inode => {
      const inode = { data: none, synced: none }
      this.names.set(path, inode)
      return inode
    }
    return FileSystem.makeNoop({
      access: (path) => Effect.asVoid(inodeOf("access", path)),
      exists: (path) => Effect.sync(() => this.names.has(path)),
      makeDirectory: () => Effect.void,
      readDirectory: (path) =>
        Effect.sync(() =>
          [...this.names.keys()]
            .filter((name) => name.startsWith(`${path}/`) && !name.slice(path.length + 1).includes("/"))
            .map((name) => name.slice(path.length + 1))
        ),
      readFile: (path) => Effect.map(inodeOf("readFile", path), ({ data }) => data),
      readFileString: (path) =>
        Effect.map(inodeOf("readFileString", path), ({ data }) => new TextDecoder().decode(data)),
      writeFile: (path, bytes, { flag } = {}) =>
        Effect.suspend(() => {
          if (!life.isAlive) return Effect.never
          if (flag === "wx" && this.names.has(path))
            return Effect.fail(failed("writeFile", path, "AlreadyExists", "file exists"))
          const inode = create(path)
          if (this.isFull) return Effect.fail(full(path))
          inode.data = bytes
          return Effect.void
        }),
      copyFile: (from, to) =>
        Effect.map(inodeOf("copyFile", from), ({ data }) => {
          create(to).data = data
        }),
      rename: (from, to) =>
        named(
          "rename to",
          to,
          Effect.map(inodeOf("rename", from), (inode) => {
            this.names.delete(from)
            this.names.set(to, inode)
          })
        ),
      link: (from, to) =>
        named(
          "link",
          to,
          Effect.flatMap(inodeOf("link", from), (inode) => {
            if (this.names.has(to)) return Effect.fail(failed("link", to, "AlreadyExists", "file exists"))
            this.names.set(to, inode)
            return Effect.void
          })
        ),
      remove: (path) =>
        Effect.sync(() => {
          this.names.delete(path)
        }),
      truncate: (path, size = 0) =>
        Effect.map(inodeOf("truncate", path), (inode) => {
          inode.data = inode.data.slice(0, Number(size))
        }),
      open: (path, { flag = "r" } = {}) =>
        Effect.suspend(() => {
          // a folder, opened to be synced
          const known = this.names.get(path)
          if (flag === "r") {
            return Effect.succeed(file(known === undefined ? `${path}/` : path, known ?? { data: none, synced: none }))
          }
          if (flag.includes("x") && known !== undefined)
            return Effect.fail(failed("open", path, "AlreadyExists", "file exists"))
          return Effect.succeed(file(path, known ?? create(path)))
        })
    })
  }
}
