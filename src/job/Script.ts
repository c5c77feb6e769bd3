/** A bash script as the program that runs in the guest. */
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { Program, Start } from "./Guest.ts"
import { quoted } from "./GuestNetwork.ts"
import startProgram from "./start-program.bash"

/** What runs in the guest for a job. */
export const Script = Schema.Struct({
  /**
   * Text of the script. It runs in the home folder of the guest's user, without input, with the variables of the network.
   * It may hold a secret: it is never logged, nor an argument of a command.
   */
  bash: Schema.String,
  /** Files of the host that are copied into that folder before. */
  files: Schema.optional(Schema.Array(Schema.String))
})
export type Script = typeof Script.Type

const START = "start.bash"

/** How a script is started as a program: it is written into the program's folder, which also gets what it leaves. */
export const startOf = ({ name, folder }: Program, { bash, files = [] }: Script): Start => {
  const write = (file: string, text: string) => `printf %s ${quoted(text)} >${folder}/${file}`
  const lines = ["set -e", "umask 077", `mkdir -p ${folder}`, write(START, startProgram), write(`${name}.bash`, bash)]
  return {
    what: "starting the script in the VM",
    files,
    prepare: [{ name: "writing the script", bash: ["-s"], input: Redacted.make(`${lines.join("\n")}\n`) }],
    start: { name: START, bash: [`${folder}/${START}`, name], input: "network" }
  }
}
