/** GitHub's errors as those of any CI. */
import * as Effect from "effect/Effect"
import { CiError } from "../../job/CiError.ts"
import { words } from "../../job/Outcome.ts"
import { GitHubError } from "../../services/GitHub.ts"

const reasonOf = ({ reason }: GitHubError): CiError["reason"] => {
  switch (reason) {
    case "Forbidden":
    case "NotFound":
    case "RateLimited":
    case "Unauthorized":
    case "Unavailable":
      return reason
    case "Protocol":
      return "Unavailable"
    default:
      return "Failed"
  }
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

/** An effect whose errors of GitHub are those of any CI; others stay. */
export const asCi = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.catchIf(
    effect,
    (error): error is Extract<E, GitHubError> => error instanceof GitHubError,
    (error) => Effect.fail(ciErrorOf(error))
  )
