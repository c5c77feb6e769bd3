/**
 * The commands that messages advise. Each names the config that this process was given, so that it acts on the same
 * daemon when it is pasted.
 */

/** ` -c FILE`; empty for the default config. */
let flag = ""

/** A word for a POSIX shell, in quotes where it needs them. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./~-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

/** From here on, advised commands name this config file; with `undefined`, none. */
export const about = (file: string | undefined): void => {
  flag = file === undefined ? "" : ` -c ${quoted(file)}`
}

/** A command line of this program: `anklet` followed by `words`, e.g. `anklet -c FILE status`. */
export const anklet = (words = ""): string => `anklet${flag}${words === "" ? "" : ` ${words}`}`
