/** Reading the signature of a macOS program (Apple's mach-o/loader.h, and cs_blobs.h of XNU). */
import { createHash } from "node:crypto"

/** What macOS checks before it starts a program. */
export interface Signed {
  readonly processor: "arm64" | "x64"
  /** Oldest macOS that starts it, e.g. `13.0`. */
  readonly oldest: string
  /** Whether it is signed ad hoc: valid for its content, but without an identity. */
  readonly isAdHoc: boolean
  /** Number of pages, of the size in the signature, and of those whose checksum does not match. */
  readonly pages: number
  readonly badPages: ReadonlyArray<number>
  /** Whether the signature covers everything before it. */
  readonly coversAll: boolean
}

const MAGIC = 0xfeedfacf
const PROCESSORS: Readonly<Record<number, Signed["processor"]>> = { 16777228: "arm64", 16777223: "x64" }
const LC_CODE_SIGNATURE = 0x1d
const LC_BUILD_VERSION = 0x32
const SUPER_BLOB = 0xfade0cc0
const CODE_DIRECTORY = 0xfade0c02
const CS_ADHOC = 0x2
const SHA256 = 2

interface LoadCommand {
  readonly command: number
  readonly at: number
}

const loadCommands = (file: Buffer): ReadonlyArray<LoadCommand> => {
  const commands: Array<LoadCommand> = []
  let at = 32
  for (let n = file.readUInt32LE(16); n > 0; n--) {
    commands.push({ command: file.readUInt32LE(at), at })
    at += file.readUInt32LE(at + 4)
  }
  return commands
}

/** The part of a signature that holds the checksums; the rest is for signatures with an identity. */
const codeDirectory = (signature: Buffer): Buffer => {
  if (signature.readUInt32BE(0) !== SUPER_BLOB) throw new Error("the signature is no super blob")
  for (let n = 0; n < signature.readUInt32BE(8); n++) {
    const blob = signature.subarray(signature.readUInt32BE(12 + 8 * n + 4))
    if (blob.readUInt32BE(0) === CODE_DIRECTORY) return blob.subarray(0, blob.readUInt32BE(4))
  }
  throw new Error("the signature has no code directory")
}

/** Reads a program for one processor; fails if it is not one, or has no signature. */
export const read = (file: Buffer): Signed => {
  if (file.readUInt32LE(0) !== MAGIC) throw new Error("this is no 64-bit Mach-O file")
  const processor = PROCESSORS[file.readUInt32LE(4)]
  const commands = loadCommands(file)
  const signature = commands.find(({ command }) => command === LC_CODE_SIGNATURE)
  const build = commands.find(({ command }) => command === LC_BUILD_VERSION)
  if (processor === undefined || signature === undefined || build === undefined) throw new Error("it is not signed")
  const start = file.readUInt32LE(signature.at + 8)
  const directory = codeDirectory(file.subarray(start, start + file.readUInt32LE(signature.at + 12)))
  if (directory[37] !== SHA256) throw new Error("its sums are not SHA-256")
  const sums = directory.readUInt32BE(16)
  const pages = directory.readUInt32BE(28)
  const limit = directory.readUInt32BE(32)
  const size = directory[36] ?? 0
  const pageSize = 2 ** (directory[39] ?? 0)
  const isBad = (page: number) => {
    const content = file.subarray(page * pageSize, Math.min((page + 1) * pageSize, limit))
    const sum = createHash("sha256").update(content).digest().subarray(0, size)
    return !sum.equals(directory.subarray(sums + page * size, sums + (page + 1) * size))
  }
  const oldest = file.readUInt32LE(build.at + 12)
  return {
    processor,
    oldest: `${oldest >> 16}.${(oldest >> 8) & 0xff}`,
    isAdHoc: (directory.readUInt32BE(12) & CS_ADHOC) !== 0,
    pages,
    badPages: Array.from({ length: pages }, (_, page) => page).filter(isBad),
    coversAll: limit === start && pages === Math.ceil(limit / pageSize)
  }
}
