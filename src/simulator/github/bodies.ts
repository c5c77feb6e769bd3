/** Answers in the shape that GitHub's API describes. */
import { DEFAULT_GROUP, type Group, type Job, type Run, type Runner, type World } from "./world.ts"

const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString().replace(/\.\d+Z$/, "Z"))

const nodeId = (kind: string, id: number) => Buffer.from(`${kind}${id}`).toString("base64")

/** Accounts have numbers of their own. */
const accountId = (login: string) => [...login].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 1e6, 1)

const user = (url: string, login: string) => {
  const at = `${url}/users/${login}`
  return {
    login,
    id: accountId(login),
    node_id: nodeId("User", accountId(login)),
    avatar_url: `${url}/avatars/1`,
    gravatar_id: "",
    url: at,
    html_url: `https://github.com/${login}`,
    followers_url: `${at}/followers`,
    following_url: `${at}/following{/other_user}`,
    gists_url: `${at}/gists{/gist_id}`,
    starred_url: `${at}/starred{/owner}{/repo}`,
    subscriptions_url: `${at}/subscriptions`,
    organizations_url: `${at}/orgs`,
    repos_url: `${at}/repos`,
    events_url: `${at}/events{/privacy}`,
    received_events_url: `${at}/received_events`,
    type: "Organization",
    site_admin: false
  }
}

/** Addresses that every repository has; only their presence matters. */
const LINKS =
  "archive assignees blobs branches collaborators comments commits compare contents contributors deployments downloads events forks git_commits git_refs git_tags hooks issue_comment issue_events issues keys labels languages merges milestones notifications pulls releases stargazers statuses subscribers subscription tags teams trees".split(
    " "
  )

/** A repository. */
export const repository = (url: string, world: World, fullName: string) => {
  const [owner = "", name = ""] = fullName.split("/")
  const at = `${url}/repos/${fullName}`
  return {
    id: world.repositoryId(fullName),
    node_id: nodeId("Repository", world.repositoryId(fullName)),
    name,
    full_name: fullName,
    private: !world.open.has(fullName),
    owner: user(url, owner),
    html_url: `https://github.com/${fullName}`,
    description: null,
    fork: false,
    url: at,
    ...Object.fromEntries(LINKS.map((link) => [`${link}_url`, `${at}/${link}`])),
    archived: world.archived.has(fullName),
    disabled: false,
    pushed_at: iso(world.pushedAt(fullName))
  }
}

/** A whole repository, as the list of an installation has it. */
export const fullRepository = (url: string, world: World, fullName: string) => ({
  ...repository(url, world, fullName),
  git_url: `git://github.com/${fullName}.git`,
  ssh_url: `git@github.com:${fullName}.git`,
  clone_url: `https://github.com/${fullName}.git`,
  svn_url: `https://github.com/${fullName}`,
  mirror_url: null,
  homepage: null,
  language: null,
  forks: 0,
  forks_count: 0,
  stargazers_count: 0,
  watchers: 0,
  watchers_count: 0,
  size: 1,
  default_branch: "main",
  open_issues: 0,
  open_issues_count: 0,
  has_issues: true,
  has_projects: false,
  has_wiki: false,
  has_pages: false,
  has_downloads: false,
  has_discussions: false,
  license: null,
  created_at: "2026-01-01T00:00:00Z",
  updated_at: "2026-01-01T00:00:00Z"
})

/** One repository, as it is asked for by its name. */
export const oneRepository = (url: string, world: World, fullName: string) => ({
  ...fullRepository(url, world, fullName),
  network_count: 0,
  subscribers_count: 0
})

/** An account: a user or an organisation. */
export const account = (url: string, login: string, isOrganisation: boolean) => ({
  ...user(url, login),
  type: isOrganisation ? "Organization" : "User",
  name: login,
  company: null,
  blog: null,
  location: null,
  email: null,
  hireable: null,
  bio: null,
  public_repos: 0,
  public_gists: 0,
  followers: 0,
  following: 0,
  created_at: "2026-01-01T00:00:00Z",
  updated_at: "2026-01-01T00:00:00Z"
})

/** Where an App is installed. */
export const installation = (
  url: string,
  app: { readonly id: number; readonly clientId?: string; readonly installation: number },
  owner: string
) => ({
  id: app.installation,
  account: user(url, owner),
  repository_selection: "all",
  access_tokens_url: `${url}/app/installations/${app.installation}/access_tokens`,
  repositories_url: `${url}/installation/repositories`,
  html_url: `https://github.com/organizations/${owner}/settings/installations/${app.installation}`,
  app_id: app.id,
  ...(app.clientId === undefined ? {} : { client_id: app.clientId }),
  target_id: 1,
  target_type: "Organization",
  permissions: { actions: "read", administration: "write", checks: "write", metadata: "read" },
  events: [],
  created_at: "2026-01-01T00:00:00Z",
  updated_at: "2026-01-01T00:00:00Z",
  single_file_name: null,
  app_slug: "anklet",
  suspended_by: null,
  suspended_at: null
})

/** A workflow run. */
export const run = (url: string, world: World, run: Run) => {
  const fullName = `${run.owner}/${run.repo}`
  const at = `${url}/repos/${fullName}/actions/runs/${run.id}`
  const { status, conclusion } = world.statusOf(run)
  const changed = world
    .jobsOf(run.id)
    .reduce((at, job) => Math.max(at, job.completedAt ?? job.startedAt ?? 0), run.createdAt)
  return {
    id: run.id,
    name: run.workflow,
    node_id: nodeId("Run", run.id),
    check_suite_id: run.id,
    check_suite_node_id: nodeId("Suite", run.id),
    head_branch: "main",
    head_sha: run.sha,
    path: ".github/workflows/ci.yml",
    display_title: run.title,
    run_number: 1,
    run_attempt: run.attempt,
    event: "push",
    status,
    conclusion,
    workflow_id: 1,
    url: at,
    html_url: `https://github.com/${fullName}/actions/runs/${run.id}`,
    pull_requests: [],
    created_at: iso(run.createdAt),
    updated_at: iso(changed),
    run_started_at: iso(run.createdAt),
    actor: user(url, run.owner),
    triggering_actor: user(url, run.owner),
    jobs_url: `${at}/jobs`,
    logs_url: `${at}/logs`,
    check_suite_url: `${url}/repos/${fullName}/check-suites/${run.id}`,
    artifacts_url: `${at}/artifacts`,
    cancel_url: `${at}/cancel`,
    rerun_url: `${at}/rerun`,
    previous_attempt_url: run.attempt > 1 ? `${at}/attempts/${run.attempt - 1}` : null,
    workflow_url: `${url}/repos/${fullName}/actions/workflows/1`,
    head_commit: {
      id: run.sha,
      tree_id: run.sha,
      message: run.title,
      timestamp: iso(run.createdAt),
      author: { name: "A Developer", email: "developer@example.com" },
      committer: { name: "A Developer", email: "developer@example.com" }
    },
    repository: repository(url, world, fullName),
    head_repository: repository(url, world, fullName)
  }
}

/** A job; its steps advance while it runs. */
export const job = (url: string, run: Run, job: Job) => {
  const fullName = `${job.owner}/${job.repo}`
  const html = `https://github.com/${fullName}/actions/runs/${job.runId}/job/${job.id}`
  return {
    id: job.id,
    run_id: job.runId,
    workflow_name: job.workflow,
    head_branch: "main",
    run_url: `${url}/repos/${fullName}/actions/runs/${job.runId}`,
    run_attempt: job.attempt,
    node_id: nodeId("Job", job.id),
    head_sha: run.sha,
    url: `${url}/repos/${fullName}/actions/jobs/${job.id}`,
    html_url: html,
    status: job.status,
    conclusion: job.conclusion,
    created_at: iso(job.createdAt),
    started_at: iso(job.startedAt ?? job.createdAt),
    completed_at: iso(job.completedAt),
    name: job.name,
    steps: job.steps.map((_, index) => ({
      name: `step ${index + 1}`,
      status:
        index < job.stepsDone
          ? "completed"
          : index === job.stepsDone && job.startedAt !== null
            ? "in_progress"
            : "queued",
      conclusion: index < job.stepsDone ? "success" : null,
      number: index + 1,
      started_at: iso(job.startedAt),
      completed_at: iso(index < job.stepsDone ? job.startedAt : null)
    })),
    check_run_url: `${url}/repos/${fullName}/check-runs/${job.id}`,
    labels: job.labels,
    runner_id: job.runnerId,
    runner_name: job.runnerName,
    runner_group_id: job.runnerId === null ? null : 1,
    runner_group_name: job.runnerId === null ? null : "Default"
  }
}

/** A runner. */
export const runner = (runner: Runner) => ({
  id: runner.id,
  name: runner.name,
  os: runner.used ? "macOS" : "unknown",
  status: runner.status,
  busy: runner.job !== null,
  ephemeral: true,
  runner_group_id: runner.group,
  labels: runner.labels.map((name, index) => ({
    id: index + 1,
    name,
    type: name === "self-hosted" ? "read-only" : "custom"
  }))
})

const anyGroup = (runnersUrl: string, { id, name, repositories, admitsPublic = false }: Group) => ({
  id,
  name,
  visibility: repositories === undefined ? "all" : "selected",
  default: id === DEFAULT_GROUP.id,
  runners_url: runnersUrl,
  allows_public_repositories: admitsPublic,
  restricted_to_workflows: false,
  selected_workflows: [],
  workflow_restrictions_read_only: false
})

/** A runner group of an organisation. */
export const group = (url: string, owner: string, group: Group) => {
  const at = `${url}/orgs/${owner}/actions/runner-groups/${group.id}`
  return {
    ...anyGroup(`${at}/runners`, group),
    inherited: false,
    ...(group.repositories === undefined ? {} : { selected_repositories_url: `${at}/repositories` })
  }
}

/** A runner group of an enterprise. */
export const enterpriseGroup = (url: string, slug: string, group: Group) => {
  const at = `${url}/enterprises/${slug}/actions/runner-groups/${group.id}`
  return {
    ...anyGroup(`${at}/runners`, group),
    ...(group.repositories === undefined ? {} : { selected_organizations_url: `${at}/organizations` })
  }
}

/** The secret that starts a runner: three files in base64, as large as the real one. */
export const jitConfig = (services: string, runner: Runner): string => {
  const file = (content: unknown) => Buffer.from(JSON.stringify(content)).toString("base64")
  return Buffer.from(
    JSON.stringify({
      ".runner": file({
        AgentId: runner.id,
        AgentName: runner.name,
        PoolId: 1,
        ServerUrl: services,
        WorkFolder: "_work",
        Ephemeral: true
      }),
      ".credentials": file({
        Scheme: "OAuth",
        Data: { clientId: runner.secret, authorizationUrl: `${services}/token` }
      }),
      ".credentials_rsaparams": file({ d: runner.secret.repeat(30), modulus: runner.secret.repeat(12) })
    })
  ).toString("base64")
}
