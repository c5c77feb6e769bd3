/** Why a text that a person gave for a job leads to none: each mistake in words of its own. Pure. */
import * as Option from "effect/Option"
import type { Missing } from "../Plugin.ts"
import { type GitHubConfig, type Part, partsOf, watchedOf } from "./config.ts"
import * as confine from "./confine.ts"

const COPY = "copy the address of the job's page at GitHub: …/actions/runs/N/job/N"

const unreadable = (what: string, remedy = COPY): Missing => ({ kind: "unreadable", what, remedy })

const unknown = (job: string, repository: string, remedy: string): Missing => ({
  kind: "unknown",
  what: `GitHub knows no job ${job} in ${repository}`,
  remedy
})

/** What a service watches, in words: `a, b/c and d`. */
const listed = (parts: ReadonlyArray<Part>): string => {
  const names = parts.map((part) => watchedOf(part).fullName)
  return names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names.join()
}

const ofNumber = (text: string, [{ owner, repo }, ...others]: ReturnType<typeof partsOf>): Missing => {
  if (others.length > 0) return unreadable("a number is not enough: its service watches more than one repository")
  return Option.match(repo, {
    onNone: () => unreadable(`a number is not enough: all repositories of ${owner} are watched`),
    onSome: (repo) =>
      unknown(
        text,
        `${owner}/${repo}`,
        "check the number: it is the last one of the job's address, not that of its run"
      )
  })
}

/** Why a text leads to no job of the service of this config. */
export const missing = (config: GitHubConfig, text: string): Missing => {
  const parts = partsOf(config)
  if (/^\d+$/.test(text)) return ofNumber(text, parts)
  const [, owner, repo = "", path = ""] = text.match(/^\w+:\/\/[^/]+\/([^/?#]+)\/([^/?#]+)(?:\/([^?#]*))?/) ?? []
  if (owner === undefined) return unreadable("it is neither the address of a job at GitHub nor the number of one")
  if (/^pull\/\d+/.test(path))
    return unreadable(
      "this is the address of a pull request",
      "open its checks, choose the job, and give the address of that page"
    )
  const [, job] = path.match(/^actions\/runs\/\d+\/jobs?\/(\d+)$/) ?? []
  if (job === undefined)
    return /^actions\/runs\/\d+/.test(path)
      ? unreadable(
          "this is the address of a run, which may have several jobs",
          "choose the job in it, and give its address"
        )
      : unreadable("this address is not that of a job")
  const isWatched = parts.some((part) => confine.isWatched(watchedOf(part), { owner, repo }))
  return isWatched
    ? unknown(job, `${owner}/${repo}`, "it may be gone with its run, or hidden from the credential of this host")
    : {
        kind: "elsewhere",
        what: `no service of this host watches ${owner}/${repo}`,
        remedy: `this host watches ${listed(parts)}; ask a host that watches that one, or add a service`
      }
}
