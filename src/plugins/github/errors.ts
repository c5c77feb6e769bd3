/** GitHub's errors as those of any CI. */
import { CiError } from "../../job/CiError.ts"
import { words } from "../../job/Outcome.ts"
import type { GitHubError } from "../../services/GitHub.ts"

const reasonOf = ({ reason }: GitHubError): CiError["reason"] => {
  if (reason === "NotFound" || reason === "Unauthorized") return reason
  return reason === "Unavailable" || reason === "Protocol" ? "Unavailable" : "Failed"
}

/** What an error of GitHub means for a job. */
export const ciErrorOf = (error: GitHubError): CiError =>
  new CiError({
    reason: reasonOf(error),
    detail: error.message,
    counted: `github_${words(error.reason)}`,
    cause: error,
    ...(error.until === undefined ? {} : { until: error.until })
  })
