/**
 * The secrets that this process knows, and texts without them: servers, guests and programs echo what they were sent.
 *
 * A secret is found as it is and encoded (URL, JSON, HTML, shell, hex, base64 at each offset), in either case, with white
 * space in it, and in part: pieces of 12 characters are enough. One of fewer than 8 characters is looked for as a whole
 * word, if it has letters and something else in it: nobody could read a log in which every "ci" is hidden.
 *
 * Loads nothing: the last words of a process need it before there is anything else.
 */
import { formsOf } from "./forms.ts"

/** What stands in the place of a secret. */
export const HIDDEN = "<redacted>"

/** Characters of an encoded secret that are looked for anywhere, at least. */
const SHORTEST = 8
/** Characters of a shorter one that is looked for as a word, at least. */
const WORD = 4
/** Characters of a piece that is hidden, at least: more of a secret that has thousands, or its index would take megabytes. */
const pieceOf = ({ length }: Form): number => Math.min(Math.max(12, length >> 5), 64, length)
/** Characters that are hashed. */
const BLOCK = 6

/** Places that are kept of one block: a secret that repeats itself has it often. */
const ALIKE = 16

/** A multiplier of hashes (Rabin and Karp, 1987), and its power that takes the first character of a block away. */
const BASE = 0x01000193
const FIRST = Array.from({ length: BLOCK }).reduce<number>((power) => Math.imul(power, BASE), 1)

/** A secret in one of its encodings, by the codes of its characters. */
type Form = Uint16Array

interface Index {
  /** Places of the forms, by the hash of the block that begins there. */
  readonly blocks: ReadonlyMap<number, ReadonlyArray<readonly [form: Form, at: number]>>
  /** Which hashes there may be, by their upper half. */
  readonly some: Uint8Array
  /** Short secrets. */
  readonly words: RegExp | undefined
}

/** A secret, and what it is looked for as. */
interface Known {
  readonly forms: ReadonlyMap<string, Form>
  /** How many there are for whom it is hidden. */
  uses: number
}

const known = new Map<string, Known>()
let index: Index | undefined

/** Code of a character that says the same in either case and in either alphabet of base64; 0 for what is passed over. */
const codeOf = (code: number): number => {
  if (code <= 0x20 || (code >= 0x7f && code <= 0xa0) || code === 0xad) return 0
  if (code >= 0x41 && code <= 0x5a) return code + 0x20
  if (code === 0x2b) return 0x2d
  if (code === 0x2f) return 0x5f
  return (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x2064) || code === 0xfeff ? 0 : code
}

/** A text without what is passed over, and where each character stands in it. */
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

/** Whether a secret that is too short for more is no word of any language, and no number. */
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
    // at such distances that each piece has a whole block in it
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

/** A stretch of a text. */
type Range = readonly [from: number, to: number]

/** Where pieces of secrets are in a squeezed text, in the order in which they end. */
const found = ({ blocks, some }: Index, codes: Uint16Array): ReadonlyArray<Range> => {
  const ranges: Array<Range> = []
  /** How far each form was compared, at which distance: a long piece has many blocks. */
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

/** Whether there is any secret that a text could have in it. */
export const areKnown = (): boolean => known.size > 0

/** A text in which each secret that this process knows, and each piece of one, is hidden. Most texts come back as they are. */
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
    // one beside or across the one before is hidden with it
    if (done === 0 || begin > done) out += `${text.slice(done, begin)}${HIDDEN}`
    done = end
  }
  return out + text.slice(done)
}

/** A key without the lines around it, which all keys have. */
const bare = (secret: string): string => secret.replace(/-----[A-Z ]+-----/g, "").trim()

/** Hide a secret once more, or as many times as is told: each is taken back by `remove`. */
export const add = (secret: string, uses = 1): void => {
  const text = bare(secret)
  if (text.length < WORD) return
  const before = known.get(text)
  if (before === undefined) index = undefined
  known.set(text, { forms: before?.forms ?? formsIn(text), uses: (before?.uses ?? 0) + uses })
}

/** Hide a secret once less. */
export const remove = (secret: string): void => {
  const text = bare(secret)
  const before = known.get(text)
  if (before === undefined) return
  before.uses--
  if (before.uses > 0) return
  known.delete(text)
  index = undefined
}

/** Hide a secret for as long as this process lives. */
export const keep = (secret: string): void => add(secret, Number.POSITIVE_INFINITY)

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Hide what signs in by an address, if anything does: the password, or the user where there is none, and what its parameters say. It may be no address by the book. */
export const keepIn = (address: string): void => {
  const [, user = "", password = ""] = address.match(/^\s*(?:[a-z][a-z0-9+.-]*:\/\/)?([^:@/]*)(?::(.*))?@/is) ?? []
  const parameters = address.includes("://") ? [...address.matchAll(/[?&][^=&#]*=([^&#]+)/g)] : []
  for (const secret of [password || user, ...parameters.map(([, value = ""]) => value)])
    for (const text of [secret, decoded(secret)]) keep(text)
}

const names = new Set<string>()

/** A variable of the environment holds a secret: the programs that this one runs do not get it. */
export const keepName = (variable: string): void => void names.add(variable)

/** Whether a variable holds a secret, by its name. */
export const isName = (variable: string): boolean => names.has(variable)

/** Fields of an error, their texts without secrets; `reason` is one of the class's own words. */
const clean = (fields: unknown): unknown =>
  typeof fields === "object" && fields !== null
    ? Object.fromEntries(
        Object.entries(fields).map(([name, value]) => [
          name,
          typeof value === "string" && name !== "reason" ? without(value) : value
        ])
      )
    : fields

/** A class of errors whose texts lose what they echo of secrets as soon as they are made, so that none has one in memory. */
export const hiding = <Class extends abstract new (...given: Array<never>) => object>(errors: Class): Class =>
  new Proxy(errors, {
    construct: (of, [fields, ...options], self) => Reflect.construct(of, [clean(fields), ...options], self)
  })
