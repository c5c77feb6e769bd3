/** What the system says about a file, for people. Pure. */

/** A failed operation: one of the system, or any other error. */
interface Failed {
  readonly message: string
  readonly _tag?: string
  readonly reason?: string
  readonly description?: string | undefined
  readonly pathOrDescriptor?: string | number | undefined
}

/** Why an operation on a file failed, without the function that was called: `permission denied: /path`. */
export const said = ({ _tag, message, reason = "", description = "", pathOrDescriptor }: Failed): string => {
  if (_tag !== "SystemError") return message
  // Node writes "EACCES: permission denied, open '/path'"
  const [, words] = description.match(/^E[A-Z0-9]+: ([^,]+)/) ?? []
  const why = words ?? reason.replace(/(?!^)[A-Z]/g, (letter) => ` ${letter}`).toLowerCase()
  return pathOrDescriptor === undefined ? why : `${why}: ${pathOrDescriptor}`
}
