/** What a program in the guest wrote to its log: read before the VM goes, and made fit for our own log. */
import * as Effect from "effect/Effect"
import { without } from "../secrets/Secrets.ts"
import { visible } from "../text/Text.ts"
import type { Vm } from "./Vm.ts"

/** Maximum number of bytes that are read of the log's end. */
const TAIL = 8192
/** Timeout of reading it: this may hold nothing up. */
const READ_WITHIN = "10 seconds"
/** Maximum number of lines that are shown, and of characters in each. */
const LINES = 5
/** Maximum number of characters of a line that is kept in a file. */
const WHOLE = 2000
const COLUMNS = 200

/** Text that signs somebody in, and what is put in its place. */
export type Secrets = ReadonlyArray<readonly [RegExp, string]>

/** Values under names that tell what they are, and the long words that keys and configurations are made of. */
const SECRETS: Secrets = [
  [/\b(bearer|basic) +\S+/gi, "$1 […]"],
  [/(\w*(?:token|secret|password|jitconfig)["']?\s*[=:]\s*)\S+/gi, "$1[…]"],
  [/[\w+/=-]{60,}|[\w=-]{40,}/g, "[…]"]
]

/** Colours and the like, which a terminal would obey, and which say nothing to a person. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
const COLOURS = /\u001b\[[0-9;?]*[ -/]*[@-~]/g

const redacted = (line: string, secrets: Secrets): string =>
  [...secrets, ...SECRETS].reduce((line, [secret, put]) => line.replace(secret, put), line)

/** The beginning of a line, whole words of it: half a secret would not look like one. */
const begun = (line: string): string =>
  line.length <= WHOLE ? line : `${line.slice(0, line.lastIndexOf(" ", WHOLE) + 1)}[…]`

/**
 * Foreign text line by line, without what would move a terminal, and without secrets. Long lines are cut first, because
 * looking for secrets takes time that grows with the square of a line's length.
 */
export const lines = (text: string, secrets: Secrets): ReadonlyArray<string> =>
  without(text)
    .split(/\r?\n|\r/)
    .map((line) => visible(redacted(begun(line).replace(COLOURS, ""), secrets), WHOLE))

/** Foreign text as one line for our log: nothing that moves a terminal, nothing secret, and not too much of it, counted from its end. */
export const clean = (text: string, secrets: Secrets): string =>
  without(text)
    .split(/\r?\n|\r/)
    .map((line) => redacted(line.replace(COLOURS, ""), secrets).trim())
    .filter((line) => line !== "")
    .slice(-LINES)
    .map((line) => visible(line, COLUMNS))
    .join(" | ")

/** The end of a file in the guest, whole lines of it; fails where the guest does not answer. */
export const tail = (vm: Vm, file: string) =>
  vm
    .run(["bash", "-c", `tail -c ${TAIL} ${file} 2>/dev/null`], { timeout: READ_WITHIN })
    .pipe(
      Effect.map(({ stdout }) => (Buffer.byteLength(stdout) < TAIL ? stdout : stdout.slice(stdout.indexOf("\n") + 1)))
    )
