/**
 * The secrets that this process knows, and how to remove them from text: servers, guests and programs echo what they
 * were sent.
 *
 * A secret is found verbatim and encoded (URL, JSON, HTML, shell, hex, base64 at each offset), in either case, with
 * white space in it, and in part: pieces of 12 characters are enough. A secret of fewer than 8 characters is matched as
 * a whole word, if it contains letters and something else: a log in which every "ci" is hidden would be unreadable.
 *
 * Imports almost nothing: the last message of a crashing process needs it before anything else is loaded.
 */
import { formsOf } from "./forms.ts"

/** What stands in the place of a secret. */
export const HIDDEN = "<redacted>"

/** Minimum number of characters of an encoded secret that is searched for anywhere. */
const SHORTEST = 8
/** Minimum number of characters of a shorter secret that is matched as a word. */
const WORD = 4
/**
 * Minimum number of characters of a piece that is hidden; more for a secret of thousands, whose index would take
 * megabytes.
 */
const pieceOf = ({ length }: Form): number => Math.min(Math.max(12, length >> 5), 64, length)
/** Number of characters that are hashed together. */
const BLOCK = 6

/** Maximum number of positions kept for one block: a repetitive secret has the same block many times. */
const ALIKE = 16

/**
 * The multiplier of the rolling hash (Rabin and Karp, 1987), and the power of it that removes the first character of a
 * block.
 */
const BASE = 0x01000193
const FIRST = Array.from({ length: BLOCK }).reduce<number>((power) => Math.imul(power, BASE), 1)

/** A secret in one of its encodings, as character codes. */
type Form = Uint16Array

interface Index {
  /** Positions in the forms, by the hash of the block that begins there. */
  readonly blocks: ReadonlyMap<number, ReadonlyArray<readonly [form: Form, at: number]>>
  /** The upper halves of the hashes that occur. */
  readonly some: Uint8Array
  /** Matches short secrets. */
  readonly words: RegExp | undefined
}

/** A secret, and the forms in which it is searched for. */
interface Known {
  readonly forms: ReadonlyMap<string, Form>
  /** Number of users for whom it is hidden. */
  uses: number
}

const known = new Map<string, Known>()
let index: Index | undefined

/** The code of a character, equal for both cases and both alphabets of base64; 0 for a character that is skipped. */
const codeOf = (code: number): number => {
  if (code <= 0x20 || (code >= 0x7f && code <= 0xa0) || code === 0xad) return 0
  if (code >= 0x41 && code <= 0x5a) return code + 0x20
  if (code === 0x2b) return 0x2d
  if (code === 0x2f) return 0x5f
  return (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x2064) || code === 0xfeff ? 0 : code
}

/** A text without skipped characters, and the position of each remaining one in the original. */
const squeezed = (text: string): { readonly codes: Uint16Array; readonly places: Uint32Array } => {
  const codes = new Uint16Array(text.length)
  const places = new Uint32Array(text.length)
  let length = 0
  for (let at = 0; at < text.length; at++) {
    const code = codeOf(text.charCodeAt(at))
    if (code === 0) continue
    codes[length] = code
    places[length++] = at
  }
  return { codes: codes.subarray(0, length), places }
}

const quoted = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")

/** Whether a secret too short for the search is neither a word of a language nor a number. */
const isOdd = (secret: string) => secret.length >= WORD && /\p{L}/u.test(secret) && /[^\p{L}]/u.test(secret)

const formsIn = (secret: string): Known["forms"] =>
  new Map(
    formsOf(secret)
      .map((text) => squeezed(text).codes.slice())
      .filter(({ length }) => length >= SHORTEST)
      .map((form) => [Buffer.from(form.buffer).toString("latin1"), form])
  )

const build = (): Index => {
  const blocks = new Map<number, Array<readonly [Form, number]>>()
  const some = new Uint8Array(1 << 16)
  for (const form of [...known.values()].flatMap(({ forms }) => [...forms.values()])) {
    // spaced so that each piece contains a whole block
    for (let at = 0; at + BLOCK <= form.length; at += pieceOf(form) - BLOCK + 1) {
      const hash = hashOf(form.subarray(at, at + BLOCK))
      const places = blocks.get(hash) ?? []
      if (places.length < ALIKE) places.push([form, at])
      blocks.set(hash, places)
      some[hash >>> 16] = 1
    }
  }
  const words = [...known.keys()].filter((secret) => squeezed(secret).codes.length < SHORTEST && isOdd(secret))
  return {
    blocks,
    some,
    words:
      words.length === 0
        ? undefined
        : new RegExp(`(?<![\\p{L}\\p{N}])(?:${words.map(quoted).join("|")})(?![\\p{L}\\p{N}])`, "gu")
  }
}

const hashOf = (codes: Uint16Array): number => codes.reduce((hash, code) => (Math.imul(hash, BASE) + code) | 0, 0)

/** A part of a text. */
type Range = readonly [from: number, to: number]

/** The pieces of secrets in a squeezed text, ordered by their ends. */
const found = ({ blocks, some }: Index, codes: Uint16Array): ReadonlyArray<Range> => {
  const ranges: Array<Range> = []
  /** How far each form was compared, and at which distance: a long piece has many blocks. */
  const compared = new Map<Form, readonly [shift: number, until: number]>()
  let hash = 0
  for (let end = 0; end < codes.length; end++) {
    hash = (Math.imul(hash, BASE) + (codes[end] ?? 0) - Math.imul(codes[end - BLOCK] ?? 0, FIRST)) | 0
    if (some[hash >>> 16] === 0 || end < BLOCK - 1) continue
    for (const [form, at] of blocks.get(hash) ?? []) {
      const start = end - BLOCK + 1
      const [shift, until] = compared.get(form) ?? [0, 0]
      if (shift === start - at && start < until) continue
      let [from, to] = [start, start]
      while (from > 0 && start - from < at && codes[from - 1] === form[at - 1 - (start - from)]) from--
      while (to < codes.length && at + to - start < form.length && codes[to] === form[at + to - start]) to++
      compared.set(form, [start - at, to])
      if (to - from >= pieceOf(form)) ranges.push([from, to])
    }
  }
  return ranges
}

/** Whether any secret is known that a text could contain. */
export const areKnown = (): boolean => known.size > 0

/** The text with each known secret, and each piece of one, hidden. Most texts are returned unchanged. */
export const without = (text: string): string => {
  if (!areKnown() || text.length < WORD) return text
  index ??= build()
  const { codes, places } = squeezed(text)
  const ranges = found(index, codes)
  const plain = ranges.length === 0 ? text : cut(text, ranges, places)
  return index.words === undefined ? plain : plain.replace(index.words, HIDDEN)
}

const cut = (text: string, ranges: ReadonlyArray<Range>, places: Uint32Array): string => {
  let out = ""
  let done = 0
  for (const [from, to] of [...ranges].sort(([a], [b]) => a - b)) {
    const [begin, end] = [places[from] ?? 0, (places[to - 1] ?? 0) + 1]
    if (end <= done) continue
    // a piece that touches or overlaps the previous one is hidden with it
    if (done === 0 || begin > done) out += `${text.slice(done, begin)}${HIDDEN}`
    done = end
  }
  return out + text.slice(done)
}

/** A key without its first and last line, which all keys share. */
const bare = (secret: string): string => secret.replace(/-----[A-Z ]+-----/g, "").trim()

/** Hides a secret for one more user, or for `uses` more; each needs a `remove`. */
export const add = (secret: string, uses = 1): void => {
  const text = bare(secret)
  if (text.length < WORD) return
  const before = known.get(text)
  if (before === undefined) index = undefined
  known.set(text, { forms: before?.forms ?? formsIn(text), uses: (before?.uses ?? 0) + uses })
}

/** Hides a secret for one user less. */
export const remove = (secret: string): void => {
  const text = bare(secret)
  const before = known.get(text)
  if (before === undefined) return
  before.uses--
  if (before.uses > 0) return
  known.delete(text)
  index = undefined
}

/** Hides a secret until the process ends. */
export const keep = (secret: string): void => add(secret, Number.POSITIVE_INFINITY)

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/**
 * Hides the credentials in an address, if any: the password, or the user if there is none, and the values of its
 * parameters. The address need not be well-formed.
 */
export const keepIn = (address: string): void => {
  const [, user = "", password = ""] = address.match(/^\s*(?:[a-z][a-z0-9+.-]*:\/\/)?([^:@/]*)(?::(.*))?@/is) ?? []
  const parameters = address.includes("://") ? [...address.matchAll(/[?&][^=&#]*=([^&#]+)/g)] : []
  for (const secret of [password || user, ...parameters.map(([, value = ""]) => value)])
    for (const text of [secret, decoded(secret)]) keep(text)
}

/** Hides the path of an address as well, and its last part: anybody who knows the path of a webhook may use it. */
export const keepPath = (address: string): void => {
  keepIn(address)
  const [, path = ""] = address.match(/^\s*[a-z][a-z0-9+.-]*:\/\/[^/?#\s]*(\/[^?#\s]+)/i) ?? []
  const last = path.split("/").findLast((part) => part !== "") ?? ""
  for (const secret of [path, last]) if (secret.length >= 8) keep(secret)
}

const names = new Set<string>()

/** Records that an environment variable holds a secret, so that the programs this one runs do not get it. */
export const keepName = (variable: string): void => void names.add(variable)

/** Whether a variable of this name holds a secret. */
export const isName = (variable: string): boolean => names.has(variable)

/** Removes secrets from the texts in the fields of an error; `reason` is one of the class's own words. */
const clean = (fields: unknown): unknown =>
  typeof fields === "object" && fields !== null
    ? Object.fromEntries(
        Object.entries(fields).map(([name, value]) => [
          name,
          typeof value === "string" && name !== "reason" ? without(value) : value
        ])
      )
    : fields

/**
 * Wraps a class of errors so that its texts lose any secrets they echo on construction, and no error keeps one in
 * memory.
 */
export const hiding = <Class extends abstract new (...given: Array<never>) => object>(errors: Class): Class =>
  new Proxy(errors, {
    construct: (of, [fields, ...options], self) => Reflect.construct(of, [clean(fields), ...options], self)
  })
