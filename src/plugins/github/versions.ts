/** Whether GitHub takes the runners of this host by their versions: the one that is installed, and those of templates. Pure. */
import * as Finding from "../../domain/Finding.ts"
import type { Past } from "../../services/History.ts"
import * as Release from "../../services/Release.ts"
import type { GitHubConfig } from "./config.ts"

/** The oldest runner that github.com registers (github.blog/changelog, minimum version of self-hosted runners, 2026). */
export const OLDEST = "2.329.0"

export const KINDS = {
  "runner-version-old": {
    level: "warning",
    why: `GitHub registers no runner older than ${OLDEST}, and gives none a job that is more than 30 days behind a newer one.`,
    remedy: "leave `runner_version` and `runner_sha256` out of the config: Anklet knows a newer runner"
  },
  "runner-version-refused": {
    level: "problem",
    why: "Each job that needs this template fails, until its runner is a newer one.",
    remedy:
      "put the newest runner into the template, or none: then Anklet installs `runner_version`, which must be a newer one as well"
  }
} as const satisfies Finding.Kinds

const found = Finding.about("github", KINDS)

/** Whether the service registers its runners at GitHub's own servers; a GitHub Enterprise Server takes older ones. */
const isAtGitHub = ({ api_url }: GitHubConfig): boolean =>
  URL.canParse(api_url) && /(^|\.)(github\.com|ghe\.com)$/.test(new URL(api_url).hostname)

const isOld = (version: string): boolean => Release.compare(version, OLDEST) < 0

/** What the last job of each template told of its runner, of those that this service had. */
const lastOf = (service: string, past: ReadonlyArray<Past>) => {
  const last = new Map<string, NonNullable<Past["program"]>>()
  for (const { service: had, job, program } of past)
    if (had === service && program !== undefined && !last.has(job.template)) last.set(job.template, program)
  return [...last]
}

/** Findings about the runner that the config names, and about those that were seen in templates; `past` has the newest job first. */
export const judged = (
  service: string,
  config: GitHubConfig,
  past: ReadonlyArray<Past>
): ReadonlyArray<Finding.Finding> => {
  const seen = lastOf(service, past)
  const isBound = isAtGitHub(config)
  return [
    ...(isBound && isOld(config.runner_version)
      ? [found("runner-version-old", `\`runner_version\` ${config.runner_version} is too old for GitHub`)]
      : []),
    ...seen.flatMap(([template, { version, isRefused }]) => {
      if (isRefused)
        return [found("runner-version-refused", `GitHub gave no job to the runner ${version} in template ${template}`)]
      if (!isBound || !isOld(version)) return []
      const what = `the runner ${version} in template ${template} is too old for GitHub`
      return [found("runner-version-old", what, { remedy: KINDS["runner-version-refused"].remedy })]
    })
  ]
}
