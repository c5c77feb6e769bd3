/** When GitHub registers no runner, and asking again does not change it: which key or label it is, for a person. */
import * as Data from "effect/Data"
import * as Option from "effect/Option"
import type { RunnerTerms } from "../../job/Ci.ts"
import { type GitHubError, Level, nameOf } from "../../services/GitHub.ts"
import { credentialOf, DEFAULT_GROUP, levelOf, type Part } from "./config.ts"
import { quote } from "./mistyped.ts"

/** How GitHub is asked for a runner. */
export interface Asking {
  readonly level: Level
  readonly group: number
  readonly labels: ReadonlyArray<string>
}

/** What GitHub does not take: the job, or any runner of the service. */
export interface Refused {
  readonly reason: "Unfit" | "Refused"
  readonly detail: string
}

/** What one must be granted to register runners here, in GitHub's words. */
export const needed = Level.$match({
  Repository: () => ({
    permission: "administration",
    words: "'Administration: write' on the repository",
    scope: "repo"
  }),
  Organisation: () => ({
    permission: "organization_self_hosted_runners",
    words: "'Self-hosted runners: write' on the organisation",
    scope: "admin:org"
  }),
  Enterprise: () => ({
    // an App has no such permission at an enterprise
    permission: "",
    words: "the scope `manage_runners:enterprise` of a classic token, whose user owns the enterprise",
    scope: "manage_runners:enterprise"
  })
})

/** What to do about a group that GitHub does not take. */
export const ofGroup = (level: Level, group: number | string, known: ReadonlyArray<string> = []): string =>
  Level.$match(level, {
    Repository: () =>
      `\`runner_group\` ${group}: runners of a repository have the default group; leave \`runner_group\` out, or use \`registration: org\``,
    Organisation: ({ owner }) => `\`runner_group\` ${group}: ${owner} has ${noGroup(known)}`,
    Enterprise: ({ enterprise }) => `\`runner_group\` ${group}: the enterprise ${enterprise} has ${noGroup(known)}`
  })

const noGroup = (known: ReadonlyArray<string>) =>
  `no such runner group, or the credential may not use it; ${
    known.length === 0
      ? "its name and number are under Settings > Actions > Runner groups"
      : `the groups that it sees are ${known.map(quote).join(", ")}`
  }`

/** What an organisation's policy may forbid at this level. */
const policy = Level.$match({
  Repository: () => "repositories may have runners of their own",
  Organisation: () => "self-hosted runners are allowed",
  Enterprise: () => "self-hosted runners are allowed"
})

/** Words about what any runner would be refused for. */
const OF_ALL = /\b(plan|billing|polic(y|ies)|disabled|not (allowed|enabled|permitted|available)|maximum|limit|exceed)/i

/** What a refusal to register a runner means; none where asking again may help. */
export const of = (error: GitHubError, { level, group, labels }: Asking): Option.Option<Refused> => {
  const { said = "" } = error
  const quoted = said === "" ? "" : ` (GitHub says: ${said})`
  const at = nameOf(level)
  const refused = (detail: string): Option.Option<Refused> =>
    Option.some({ reason: "Refused", detail: `GitHub registers no runner at ${at}: ${detail}${quoted}` })
  switch (error.reason) {
    case "NotFound":
      return group === DEFAULT_GROUP
        ? refused(
            `it does not know ${at}, or the credential may not register runners there: give it ${needed(level).words}`
          )
        : refused(ofGroup(level, group))
    case "Forbidden":
      return refused(
        `the credential may not, or a policy forbids it: give it ${needed(level).words}, and see under Settings > Actions > General of the organisation or enterprise whether ${policy(level)}`
      )
    case "Invalid":
      if (/group/i.test(said)) return refused(ofGroup(level, group))
      return OF_ALL.test(said) && !/label/i.test(said)
        ? refused("a plan, a policy or a limit does not allow it")
        : Option.some({
            reason: "Unfit",
            detail: `GitHub takes no runner for this job, whose labels are ${labels.map(quote).join(", ")}${quoted}`
          })
    default:
      return Option.none()
  }
}

/** What decides whether GitHub takes a runner of a scope, and whether to try it before the first job. */
export const termsOf = (part: Part): RunnerTerms => ({
  terms: Data.tuple(credentialOf(part), levelOf(part), part.runner_group),
  triedFirst: part.runner_group !== DEFAULT_GROUP
})
