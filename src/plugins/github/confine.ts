/** What the config names at GitHub: a line of the ledger that speaks of anything else is not acted on. */
import * as Option from "effect/Option"
import { type Level, nameOf, type Watched } from "../../services/GitHub.ts"
import type { JobAddress } from "./ask.ts"
import { levelOf, type Part } from "./config.ts"

/** GitHub's names are the same in upper and lower case. */
const isSame = (a: string, b: string) => a.toLowerCase() === b.toLowerCase()

/** Whether runners of this scope are registered there. */
export const isLevel = (part: Part, level: Level): boolean => {
  const ours = levelOf(part)
  return level._tag === ours._tag && isSame(nameOf(level), nameOf(ours))
}

/** Whether a job is one of those that this watches. */
export const isWatched = ({ owner, repo }: Watched, job: Pick<JobAddress, "owner" | "repo">): boolean =>
  isSame(owner, job.owner) && Option.match(repo, { onNone: () => true, onSome: (repo) => isSame(repo, job.repo) })
