/** Reads a command line that only starts the daemon without the parser, which would stay in memory with `--attach`. */

/** How to start the daemon. */
export interface Plain {
  readonly config: string | undefined
  readonly attach: boolean
  readonly once: boolean
}

/**
 * Undefined for a command line with anything else in it, or with a mistake, which the parser reports; `start` may be its
 * first word. Pure.
 */
export const plain = ([first, ...others]: ReadonlyArray<string>): Plain | undefined => {
  const args = first === undefined ? [] : first === "start" ? others : [first, ...others]
  let asked: Plain = { config: undefined, attach: false, once: false }
  for (let index = 0; index < args.length; index++) {
    const word = args[index]
    const value = args[index + 1]
    if (word === "--attach" && !asked.attach) asked = { ...asked, attach: true }
    else if (word === "--once" && !asked.once) asked = { ...asked, once: true }
    else if ((word === "-c" || word === "--config") && asked.config === undefined && isFile(value)) {
      asked = { ...asked, config: value }
      index++
    } else return undefined
  }
  return asked
}

const isFile = (value: string | undefined): value is string =>
  value !== undefined && value !== "" && !value.startsWith("-")
