/** What a host adds to the VM of each job: a script before the runner starts, one after the job, and variables. Pure. */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Variables from "./Variables.ts"

/** Texts of the two scripts, and the variables of what runs the job. */
export interface Additions {
  /** Bash that runs in the VM before the runner starts. */
  readonly prepare: Option.Option<string>
  /** Bash that runs in the VM after the job. */
  readonly after: Option.Option<string>
  /** Variables of the runner, and of the two scripts. */
  readonly variables: ReadonlyArray<Variables.Variable>
}

/** Nothing is added. */
export const NONE: Additions = { prepare: Option.none(), after: Option.none(), variables: [] }

/** Names of their files. */
export const FILES = { prepare: "prepare.bash", after: "after.bash", variables: "runner.env" } as const

/** Why a file cannot be used, and what to do about it. */
export interface Doubt {
  readonly why: string
  readonly remedy: string
}

/** Maximum number of bytes of a file: it goes into each VM through a pipe. */
const LARGEST = 256 << 10

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** The text of a file; fails where it is none, or one that bash would not read as its author did. */
const textOf = (path: string, bytes: Uint8Array): Either.Either<string, Doubt> => {
  if (bytes.length > LARGEST)
    return Either.left({
      why: `has more than ${LARGEST >> 10} KiB`,
      remedy: "put what is large into the template, or let the script download it"
    })
  return Either.try({
    try: () => decoder.decode(bytes),
    catch: () => ({ why: "is no text in UTF-8", remedy: "write it in UTF-8" })
  }).pipe(
    Either.filterOrLeft(
      (text) => !text.includes("\0"),
      () => ({ why: "has a zero byte, and is no text", remedy: "write it as text" })
    ),
    Either.filterOrLeft(
      (text) => !text.startsWith("\ufeff"),
      () => ({
        why: "begins with a byte order mark, which bash takes for a part of the first word",
        remedy: `save it as UTF-8 without one: \`perl -pi -e 's/^\\xef\\xbb\\xbf// if $. == 1' '${path}'\``
      })
    )
  )
}

/** The lines that end as those of Windows do. */
const crlf = (text: string): number => text.split("\n").findIndex((line) => line.endsWith("\r")) + 1

/** The text of a script; fails where bash could not run it. */
export const script = (path: string, bytes: Uint8Array): Either.Either<string, Doubt> =>
  Either.flatMap(textOf(path, bytes), (text) => {
    const line = crlf(text)
    if (line > 0)
      return Either.left({
        why: `ends line ${line} as Windows does (CR LF), and bash takes the CR for a part of the command`,
        remedy: `\`perl -pi -e 's/\\r$//' '${path}'\``
      })
    const [, program = ""] = text.match(/^#!\s*(.*)/) ?? []
    return program === "" || /\b(?:ba)?sh\b/.test(program)
      ? Either.right(text)
      : Either.left({
          why: "names another program than bash in its first line, and is run by bash",
          remedy: "write it in bash, or call the other program in it"
        })
  })

/** The variables of a file; fails where a line of it is wrong. */
export const variables = (path: string, bytes: Uint8Array): Either.Either<ReadonlyArray<Variables.Variable>, Doubt> =>
  Either.flatMap(textOf(path, bytes), (text) =>
    Either.mapLeft(Variables.parse(text), (doubts) => ({
      why: `has ${doubts.length === 1 ? "a wrong line" : `${doubts.length} wrong lines`}`,
      remedy: doubts.join("; ")
    }))
  )
