/** What can be wrong with GitHub, its API and the credential. */
import { freePort } from "../store/server.ts"
import { TOKEN } from "../whole/lab.ts"
import type { Fault } from "./Fault.ts"

/** Its faults. */
export const github: ReadonlyArray<Fault> = [
  {
    on: "warnings and notes alone",
    name: "a fine-grained token",
    id: "registration-untried",
    level: "note",
    what: /is not known/,
    remedy: /'Administration: write'/
  },
  {
    on: "warnings and notes alone",
    name: "a rate limit that is nearly used up",
    id: "rate-limit-low",
    level: "warning",
    what: /490 of 5000 requests are left/,
    remedy: /sleep_interval/,
    cause: (host) => void host.lab.github.limits.remaining.set(TOKEN, 490)
  },
  {
    on: "what GitHub, Anka and this Mac refuse",
    name: "a wrong clock",
    id: "clock-wrong",
    level: "problem",
    what: /is (599|60\d) seconds ahead of GitHub's/,
    remedy: /sntp/,
    cause: (host) => host.answerRateLimit({ date: new Date(Date.now() - 600_000).toUTCString() })
  },
  {
    on: "what GitHub, Anka and this Mac refuse",
    name: "a token that may not list runs",
    id: "permission-missing",
    level: "problem",
    what: /actions\/runs: .*may not/,
    remedy: /'Actions: read'/,
    cause: (host) => void host.lab.github.faults.push({ path: "/actions/runs", times: 100, answer: { status: 403 } })
  },
  {
    on: "what GitHub, Anka and this Mac refuse",
    name: "a token that may not list runners",
    id: "permission-missing",
    level: "problem",
    what: /runners: .*may not.*administration=write/,
    remedy: /'Administration: write' on the repository veertuinc\/anklet/,
    cause: (host) =>
      void host.lab.github.faults.push({
        path: "/actions/runners",
        times: 100,
        answer: { status: 403, headers: { "x-accepted-github-permissions": "administration=write" } }
      })
  },
  {
    on: "what is not there",
    name: "a GitHub that is away",
    id: "github-unreachable",
    level: "problem",
    what: /refuses connections/,
    remedy: /api_url/,
    cause: async (host) => host.rewrite(/api_url: .*/, `api_url: http://127.0.0.1:${await freePort()}`)
  },
  {
    on: "a new Mac, and an old token",
    name: "a token that has expired",
    id: "credential-refused",
    level: "problem",
    what: /refuses the credential/,
    remedy: /new token/,
    cause: (host) => void host.lab.github.faults.push({ path: /./, times: 100, answer: { status: 401 } })
  },
  {
    on: "an organisation",
    name: "a repository that the token may not see",
    id: "repository-hidden",
    level: "warning",
    what: /veertuinc\/secret/,
    remedy: /'Actions: read'/,
    cause: (host) => {
      host.lab.world.repositories.add("veertuinc/secret")
      host.rewrite("registration: repo", "registration: org")
      host.rewrite("    repo: anklet\n", "")
      host.lab.github.faults.push({ path: "/secret/actions/runs", times: 100, answer: { status: 404 } })
    }
  },
  {
    on: "an organisation",
    name: "a token that may not list its runners",
    id: "permission-missing",
    level: "problem",
    what: /orgs\/veertuinc/,
    remedy: /'Self-hosted runners: write' on the organisation/,
    cause: (host) => void host.lab.github.faults.push({ path: "/actions/runners", times: 100, answer: { status: 404 } })
  },
  {
    on: "a repository",
    name: "that was renamed",
    id: "repository-renamed",
    level: "warning",
    what: /veertuinc\/anklet is called veertuinc\/former now/,
    remedy: /`owner` and `repo`/,
    cause: (host) => host.lab.world.rename("veertuinc/anklet", "veertuinc/former")
  },
  {
    on: "a repository",
    name: "that is archived",
    id: "watching-nothing",
    level: "problem",
    what: /veertuinc\/former is archived/,
    remedy: /`owner` and `repo`/,
    cause: (host) => void host.lab.world.archived.add("veertuinc/former")
  },
  {
    on: "an organisation that is not there",
    name: "any more",
    id: "watching-nothing",
    level: "problem",
    what: /there is no organisation veertuinc/,
    remedy: /`owner`/,
    cause: (host) => {
      host.rewrite("registration: repo", "registration: org")
      host.rewrite("    repo: anklet\n", "")
      host.lab.world.repositories.clear()
    }
  },
  {
    on: "a classic token",
    name: "that has not its scope",
    id: "permission-missing",
    level: "problem",
    what: /scopes workflow, read:org, and not repo/,
    remedy: /scope `repo`/,
    cause: (host) => host.answerRateLimit({ "x-oauth-scopes": "workflow, read:org" })
  },
  {
    on: "an enterprise",
    name: "whose runners the token may not register",
    id: "permission-missing",
    level: "problem",
    what: /scopes admin:org, repo, and not manage_runners:enterprise/,
    remedy: /scope `manage_runners:enterprise`/,
    cause: (host) => {
      host.lab.world.enterprises.set("big", new Set(["veertuinc"]))
      host.rewrite("registration: repo", "enterprise: big")
      host.answerRateLimit({ "x-oauth-scopes": "admin:org, repo" })
    }
  },
  {
    on: "an enterprise that is not there",
    name: "or that the token may not see",
    id: "permission-missing",
    level: "problem",
    what: /enterprises\/big\/actions\/runners/,
    remedy: /manage_runners:enterprise/,
    cause: (host) => host.rewrite("registration: repo", "enterprise: big")
  },
  {
    on: "a classic token",
    name: "for a repository that is not there",
    id: "permission-missing",
    level: "problem",
    what: /does not know it/,
    remedy: /veertuinc\/anklet/,
    cause: (host) => host.lab.world.repositories.clear()
  },
  {
    on: "GitHub",
    name: "that is a web page",
    id: "github-unreachable",
    level: "problem",
    what: /not from GitHub's API/,
    remedy: /api_url/,
    cause: (host) =>
      void host.lab.github.faults.push({ path: /actions/, times: 100, answer: { status: 404, body: "<html>" } })
  },
  {
    on: "what an operator has opened",
    name: "a classic token",
    id: "token-broad",
    level: "note",
    what: /classic one, with scopes that Anklet does not need: delete_repo, workflow/,
    remedy: /fine-grained/,
    cause: (host) => host.answerRateLimit({ "x-oauth-scopes": "delete_repo, repo, workflow" })
  },
  {
    on: "what an operator has opened",
    name: "a public repository",
    id: "repository-public",
    level: "note",
    what: /everybody may see veertuinc\/anklet/,
    remedy: /require approval/,
    cause: (host) => void host.lab.world.open.add("veertuinc/anklet")
  },
  {
    on: "a rate limit",
    name: "that is used up",
    id: "rate-limit-low",
    level: "warning",
    what: /0 of 5000 requests are left/,
    remedy: /sleep_interval/,
    cause: (host) => void host.lab.github.limits.remaining.set(TOKEN, 0)
  }
]
