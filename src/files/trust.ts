/**
 * Whom this process trusts with a file: its own user and root, as ssh does.
 *
 * A name that belongs to one of them, in a folder that nobody else may change, cannot be replaced by another: so the
 * file that was checked is the file that is opened afterwards. A folder that everyone may write to is as safe if it has
 * the sticky bit (stat(2): only the owner of a file renames or removes it), except for names that do not exist yet.
 */
import type { Named } from "./Lstat.ts"

/** Why something is not trusted, and how to fix it. */
export interface Doubt {
  readonly why: string
  readonly remedy: string
}

const GROUP_WRITES = 0o020
const OTHERS_WRITE = 0o002
const STICKY = 0o1000

/** The group of users who may become root on a Mac (`id -g admin`), who own Homebrew's folders together. */
const ADMIN = 80

const user = () => process.getuid?.() ?? 0

/** Whether this process trusts files of a user. */
export const isTrusted = (uid: number): boolean => uid === 0 || uid === user()

/**
 * Whether the members of a group can do no harm: root's group, the administrators', and the private group of a Linux
 * user, which has the user's number. `staff`, to which everyone on a Mac belongs, is none of these.
 */
const isHarmless = (gid: number): boolean =>
  gid === 0 || (process.platform === "darwin" && gid === ADMIN) || (gid === user() && gid === process.getgid?.())

const mayBeWritten = ({ mode, gid }: Named): boolean =>
  (mode & OTHERS_WRITE) !== 0 || ((mode & GROUP_WRITES) !== 0 && !isHarmless(gid))

const isSticky = ({ mode }: Named): boolean => (mode & STICKY) !== 0

/** Whether others may create names of their own in a folder that is trusted nevertheless. */
export const isShared = (folder: Named): boolean => mayBeWritten(folder) && isSticky(folder)

const foreign = ({ uid }: Named, path: string, elsewhere: string): Doubt => ({
  why: `belongs to another user (number ${uid})`,
  remedy: `if it should be yours, \`sudo chown ${user()} ${path}\`; if not, ${elsewhere}`
})

/**
 * What is wrong with a folder on the path to a file. A group-writable folder is refused only if it contains the file
 * itself: the root of a volume is made group-writable, and homes are on volumes.
 */
export const doubtOfFolder = (folder: Named, path: string, isLast: boolean): Doubt | undefined => {
  if (!isTrusted(folder.uid)) return foreign(folder, path, "choose another folder in the config")
  if (isSticky(folder) || !mayBeWritten(folder)) return undefined
  if (!isLast && (folder.mode & OTHERS_WRITE) === 0) return undefined
  return {
    why: "may be written by other users, who could put anything in the place of what is in it",
    remedy: `\`chmod go-w ${path}\`, or choose another folder in the config`
  }
}

/** What is wrong with a link on the path to a file: in a folder that everyone may write to, anyone may have made it. */
export const doubtOfLink = (link: Named, path: string): Doubt | undefined =>
  isTrusted(link.uid) ? undefined : foreign(link, path, "have it removed, or choose another folder in the config")

/** What is wrong with a file, or a socket, in this folder. */
export const doubtOfFile = (
  file: Named,
  path: string,
  { type, inShared }: { readonly type: "File" | "Socket"; readonly inShared: boolean }
): Doubt | undefined => {
  if (!isTrusted(file.uid)) return foreign(file, path, "have it removed, or choose another folder in the config")
  if (file.type === "SymbolicLink")
    return { why: "is a symbolic link, and Anklet's own files are not", remedy: `\`rm ${path}\`` }
  if (file.type !== type)
    return {
      why: `is not a ${type === "File" ? "regular file" : "socket"}`,
      remedy: `move it away: \`mv ${path} ${path}.old\``
    }
  if (inShared && type === "File" && file.links > 1)
    return {
      why: "is a second name of a file that lies elsewhere, in a folder where everybody may make one",
      remedy: `\`rm ${path}\``
    }
  // the permission bits of a socket are checked when connecting to it
  if (type === "File" && mayBeWritten(file))
    return { why: "may be written by other users", remedy: `look at what it says, then \`chmod go-w ${path}\`` }
  return undefined
}
