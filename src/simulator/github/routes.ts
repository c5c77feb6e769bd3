/** GitHub's REST API over the simulated world: what each route answers. */
import { createVerify } from "node:crypto"
import * as bodies from "./bodies.ts"
import { enterpriseOf, type Group, Refused, type Runner, type World } from "./world.ts"

/** A request, taken apart. */
export interface Request {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly body: unknown
  readonly token: string
}

/** An answer before paging, tagging and limits. */
export interface Answer {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** The body's list, which is paged. */
  readonly list?: { readonly key: string | undefined; readonly items: ReadonlyArray<unknown> }
}

/** What routes need besides the world. */
export interface Context {
  readonly world: World
  /** Address of the REST API, and of the service that runners talk to. */
  readonly url: string
  readonly services: string
  readonly app:
    | {
        readonly id: number
        /** The other name that the App may sign in with. */
        readonly clientId?: string
        readonly installation: number
        readonly publicKey: string
      }
    | undefined
  readonly mint: () => { readonly token: string; readonly expiresAt: number }
  readonly rate: (token: string) => { limit: number; used: number; remaining: number; reset: number }
  readonly checks: Array<unknown>
}

const STATUSES = new Set(
  "requested queued pending waiting in_progress completed action_required cancelled failure neutral skipped stale success timed_out".split(
    " "
  )
)

const field = (body: unknown, name: string): unknown =>
  typeof body === "object" && body !== null ? Object.entries(body).find(([key]) => key === name)?.[1] : undefined

type Handler = (context: Context, request: Request, p: ReadonlyArray<string>) => Answer

const runOf = ({ world }: Context, [owner, repo, id]: ReadonlyArray<string>) => {
  const run = world.runs.get(Number(id))
  if (run === undefined || run.owner !== owner || run.repo !== repo) throw new Refused(404, "Not Found")
  return run
}

/** The full name of a repository that is there. */
const known = ({ world }: Context, owner = "", repo = ""): string => {
  if (!world.repositories.has(`${owner}/${repo}`)) throw new Refused(404, "Not Found")
  return `${owner}/${repo}`
}

const list = (key: string | undefined, items: ReadonlyArray<unknown>): Answer => ({ status: 200, list: { key, items } })
const ok = (body: unknown): Answer => ({ status: 200, body })

const jobsOf = (context: Context, p: ReadonlyArray<string>, all: boolean, attempt?: number) => {
  const run = runOf(context, p)
  return list(
    "jobs",
    context.world
      .jobsOf(run.id, all || attempt !== undefined)
      .filter((job) => attempt === undefined || job.attempt === attempt)
      .filter(({ status }) => status !== "waiting")
      .map((job) => bodies.job(context.url, run, job))
  )
}

const listRunners = ({ world }: Context, { query }: Request, scope: string): Answer => {
  world.tick()
  const name = query.get("name")
  return list(
    "runners",
    [...world.runners.values()]
      .filter((runner) => runner.scope === scope && (name === null || runner.name === name))
      .map(bodies.runner)
  )
}

const oneRunner = ({ world }: Context, scope: string, id: number): Runner => {
  world.tick()
  const runner = world.runners.get(id)
  if (runner === undefined || runner.scope !== scope) throw new Refused(404, "Not Found")
  return runner
}

const jit = ({ world, services }: Context, { body }: Request, scope: string): Answer => {
  const name = field(body, "name")
  const labels = field(body, "labels")
  if (typeof name !== "string" || !Array.isArray(labels)) throw new Refused(422, "Invalid request")
  const runner = world.register(scope, name, labels.map(String), Number(field(body, "runner_group_id")))
  return {
    status: 201,
    body: { runner: bodies.runner(runner), encoded_jit_config: bodies.jitConfig(services, runner) }
  }
}

/** The scope of an enterprise's runners. */
const enterprise = ({ world }: Context, slug = ""): string => {
  if (!world.enterprises.has(slug)) throw new Refused(404, "Not Found")
  return enterpriseOf(slug)
}

/** The groups of a scope; with a user, those that it may use. */
const groupsFor = (world: World, scope: string, user: string | null): ReadonlyArray<Group> =>
  world.groupsOf(scope).filter(({ repositories }) => user === null || (repositories?.includes(user) ?? true))

const rerun = (context: Context, p: ReadonlyArray<string>, which: (conclusion: string | null) => boolean): Answer => {
  const run = runOf(context, p)
  context.world.rerun(run.id, ({ conclusion }) => which(conclusion))
  return { status: 201, body: {} }
}

const verifyApp = ({ app }: Context, jwt: string): void => {
  const [header = "", payload = "", signature = ""] = jwt.split(".")
  const claims = JSON.parse(Buffer.from(payload || "e30", "base64url").toString())
  const now = Date.now() / 1000
  const signed =
    app !== undefined &&
    createVerify("RSA-SHA256").update(`${header}.${payload}`).verify(app.publicKey, Buffer.from(signature, "base64url"))
  if (!signed || ![String(app?.id), app?.clientId].includes(String(claims.iss)))
    throw new Refused(401, "A JSON web token could not be decoded")
  if (claims.exp < now || claims.exp - claims.iat > 660)
    throw new Refused(401, "'Expiration time' claim ('exp') is too far in the future")
}

/** The App's installation, where `isSeen` tells that it has a repository. */
const installation = (
  context: Context,
  { token }: Request,
  owner: string,
  isSeen: (name: string) => boolean
): Answer => {
  verifyApp(context, token)
  const { app, world, url } = context
  if (app === undefined || ![...world.repositories].some(isSeen)) throw new Refused(404, "Not Found")
  return ok(bodies.installation(url, app, owner))
}

const R = "/repos/([^/]+)/([^/]+)"
const E = "/enterprises/([^/]+)/actions"

/** Routes in order; the first whose method and path fit answers. */
const ROUTES: ReadonlyArray<readonly [string, string, Handler]> = [
  [
    "GET",
    `${R}/actions/runs`,
    (context, { query }, [owner, repo]) => {
      const status = query.get("status")
      if (status !== null && !STATUSES.has(status)) throw new Refused(422, "Validation Failed")
      known(context, owner, repo)
      return list(
        "workflow_runs",
        [...context.world.runs.values()]
          .filter((run) => run.owner === owner && run.repo === repo)
          .sort((a, b) => b.createdAt - a.createdAt || b.id - a.id)
          .map((run) => bodies.run(context.url, context.world, run))
          .filter((run) => status === null || run.status === status || run.conclusion === status)
          .slice(0, 1000)
      )
    }
  ],
  ["GET", `${R}/actions/runs/(\\d+)`, (context, _, p) => ok(bodies.run(context.url, context.world, runOf(context, p)))],
  [
    "GET",
    `${R}/actions/runs/(\\d+)/jobs`,
    (context, { query }, p) => jobsOf(context, p, query.get("filter") === "all")
  ],
  ["GET", `${R}/actions/runs/(\\d+)/attempts/(\\d+)/jobs`, (context, _, p) => jobsOf(context, p, false, Number(p[3]))],
  [
    "GET",
    `${R}/actions/jobs/(\\d+)`,
    (context, _, [owner = "", repo = "", id]) => {
      const job = context.world.job(Number(id))
      return ok(bodies.job(context.url, runOf(context, [owner, repo, String(job.runId)]), job))
    }
  ],
  [
    "POST",
    `${R}/actions/runs/(\\d+)/(?:force-)?cancel`,
    (context, _, p) => {
      context.world.cancel(runOf(context, p).id)
      return { status: 202, body: {} }
    }
  ],
  ["POST", `${R}/actions/runs/(\\d+)/rerun`, (context, _, p) => rerun(context, p, () => true)],
  [
    "POST",
    `${R}/actions/runs/(\\d+)/rerun-failed-jobs`,
    (context, _, p) => rerun(context, p, (word) => word !== "success")
  ],
  [
    "POST",
    `${R}/actions/jobs/(\\d+)/rerun`,
    (context, _, [, , id]) => {
      const job = context.world.job(Number(id))
      context.world.rerun(job.runId, ({ id }) => id === job.id)
      return { status: 201, body: {} }
    }
  ],
  ["POST", `${R}/actions/runners/generate-jitconfig`, (context, request, [o, r]) => jit(context, request, `${o}/${r}`)],
  [
    "POST",
    "/orgs/([^/]+)/actions/runners/generate-jitconfig",
    (context, request, [o = ""]) => jit(context, request, o)
  ],
  ["GET", `${R}/actions/runners`, (context, request, [o, r]) => listRunners(context, request, `${o}/${r}`)],
  ["GET", "/orgs/([^/]+)/actions/runners", (context, request, [o = ""]) => listRunners(context, request, o)],
  [
    "GET",
    `${R}/actions/runners/(\\d+)`,
    (context, _, [o, r, id]) => ok(bodies.runner(oneRunner(context, `${o}/${r}`, Number(id))))
  ],
  [
    "GET",
    "/orgs/([^/]+)/actions/runners/(\\d+)",
    (context, _, [o = "", id]) => ok(bodies.runner(oneRunner(context, o, Number(id))))
  ],
  [
    "GET",
    "/orgs/([^/]+)/actions/runner-groups",
    ({ world, url }, { query }, [owner = ""]) => {
      const groups = groupsFor(world, owner, query.get("visible_to_repository"))
      return list(
        "runner_groups",
        groups.map((group) => bodies.group(url, owner, group))
      )
    }
  ],
  [
    "GET",
    `${E}/runner-groups`,
    (context, { query }, [slug = ""]) => {
      const groups = groupsFor(context.world, enterprise(context, slug), query.get("visible_to_organization"))
      return list(
        "runner_groups",
        groups.map((group) => bodies.enterpriseGroup(context.url, slug, group))
      )
    }
  ],
  ["POST", `${E}/runners/generate-jitconfig`, (context, request, [e]) => jit(context, request, enterprise(context, e))],
  ["GET", `${E}/runners`, (context, request, [e]) => listRunners(context, request, enterprise(context, e))],
  [
    "GET",
    `${E}/runners/(\\d+)`,
    (context, _, [e, id]) => ok(bodies.runner(oneRunner(context, enterprise(context, e), Number(id))))
  ],
  [
    "DELETE",
    `${E}/runners/(\\d+)`,
    (context, _, [e, id]) => {
      context.world.remove(enterprise(context, e), Number(id))
      return { status: 204 }
    }
  ],
  [
    "DELETE",
    `${R}/actions/runners/(\\d+)`,
    ({ world }, _, [o, r, id]) => {
      world.remove(`${o}/${r}`, Number(id))
      return { status: 204 }
    }
  ],
  [
    "DELETE",
    "/orgs/([^/]+)/actions/runners/(\\d+)",
    ({ world }, _, [o = "", id]) => {
      world.remove(o, Number(id))
      return { status: 204 }
    }
  ],
  [
    "GET",
    R,
    (context, _, [owner, repo]) => ok(bodies.oneRepository(context.url, context.world, known(context, owner, repo)))
  ],
  [
    "GET",
    `${R}/actions/permissions`,
    (context, _, [owner, repo]) => {
      const { world, url } = context
      const name = known(context, owner, repo)
      const enabled = !world.withoutActions.has(name)
      const selected = `${url}/repositories/${world.repositoryId(name)}/actions/permissions/selected-actions`
      return ok({ enabled, ...(enabled ? { allowed_actions: "all", selected_actions_url: selected } : {}) })
    }
  ],
  [
    "GET",
    "/orgs/([^/]+)/repos",
    ({ world, url }, { query }, [org = ""]) => {
      if (!world.isOrganisation(org)) throw new Refused(404, "Not Found")
      const names = [...world.repositories].filter((name) => name.startsWith(`${org}/`))
      // without a direction, GitHub begins with the newest
      if (query.get("sort") === "pushed") names.sort((a, b) => world.pushedAt(b) - world.pushedAt(a))
      return list(
        undefined,
        names.map((name) => bodies.repository(url, world, name))
      )
    }
  ],
  [
    "GET",
    "/users/([^/]+)",
    ({ world, url }, _, [login = ""]) => {
      const isOrganisation = world.isOrganisation(login)
      const isUser = world.users.has(login)
      if (!isOrganisation && !isUser) throw new Refused(404, "Not Found")
      return ok(bodies.account(url, login, isOrganisation))
    }
  ],
  [
    "GET",
    "/installation/repositories",
    ({ world, url }) =>
      list(
        "repositories",
        [...world.repositories].map((name) => bodies.fullRepository(url, world, name))
      )
  ],
  [
    "GET",
    `${R}/installation`,
    (context, request, [owner = "", repo]) =>
      installation(context, request, owner, (name) => name === `${owner}/${repo}`)
  ],
  [
    "GET",
    "/(?:orgs|users)/([^/]+)/installation",
    (context, request, [owner = ""]) => installation(context, request, owner, (name) => name.startsWith(`${owner}/`))
  ],
  [
    "POST",
    "/app/installations/(\\d+)/access_tokens",
    (context, { token }, [id]) => {
      verifyApp(context, token)
      if (Number(id) !== context.app?.installation) throw new Refused(404, "Not Found")
      const minted = context.mint()
      return {
        status: 201,
        body: {
          token: minted.token,
          expires_at: new Date(minted.expiresAt).toISOString().replace(/\.\d+Z$/, "Z"),
          permissions: { actions: "read", administration: "write", checks: "write", metadata: "read" },
          repository_selection: "all"
        }
      }
    }
  ],
  [
    "GET",
    "/rate_limit",
    ({ rate }, { token }) => {
      const core = rate(token)
      return ok({ resources: { core, search: core }, rate: core })
    }
  ],
  [
    "POST",
    `${R}/check-runs`,
    (context, { body, token }) => {
      if (!token.startsWith("ghs_")) throw new Refused(403, "You must authenticate via a GitHub App.")
      context.checks.push(body)
      const id = 90_000 + context.checks.length
      return {
        status: 201,
        body: {
          id,
          node_id: `check${id}`,
          head_sha: field(body, "head_sha"),
          external_id: "",
          name: field(body, "name"),
          url: `${context.url}/check-runs/${id}`,
          html_url: null,
          details_url: null,
          status: "completed",
          conclusion: "failure",
          started_at: null,
          completed_at: null,
          output: {
            title: null,
            summary: null,
            text: null,
            annotations_count: 0,
            annotations_url: `${context.url}/check-runs/${id}/annotations`
          },
          check_suite: null,
          app: null,
          pull_requests: []
        }
      }
    }
  ]
]

/** Where a repository's former name leads: reads are sent on for good, writes this once (docs.github.com, using the REST API). */
const movedTo = ({ url }: Context, { method, query }: Request, id: number, rest: string): Answer => {
  const location = `${url}/repositories/${id}${rest}${query.size === 0 ? "" : `?${query}`}`
  const status = method === "GET" ? 301 : 307
  const body = { message: "Moved Permanently", url: location, documentation_url: "https://docs.github.com/rest" }
  return { status, headers: { location }, body }
}

/** The path by the repository's present name; an answer where a former one leads elsewhere. */
const located = (context: Context, request: Request): string | Answer => {
  const { world } = context
  const [, numbered, id, named, owner = "", repo = "", rest = ""] =
    request.path.match(/^\/(?:(repositories)\/(\d+)|(repos)\/([^/]+)\/([^/]+))(\/.*)?$/) ?? []
  if (numbered === undefined && named === undefined) return request.path
  const name = named === undefined ? world.nameOfId(Number(id)) : world.named(`${owner}/${repo}`)
  if (name !== undefined) return `/repos/${name}${rest}`
  const former = named === undefined ? undefined : world.formerly(`${owner}/${repo}`)
  if (former !== undefined && world.nameOfId(former) !== undefined) return movedTo(context, request, former, rest)
  return request.path
}

/** Answer a request of the REST API. */
export const answer = (context: Context, request: Request): Answer => {
  context.world.tick()
  const path = located(context, request)
  if (typeof path !== "string") return path
  const [, repository = ""] = path.match(/^\/repos\/([^/]+\/[^/]+)/) ?? []
  if (context.world.deleted.has(repository)) throw new Refused(404, "Not Found")
  for (const [method, pattern, handler] of ROUTES) {
    const match = method === request.method ? path.match(new RegExp(`^${pattern}$`)) : null
    if (match !== null) return handler(context, { ...request, path }, match.slice(1).map(decodeURIComponent))
  }
  throw new Refused(404, "Not Found")
}
