/**
 * Parses what `anka -j` prints, and classifies its failures. Pure. Veertu does not document the format, so every key
 * may be missing.
 */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { without } from "../../secrets/Secrets.ts"
import * as Limits from "../../text/Limits.ts"
import type { ExecResult } from "../Exec.ts"

/** The result object: `status` is `OK`, or the call failed. */
export const Envelope = Schema.Struct({
  status: Schema.String,
  body: Schema.optional(Schema.Unknown),
  message: Schema.optional(Schema.NullOr(Schema.String)),
  code: Schema.optional(Schema.Number)
})
export type Envelope = typeof Envelope.Type

const decode = Schema.decodeUnknownOption(Schema.parseJson(Envelope))

/**
 * The last line that is a result object; progress lines and blank lines before it are skipped. An error message is
 * shortened, because it is matched against patterns and read by people.
 */
export const parse = (stdout: string): Option.Option<Envelope> => {
  const lines = stdout.split("\n").filter((line) => line.trim() !== "")
  for (const line of lines.slice(-Limits.LINES).reverse()) {
    const read = Limits.isShallow(line) ? decode(line) : Option.none()
    if (Option.isSome(read)) {
      const { message, ...rest } = read.value
      return Option.some({
        ...rest,
        ...(typeof message === "string" ? { message: Limits.kept(without(message), Limits.WORDS) } : {})
      })
    }
  }
  return Option.none()
}

/** The kinds of failure that callers distinguish. */
export type Reason =
  | "NotFound"
  | "NameExists"
  | "CapacityExceeded"
  | "RegistryUnavailable"
  | "TagUnknown"
  | "NoSpace"
  | "LicenseInvalid"
  | "VmFailed"
  | "GuestUnreachable"
  | "Failed"

/**
 * Patterns of Anka's messages, from its release notes, its troubleshooting pages and public clients; the first match
 * wins.
 */
const PATTERNS: ReadonlyArray<readonly [RegExp, Reason]> = [
  [/maximum number of running instances exceeded/i, "CapacityExceeded"],
  [/did not find any versions with tag|no such (version|tag)/i, "TagUnknown"],
  [/no space left|not enough (disk )?space|disk is full/i, "NoSpace"],
  [/licen[cs]e/i, "LicenseInvalid"],
  [
    /no registry configured|connection refused|could ?n[o']t (connect|resolve)|failed to connect|registry.*(unreachable|unavailable|timed? ?out)|^5\d\d /i,
    "RegistryUnavailable"
  ],
  [/communication (timeout|broken|error)/i, "GuestUnreachable"],
  [/already exists/i, "NameExists"],
  [/: not found|not found$/i, "NotFound"],
  [/no child processes|hypervisor failed|failed to start/i, "VmFailed"]
]

/** Codes that Anka uses (its 2.x constants, which 3.x still sends). */
const CODES: Readonly<Record<number, Reason>> = { 3: "NotFound", 18: "NameExists", 30: "RegistryUnavailable" }

/** The kind of failure that a message and a code describe; `Failed` if neither is recognised. */
export const classify = (message: string, code: number | undefined): Reason =>
  PATTERNS.find(([pattern]) => pattern.test(message))?.[1] ?? CODES[code ?? 0] ?? "Failed"

/**
 * The outcome of a call: the body of its result, or why it failed. `Left(undefined)` means that it printed no result.
 */
export const judge = (
  result: ExecResult
): Either.Either<
  { readonly body: unknown; readonly message: string },
  { readonly reason: Reason; readonly code: number; readonly detail: string } | undefined
> =>
  Option.match(parse(result.stdout), {
    onNone: () => Either.left(undefined),
    onSome: ({ status, body, message, code }) => {
      if (status === "OK" && result.code === 0) return Either.right({ body, message: message ?? "" })
      const detail =
        message ||
        Limits.kept(without(result.stderr.trim()), Limits.WORDS) ||
        `status ${Limits.kept(status, Limits.NAME)}`
      const number = code === undefined || code === 0 ? result.code : code
      return Either.left({ reason: classify(detail, number), code: number, detail })
    }
  })
