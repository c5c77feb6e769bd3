/** The command line of `anka`: global flags first, options before and after the other words. */

/** A call, taken apart. */
export interface Call {
  readonly json: boolean
  /** The command and, for two-word commands, its second word. */
  readonly words: ReadonlyArray<string>
  readonly options: Readonly<Record<string, string>>
  /** Options that may be given more than once. */
  readonly repeated: ReadonlyArray<string>
  readonly rest: ReadonlyArray<string>
}

const GLOBAL = new Set(["-j", "--machine-readable", "--debug"])
/** Options that take a value, under their long name. */
const VALUED: Readonly<Record<string, string>> = {
  "-t": "tag",
  "--tag": "tag",
  "-r": "remote",
  "--remote": "remote",
  "-a": "remote",
  "-w": "workdir",
  "--workdir": "workdir",
  "-e": "env",
  "-f": "file",
  "--field": "field",
  "--env-file": "file"
}
const TWO_WORDS = new Set(["registry", "license"])

/** Take a command line apart. In `run`, everything behind the VM's name belongs to the guest. `isJson`: as if it said `-j`. */
export const parse = (argv: ReadonlyArray<string>, isJson = false): Call => {
  const words: Array<string> = []
  const rest: Array<string> = []
  const options: Record<string, string> = {}
  const repeated: Array<string> = []
  let json = isJson
  let literal = false
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? ""
    const [command] = words
    if (literal) rest.push(word)
    else if (command === undefined && GLOBAL.has(word)) json ||= word !== "--debug"
    else if (command === undefined && word === "--version") words.push("version")
    else if (word.startsWith("-") && word !== "-") {
      const name = VALUED[word]
      const flag = name === undefined || isFlag(command, word)
      if (flag) options[word.replace(/^-+/, "")] = "yes"
      else if (name === "env" || name === "field") repeated.push(argv[++i] ?? "")
      else options[name] = argv[++i] ?? ""
    } else if (command === undefined || (words.length === 1 && TWO_WORDS.has(command))) words.push(word)
    else {
      rest.push(word)
      literal = command === "run"
    }
  }
  return { json, words, options, repeated, rest }
}

/** The same letter means another thing in another command. */
const isFlag = (command: string | undefined, word: string): boolean =>
  (word === "-r" && command === "list") ||
  (word === "-f" && (command === "stop" || command === "start" || command === "list" || command === "cp")) ||
  (word === "-a" && command !== "registry")
