/** What the runner wrote to its log in the VM: read before the VM goes, and made fit for our own log. */
import * as Effect from "effect/Effect"
import type { Vm } from "../../job/Vm.ts"
import { without } from "../../secrets/Secrets.ts"
import { Anka } from "../../services/Anka.ts"
import { visible } from "../../text/Text.ts"

/** Bytes that are read of the log's end. A runner writes a few lines for its one job; the steps' output is not among them. */
const TAIL = 8192
/** Reading may hold nothing up. */
const READ_WITHIN = "10 seconds"
/** As much of it as a person needs: lines, and characters in each. */
const LINES = 5
const COLUMNS = 200

/** What signs somebody in: tokens of GitHub, values under telling names, and the long words that keys and configurations are made of. */
const SECRETS: ReadonlyArray<readonly [RegExp, string]> = [
  [/\b(?:gh[a-z]_|github_pat_)\w+/g, "[…]"],
  [/\b(bearer|basic) +\S+/gi, "$1 […]"],
  [/(\w*(?:token|secret|password|jitconfig)["']?\s*[=:]\s*)\S+/gi, "$1[…]"],
  [/[\w+/=-]{60,}|[\w=-]{40,}/g, "[…]"]
]

/** Colours and the like, which a terminal would obey, and which say nothing to a person. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
const COLOURS = /\u001b\[[0-9;?]*[ -/]*[@-~]/g

const redacted = (line: string): string => SECRETS.reduce((line, [secret, put]) => line.replace(secret, put), line)

/** Foreign text as one line for our log: nothing that moves a terminal, nothing secret, and not too much of it, counted from its end. */
export const clean = (text: string): string =>
  without(text)
    .split(/\r?\n|\r/)
    .map((line) => redacted(line.replace(COLOURS, "")).trim())
    .filter((line) => line !== "")
    .slice(-LINES)
    .map((line) => visible(line, COLUMNS))
    .join(" | ")

/** The end of the runner's log, whole lines of it; fails where the guest does not answer. */
const tail = (vm: Vm) =>
  Effect.flatMap(Anka, (anka) =>
    anka.run(vm.name, ["bash", "-c", `tail -c ${TAIL} actions-runner/runner.log 2>/dev/null`], { timeout: READ_WITHIN })
  ).pipe(
    Effect.map(({ stdout }) => (Buffer.byteLength(stdout) < TAIL ? stdout : stdout.slice(stdout.indexOf("\n") + 1)))
  )

/** The last lines of the runner's log, as the end of a message; empty where there are none, or the guest does not answer. */
export const lastWords = (vm: Vm) =>
  tail(vm).pipe(
    Effect.map(clean),
    Effect.tapError((error) => Effect.logDebug(`the runner's log cannot be read: ${error.message}`)),
    Effect.orElseSucceed(() => ""),
    Effect.map((words) => (words === "" ? "" : `. The last lines of its runner.log: ${words}`))
  )

/**
 * Whether the runner says that it runs a job. It knows where GitHub denies all: a deleted repository and a credential that
 * lost its access look alike. A guest that does not answer may well be at work.
 */
export const isAtWork = (vm: Vm) =>
  tail(vm).pipe(
    // "2026-01-01 00:00:00Z: Running job: build", and "…: Job build completed with result: Succeeded" at its end
    Effect.map((log) =>
      log.split("\n").findLast((line) => /: Running job: |: Job .* completed with result: /.test(line))
    ),
    Effect.map((line) => line?.includes(": Running job: ") === true),
    Effect.orElseSucceed(() => true)
  )
