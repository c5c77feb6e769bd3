/** What `--help` prints about the simulator and each of its commands. */

const TEMPLATE = [
  "  --template NAME[:TAG]   a template on the host; may be given more than once.",
  "                          A UUID may stand in place of a name. Default: sequoia:v1"
]

/** The text about each command. */
export const HELP = {
  world: [
    "$ anklet simulate world DIR [--template NAME[:TAG]]… [--no-start]",
    "",
    "Makes a world to try Anklet in: a simulated Mac, a simulated GitHub and a config, all in",
    "the folder DIR. Starts GitHub and the daemon, and prints the commands to type. For a world",
    "that is there already, it starts what does not run.",
    "",
    ...TEMPLATE,
    "  --no-start              start GitHub, but not the daemon"
  ],
  queue: [
    '$ anklet simulate queue [-n 1] [--steps "sleep 5"] [--template NAME] [--world DIR]',
    "",
    "Queues a run at the simulated GitHub of a world.",
    "",
    "  -n NUMBER           number of jobs in the run; default 1",
    '  --steps "COMMANDS"  what each job runs, in bash; default "sleep 5"',
    "  --template NAME     the template that the jobs name, by name or UUID, with :TAG; default the world's first",
    '  --name NAME         name of the jobs; default "test"',
    "  --world DIR         the folder of the world; default that of the anklet command that is used"
  ],
  end: [
    "$ anklet simulate end [DIR]",
    "",
    "Stops the daemon of a world, which cleans up, and its GitHub. The folder stays:",
    "`anklet simulate world DIR` starts both again, and `rm -r DIR` removes it."
  ],
  host: [
    "$ anklet simulate host DIR [--template NAME[:TAG]]… [--registry NAME[:TAG]]…",
    "",
    "Makes a simulated Mac in the folder DIR, with an `anka` to put first in PATH.",
    "",
    ...TEMPLATE,
    "  --registry NAME[:TAG]   a template that the host can pull; may be given more than once"
  ],
  github: [
    "$ anklet simulate github [--port NUMBER] [--prefix /api/v3]",
    "",
    "Runs a simulated GitHub until Ctrl-C, and prints its address, the value for `api_url`.",
    "docs/simulator.md says how to drive it over HTTP.",
    "",
    "  --port NUMBER   port on 127.0.0.1; default any free one",
    "  --prefix PATH   put in front of every path of the API, as an Enterprise Server does"
  ],
  anka: [
    "$ anklet simulate anka WORDS…",
    "",
    "The simulated `anka`: takes the words of the real one. The environment variable",
    "ANKA_SIM_HOME names the folder of its host, which `anklet simulate host DIR` makes."
  ],
  runner: ["$ anklet simulate runner …", "", "The stand-in for GitHub's runner program, started inside a simulated VM."]
} as const satisfies Readonly<Record<string, ReadonlyArray<string>>>

/** A command of the simulator. */
export type Name = keyof typeof HELP

/** Whether there is a command of this name. */
export const isName = (word: string): word is Name => Object.hasOwn(HELP, word)

/** All commands, one line for each. */
export const OVERVIEW = [
  "$ anklet simulate COMMAND …",
  "",
  "A simulated Mac and a simulated GitHub, for dry runs: docs/simulator.md.",
  "",
  "  world    a whole world in a folder, started, with the commands to type",
  "  queue    queue jobs in a world",
  "  end      stop a world",
  "  host     a simulated Mac in a folder",
  "  github   a simulated GitHub, until Ctrl-C",
  "  anka     the simulated anka",
  "",
  "Each has a --help."
]
