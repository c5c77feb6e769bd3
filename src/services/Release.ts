/** What a release says of itself: its checksums, their signature, and the versions in them. Pure. */
import { createPublicKey, verify } from "node:crypto"
import * as Option from "effect/Option"

/** Maximum number of bytes of the list of checksums, and of its signature. */
export const LIST = 64 * 1024
/** Maximum number of bytes of a program. */
export const PROGRAM = 512 * 1024 * 1024

/** The names of the files that every release has. */
export const SUMS = "SHA256SUMS"
export const SIGNATURE = "SHA256SUMS.sig"

/** The program of a release for one kind of machine. */
export interface Program {
  readonly name: string
  readonly version: string
  /** SHA-256, in hexadecimal digits. */
  readonly sum: string
}

const VERSION = /^\d{1,9}\.\d{1,9}\.\d{1,9}(?:-[0-9A-Za-z.-]{1,64})?$/

/** This machine, as the programs of a release are named. */
export const targetOf = (platform: string, processor: string): string =>
  `${platform === "darwin" ? "macos" : platform}-${processor}`

/** The identifiers of a version: its three numbers, and those behind the dash. */
const partsOf = (version: string) => {
  const [numbers = "", ...behind] = version.split("-")
  return { numbers: numbers.split(".").map(Number), behind: behind.join("-") }
}

const inOrder = (one: string, other: string): number => {
  const [a, b] = [one, other].map((text) => (/^\d+$/.test(text) ? Number(text) : text))
  if (typeof a === "number" && typeof b === "number") return a - b
  // numbers precede words
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1
  return one < other ? -1 : one === other ? 0 : 1
}

/** Negative if the first version precedes the other (semver.org, 11). */
export const compare = (one: string, other: string): number => {
  const [a, b] = [partsOf(one), partsOf(other)]
  for (const [n, number] of a.numbers.entries()) {
    const difference = number - (b.numbers[n] ?? 0)
    if (difference !== 0) return difference
  }
  if (a.behind === "" || b.behind === "") return a.behind === b.behind ? 0 : a.behind === "" ? 1 : -1
  const [mine, others] = [a.behind.split("."), b.behind.split(".")]
  for (const [n, part] of mine.entries()) {
    const other = others[n]
    if (other === undefined) return 1
    const difference = inOrder(part, other)
    if (difference !== 0) return difference
  }
  return mine.length - others.length
}

/** The programs in a list of checksums for one kind of machine, the newest first; none if it is no such list. */
export const programsIn = (list: string, target: string): Option.Option<ReadonlyArray<Program>> => {
  const lines = list.split("\n").filter((line) => line !== "")
  const entries = lines.map((line) => /^([0-9a-f]{64}) [ *]([\w.+-]{1,200})$/.exec(line))
  if (lines.length === 0 || entries.some((entry) => entry === null)) return Option.none()
  const programs = entries.flatMap((entry): ReadonlyArray<Program> => {
    const [, sum = "", name = ""] = entry ?? []
    const version = name.slice("anklet-".length, -`-${target}`.length)
    return name === `anklet-${version}-${target}` && VERSION.test(version) ? [{ name, version, sum }] : []
  })
  return Option.some(programs.sort((one, other) => compare(other.version, one.version)))
}

/** Whether one of these keys, as PEM in one text, has signed the content: ECDSA with SHA-256. */
export const isSigned = (content: Uint8Array, signature: Uint8Array, keys: string): boolean =>
  (keys.match(/-----BEGIN PUBLIC KEY-----[\s\S]*?-----END PUBLIC KEY-----/g) ?? []).some((pem) => {
    try {
      return verify("sha256", content, createPublicKey(pem), signature)
    } catch {
      // a key that cannot be read has signed nothing
      return false
    }
  })
