/** The home folder of the user, who need not have said where it is. */
import { spawnSync } from "node:child_process"
import { userInfo } from "node:os"
import { isAbsolute } from "node:path"

const SHELL = "/bin/sh"

/** What the system knows of the user. Bun's `userInfo` repeats `HOME`, so a shell is asked where that is no use. */
const known = (): string | undefined => {
  try {
    const { homedir } = userInfo()
    if (isAbsolute(homedir)) return homedir
  } catch {
    // no user of this system has the number that this process runs under
  }
  const { stdout } = spawnSync(SHELL, ["-c", 'eval echo "~$(id -un)"'], { encoding: "utf8", timeout: 10_000 })
  const said = (stdout ?? "").trim()
  return isAbsolute(said) ? said : undefined
}

/** The folder that `HOME` names, and where that is missing, empty or relative, the one that the system knows; undefined where it knows none. */
export const userHome = (HOME: string | undefined): string | undefined =>
  HOME !== undefined && isAbsolute(HOME) ? HOME : known()
