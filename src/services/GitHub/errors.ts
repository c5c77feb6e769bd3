/** Errors of GitHub in words for the operator: what failed, on what, and what to do. Never a credential. */
import { clock } from "../../domain/Format.ts"
import { GitHubError } from "../GitHub.ts"

/** Headers of an answer, as Octokit provides them. */
export type Headers = Readonly<Record<string, string | number | undefined>>

const said = (message: string) => (message === "" ? "" : ` (GitHub says: ${message})`)

/** Why GitHub refuses for a while. */
export const LIMIT = "GitHub's rate limit is reached"
export const PAUSE = "GitHub asks to be left alone"

/** The rate limit is reached, as this answer or an earlier one said. */
export const rateLimited = (
  request: string,
  until: number,
  given: { readonly why?: string; readonly status?: number; readonly message?: string } = {}
): GitHubError => {
  const { status, message = "" } = given
  const why = given.why ?? (status !== undefined && status >= 500 ? PAUSE : LIMIT)
  return new GitHubError({
    reason: "RateLimited",
    request,
    ...(status === undefined ? {} : { status }),
    until,
    detail: `${why}; the next request goes out at ${clock(until)}${said(message)}`
  })
}

/** No answer, or an incomplete one: it is unknown whether GitHub acted on the request. */
export const unavailable = (request: string, detail: string): GitHubError =>
  new GitHubError({ reason: "Unavailable", request, detail })

/** An answer that GitHub's API does not give. */
export const protocol = (request: string, status: number, detail: string): GitHubError =>
  new GitHubError({ reason: "Protocol", request, status, detail })

/** The App's private key cannot sign. The message of the original error may quote the key, so it is left out. */
export const unusableKey = (request: string): GitHubError =>
  new GitHubError({
    reason: "Unauthorized",
    request,
    detail:
      "the App's private_key cannot be used to sign in: give the whole PEM file that GitHub made for this App, from its BEGIN to its END line"
  })

/**
 * GitHub did not let the App sign in. Since that precedes every request, a 404 here says nothing about what was
 * requested.
 */
export const ofMint = (request: string, status: number, message: string): GitHubError =>
  status >= 500
    ? new GitHubError({ reason: "Unavailable", request, status, detail: `GitHub answers ${status}${said(message)}` })
    : new GitHubError({
        reason: "Unauthorized",
        request,
        detail: `GitHub does not let the App in: check ${request.endsWith("/installation") ? "app_id" : "app_id, installation_id"} and private_key, and that the App is still installed and not suspended${said(message)}`
      })

/** The App is not installed there. */
export const notInstalled = (request: string, appId: number | string, where: string): GitHubError =>
  new GitHubError({
    reason: "Unauthorized",
    request,
    detail: `the App ${appId} is not installed at ${where}: install it there (GitHub's settings of the App, "Install App") and let it see the repository, or check app_id, owner and repo`
  })

/** GitHub refused, with a status of 300 or more. */
export const ofStatus = (request: string, status: number, message: string, headers: Headers): GitHubError => {
  const of = (reason: GitHubError["reason"], detail: string) =>
    new GitHubError({
      reason,
      request,
      status,
      detail: `${detail}${said(message)}`,
      ...(message === "" ? {} : { said: message })
    })
  const permissions = headers["x-accepted-github-permissions"]
  const needs = permissions === undefined ? "" : `; it needs ${permissions}`
  // GitHub gives a reason with each of these; a page from a proxy or web server must not be taken for "it is gone"
  if (message === "" && [404, 409, 410, 422].includes(status))
    return of("Protocol", `an answer ${status} that is not from GitHub's API: check api_url and proxies`)
  switch (status) {
    case 401:
      return of("Unauthorized", "GitHub refuses the credential: check that the token is whole and has not expired")
    case 403:
      return of("Forbidden", `the credential may not do this${needs}: give the token or App that permission`)
    case 404:
    case 410:
      return of(
        "NotFound",
        `GitHub does not know it, or the credential may not see it${needs}: check owner, repo and the token's access`
      )
    case 409:
      return of("Conflict", "it already exists")
    case 422:
      return /running a job/i.test(message)
        ? of("Busy", "it runs a job")
        : of("Invalid", "GitHub finds the request invalid")
    default:
      if (status < 400) return of("Protocol", `it moved to ${headers.location ?? "another address"}: check api_url`)
      return status >= 500
        ? of("Unavailable", `GitHub answers ${status}; it is tried again`)
        : of("Protocol", `GitHub answers ${status}`)
  }
}
