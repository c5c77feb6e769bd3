/** The home folder of the user, even if `HOME` does not name it. */
import { spawnSync } from "node:child_process"
import { userInfo } from "node:os"
import { isAbsolute } from "node:path"

const SHELL = "/bin/sh"

/**
 * The home that the system has on record. Bun's `userInfo` repeats `HOME`, so a shell is asked if that is of no use.
 */
const known = (): string | undefined => {
  try {
    const { homedir } = userInfo()
    if (isAbsolute(homedir)) return homedir
  } catch {
    // the system knows no user with the number that this process runs under
  }
  const { stdout } = spawnSync(SHELL, ["-c", 'eval echo "~$(id -un)"'], { encoding: "utf8", timeout: 10_000 })
  const said = (stdout ?? "").trim()
  return isAbsolute(said) ? said : undefined
}

/**
 * The folder that `HOME` names or, if that is missing, empty or relative, the one that the system has on record;
 * undefined if there is none.
 */
export const userHome = (HOME: string | undefined): string | undefined =>
  HOME !== undefined && isAbsolute(HOME) ? HOME : known()
