/** What somebody added to a script of Anklet 1 or 2, and where that belongs now. Pure. */

/** Lines of a script, by their numbers, and where they belong. */
export interface Added {
  readonly to: "prepare.bash" | "after.bash" | "runner.env"
  readonly lines: ReadonlyArray<number>
  /** Names of the variables that the lines set; their values may be secrets. */
  readonly names: ReadonlyArray<string>
}

/** Lines that those versions had in their scripts, however they are spelt. */
const THEIRS: ReadonlyArray<RegExp> = [
  /^$/,
  /^#/,
  /^set [-+]/,
  /^(?:RUNNER_HOME|RUNNER_ARCH|RUNNER_GROUP_FLAG|GITHUB_RUNNER_VERSION|RUNNER_VERSION)=/,
  /^(?:mkdir -p|cd) ["']?(?:\$\{?RUNNER_HOME\b|(?:~\/|\$HOME\/)?actions-runner)/,
  /^\[ -z "?\$\{?\d/,
  /^if \[.*(?:\$\{?\d|RUNNER_ARCH|RUNNER_HOME)/,
  /^(?:then|else|fi)$/,
  /actions\/runner\/releases|actions-runner-(?:osx|\$)/,
  /\b(?:config|svc)\.sh\b/,
  /^--(?:name|token|url|labels|no-default-labels|disableupdate|unattended|ephemeral|runnergroup|replace|work)\b/,
  /^\$\{?RUNNER_GROUP_FLAG\}?$/,
  /^echo ["']?runner (?:successfully|started|configured|installed|registered)/
]

/** A variable that is set for what follows. */
const EXPORT = /^export ([A-Za-z_]\w*)=/

/** The line that starts the runner. */
const START = /\bsvc\.sh["']? start\b/

/** What is not Anklet's in a script of those versions. */
export const addedIn = (text: string): ReadonlyArray<Added> => {
  const lines = text.split("\n").map((line) => line.trim())
  const started = lines.findIndex((line) => START.test(line))
  const all = lines.flatMap((line, index) => {
    if (THEIRS.some((theirs) => theirs.test(line))) return []
    const [, name] = line.match(EXPORT) ?? []
    const to: Added["to"] =
      name !== undefined ? "runner.env" : started >= 0 && index > started ? "after.bash" : "prepare.bash"
    return [{ to, line: index + 1, name }]
  })
  return (["prepare.bash", "after.bash", "runner.env"] as const).flatMap((to) => {
    const those = all.filter((added) => added.to === to)
    return those.length === 0
      ? []
      : [
          {
            to,
            lines: those.map(({ line }) => line),
            names: those.flatMap(({ name }) => (name === undefined ? [] : [name]))
          }
        ]
  })
}
