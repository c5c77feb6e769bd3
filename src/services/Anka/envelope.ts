/** What `anka -j` prints, and what kind of failure it tells; pure. The command's contract is not written down by its maker: every key may be missing. */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { without } from "../../secrets/Secrets.ts"
import * as Limits from "../../text/Limits.ts"
import type { ExecResult } from "../Exec.ts"

/** The result object: `status` is `OK`, or it failed. */
export const Envelope = Schema.Struct({
  status: Schema.String,
  body: Schema.optional(Schema.Unknown),
  message: Schema.optional(Schema.NullOr(Schema.String)),
  code: Schema.optional(Schema.Number)
})
export type Envelope = typeof Envelope.Type

const decode = Schema.decodeUnknownOption(Schema.parseJson(Envelope))

/**
 * The last line that is a result object; progress lines before it, and blank ones, are passed over. What it says of a
 * failure is cut: patterns are looked for in it, and a person reads it.
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

/** The kinds of failure that callers tell apart. */
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

/** Patterns of Anka's messages, from its release notes, its troubleshooting pages and public clients; the first that matches counts. */
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

/** Codes that Anka uses (its 2.x constants, still sent by 3.x). */
const CODES: Readonly<Record<number, Reason>> = { 3: "NotFound", 18: "NameExists", 30: "RegistryUnavailable" }

/** What kind of failure a message and a code tell; what is not recognised stays `Failed`. */
export const classify = (message: string, code: number | undefined): Reason =>
  PATTERNS.find(([pattern]) => pattern.test(message))?.[1] ?? CODES[code ?? 0] ?? "Failed"

/** How a call went: the body of its result, or why it failed. `Left(undefined)`: it printed no result at all. */
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
