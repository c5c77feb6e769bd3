/** `anklet completions bash | zsh | fish`: a script by which the shell completes commands and flags. */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import { outcome } from "./anklet.ts"
import { lines } from "./shown.ts"
import { say } from "./terminal.ts"

const SHELLS = ["bash", "zsh", "fish"] as const

/** A shell for which there are completions. */
export type Shell = (typeof SHELLS)[number]

/** The parser's own flags: they work, but are of no use to a person. */
const HIDDEN = /('--| -l )(completions|log-level|wizard)\b/

/**
 * Fixes a line of the parser's script for bash, which lacks commands of commands, needs a newer bash than that of
 * macOS, and offers a choice as one word.
 */
const corrected = (line: string): string =>
  line
    .replace(
      /^( +)(\w+(?:,[\w-]+)+),([\w-]+)\)$/,
      (_, indent, path, name) => `${indent}${path.replaceAll(",", "__")},${name})`
    )
    .replace(/-W "([\w,-]+)"/, (_, words) => `-W "${words.replaceAll(",", " ")}"`)
    .replace(/ --completions --log-level| --wizard/g, "")
    .replace(" -o nosort", "")

/**
 * For bash: suggests nothing after a flag without a value except what may follow anyway, and files only for a config.
 */
const withoutNoise = (script: string): string =>
  script
    .replace(/^ +[\w|-]+\)\n +COMPREPLY=\( "\$\{cur\}" \)\n +return 0\n +;;\n/gm, "")
    .replace(/^( +(?!-c\|--config\))[\w|-]+\)\n +COMPREPLY=)\( \$\(compgen -f "\$\{cur\}"\) \)/gm, "$1()")
    // the parser's script knows the flags of a command, but not its arguments
    .replace(/(anklet__completions\)\n +opts=")/, `$1${SHELLS.join(" ")} `)

/** The parser's script for a shell, corrected. */
const scriptFor = (shell: Shell, lines: ReadonlyArray<string>): string =>
  shell === "bash"
    ? withoutNoise(
        lines
          .flatMap((text) => text.split("\n"))
          .map(corrected)
          .join("\n")
      )
    : lines
        .flatMap((text) => text.split("\n"))
        .filter((line) => !HIDDEN.test(line))
        // the config is a file, also where the parser takes it for text
        .map((line) =>
          line.replace(/'((?:-c|--config)\[[^\]]*\])'/, "'$1:PATH:_files'").replace(/(-s c -l config -r) -f /, "$1 -F ")
        )
        // zsh needs the name of an argument without its kind
        .map((line) => line.replace(/':<(\w+)>:[A-Z]+:/, "':$1:"))
        .join("\n")

/** `anklet completions`; `scriptOf` returns the parser's script for all commands. */
export const completions = (scriptOf: (shell: Shell) => Effect.Effect<ReadonlyArray<string>>) =>
  Command.make("completions", { shell: Args.choice(SHELLS.map((name) => [name, name] as const)) }, ({ shell }) =>
    outcome(
      Effect.as(
        Effect.flatMap(scriptOf(shell), (texts) => say(lines(scriptFor(shell, texts).split("\n")))),
        0
      )
    )
  ).pipe(Command.withDescription("print a script that lets bash, zsh or fish complete anklet's commands"))
