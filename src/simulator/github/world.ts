/** What a simulated GitHub knows: runs, jobs, runners, and the rule by which jobs find runners. No HTTP, no clock of its own. */
import { randomBytes } from "node:crypto"

/** One job of a run. */
export interface Job {
  readonly id: number
  readonly runId: number
  readonly attempt: number
  /** These change when the repository is renamed. */
  owner: string
  repo: string
  readonly name: string
  readonly workflow: string
  readonly labels: ReadonlyArray<string>
  /** Bash text of each step; run for real by the runner stand-in. */
  readonly steps: ReadonlyArray<string>
  readonly createdAt: number
  status: "waiting" | "queued" | "in_progress" | "completed"
  conclusion: string | null
  startedAt: number | null
  completedAt: number | null
  runnerId: number | null
  runnerName: string | null
  stepsDone: number
  /** Somebody asked for the end of the job. */
  cancelled: boolean
  /** Assigned, but not yet confirmed by the runner. */
  assigned: boolean
}

/** One workflow run. */
export interface Run {
  readonly id: number
  owner: string
  repo: string
  readonly title: string
  readonly workflow: string
  readonly sha: string
  readonly createdAt: number
  attempt: number
  /** The attempt that is over, and how, whatever becomes of its jobs: those that wait are called queued forever. */
  over: { readonly attempt: number; readonly conclusion: string } | undefined
}

/** How a runner behaves, chosen by the one who tests. */
export type Mode = "normal" | "never-connects" | "idles" | "dies-mid-job" | "ghost" | "too-old"

/** One registered runner. */
export interface Runner {
  readonly id: number
  readonly name: string
  /** `owner/repo`, or `owner` for an organisation. */
  scope: string
  readonly labels: ReadonlyArray<string>
  readonly group: number
  readonly secret: string
  readonly createdAt: number
  mode: Mode
  status: "online" | "offline"
  job: number | null
  /** Its one job is over: the record goes away a little later. */
  doneAt: number | null
  used: boolean
  /** When it last spoke. */
  seenAt: number
}

/** A refusal, as HTTP status and GitHub's words. */
export class Refused extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** What a new run is made of. */
export interface RunSpec {
  readonly owner: string
  readonly repo: string
  readonly workflow?: string
  readonly title?: string
  /** What started it; only a push (the default) moves the repository to the front of those that were pushed to. */
  readonly event?: string
  readonly jobs: ReadonlyArray<{
    readonly name?: string
    /** `{run_id}` in a label becomes the run's id. */
    readonly labels: ReadonlyArray<string>
    readonly steps?: ReadonlyArray<string>
    /** Not queued before it is released. */
    readonly waits?: boolean
  }>
}

/** A runner group of an organisation. */
export interface Group {
  readonly id: number
  readonly name: string
  /** Names of the repositories that may use it, of an enterprise's group those of the organisations; none: all. */
  readonly repositories?: ReadonlyArray<string>
  /** Whether public repositories are among them. */
  readonly admitsPublic?: boolean
}

/** The scope of runners that are registered at an enterprise. */
export const enterpriseOf = (slug: string): string => `enterprise:${slug}`

/** The group that is always there. */
export const DEFAULT_GROUP: Group = { id: 1, name: "Default" }
/** A runner's labels, and characters of one, at most. */
const LABELS = 100
const LABEL = 256

/** The state of a simulated GitHub, and what can happen in it. Times are milliseconds since the epoch. */
export class World {
  readonly runs = new Map<number, Run>()
  readonly jobs = new Map<number, Job>()
  readonly runners = new Map<number, Runner>()
  /** `owner/repo` of each. */
  readonly repositories = new Set<string>()
  /** Repositories that were deleted: nothing below them is found. */
  readonly deleted = new Set<string>()
  /** The organisations of each enterprise, by its slug. */
  readonly enterprises = new Map<string, ReadonlySet<string>>()
  /** Runner groups of organisations, by owner, and of enterprises, by `enterpriseOf`, besides the default one. */
  readonly groups = new Map<string, Array<Group>>()
  /** Repositories that everybody may see. */
  readonly open = new Set<string>()
  /** Those of them that are archived, and those in which Actions is switched off. */
  readonly archived = new Set<string>()
  readonly withoutActions = new Set<string>()
  /** Organisations that are there without any repository, and accounts that are no organisations. */
  readonly organisations = new Set<string>()
  readonly users = new Set<string>()
  private readonly ids = new Map<string, number>()
  private readonly pushes = new Map<string, number>()
  /** Former names of repositories, and the ids that they lead to. */
  private readonly former = new Map<string, number>()
  /** How the next runners behave, by a part of their name, or `*`. */
  readonly modes = new Map<string, Mode>()
  /** Time for which the record of a runner stays after its job, in milliseconds. */
  linger = 100
  /** Timeout of a silent runner, in milliseconds, after which its job fails: "lost communication with the server". */
  lock = 600_000
  readonly now: () => number
  private next = 1000

  constructor(now: () => number) {
    this.now = now
  }

  private id(): number {
    return this.next++
  }

  /** A repository's number, which no rename changes. */
  repositoryId(name: string): number {
    const id = this.ids.get(name) ?? this.ids.size + 7
    this.ids.set(name, id)
    return id
  }

  /** When somebody pushed to it last; 0 when nobody did. */
  pushedAt(name: string): number {
    return this.pushes.get(name) ?? 0
  }

  /** The name of the repository that is called this, in any case. */
  named(name: string): string | undefined {
    if (this.repositories.has(name)) return name
    return [...this.repositories].find((it) => it.toLowerCase() === name.toLowerCase())
  }

  /** The name of the repository of this number. */
  nameOfId(id: number): string | undefined {
    return [...this.repositories].find((name) => this.repositoryId(name) === id)
  }

  /** The number of the repository that was once called this. */
  formerly(name: string): number | undefined {
    return this.former.get(name.toLowerCase())
  }

  /** Whether this is an organisation. */
  isOrganisation(login: string): boolean {
    return (
      !this.users.has(login) &&
      (this.organisations.has(login) || [...this.repositories].some((name) => name.startsWith(`${login}/`)))
    )
  }

  /** Rename or transfer a repository, with all that belongs to it: its former name leads to it from then on. */
  rename(from: string, to: string): void {
    if (!this.repositories.has(from)) throw new Refused(404, "Not Found")
    const id = this.repositoryId(from)
    const [owner = "", repo = ""] = to.split("/")
    for (const set of [this.repositories, this.archived, this.withoutActions]) if (set.delete(from)) set.add(to)
    this.ids.delete(from)
    this.ids.set(to, id)
    this.pushes.set(to, this.pushedAt(from))
    this.former.set(from.toLowerCase(), id)
    this.former.delete(to.toLowerCase())
    for (const it of [...this.runs.values(), ...this.jobs.values()]) {
      if (`${it.owner}/${it.repo}` === from) Object.assign(it, { owner, repo })
    }
    for (const runner of this.runners.values()) if (runner.scope === from) runner.scope = to
  }

  /** Rename an organisation: nothing leads from its former name to it but those of its repositories. */
  renameOwner(from: string, to: string): void {
    for (const name of [...this.repositories].filter((name) => name.startsWith(`${from}/`))) {
      this.rename(name, `${to}/${name.slice(from.length + 1)}`)
    }
    for (const runner of this.runners.values()) if (runner.scope === from) runner.scope = to
    if (this.organisations.delete(from)) this.organisations.add(to)
  }

  /** Queue a run. */
  queue(spec: RunSpec): { readonly run: Run; readonly jobs: ReadonlyArray<Job> } {
    const { owner, repo, workflow = "CI", title = "a push", event = "push" } = spec
    this.repositories.add(`${owner}/${repo}`)
    this.deleted.delete(`${owner}/${repo}`)
    if (event === "push") this.pushes.set(`${owner}/${repo}`, this.now())
    const run: Run = {
      id: this.id(),
      owner,
      repo,
      title,
      workflow,
      sha: randomBytes(20).toString("hex"),
      createdAt: this.now(),
      attempt: 1,
      over: undefined
    }
    this.runs.set(run.id, run)
    return {
      run,
      jobs: spec.jobs.map((job, index) => this.addJob(run, { ...job, name: job.name ?? `job (${index})` }))
    }
  }

  private addJob(
    run: Run,
    spec: { name: string; labels: ReadonlyArray<string>; steps?: ReadonlyArray<string>; waits?: boolean }
  ): Job {
    const job: Job = {
      id: this.id(),
      runId: run.id,
      attempt: run.attempt,
      owner: run.owner,
      repo: run.repo,
      name: spec.name,
      workflow: run.workflow,
      labels: spec.labels.map((label) => label.replaceAll("{run_id}", String(run.id))),
      steps: spec.steps ?? ["true"],
      createdAt: this.now(),
      status: spec.waits === true ? "waiting" : "queued",
      conclusion: null,
      startedAt: null,
      completedAt: null,
      runnerId: null,
      runnerName: null,
      stepsDone: 0,
      cancelled: false,
      assigned: false
    }
    this.jobs.set(job.id, job)
    return job
  }

  /** Let a waiting job be queued. */
  release(id: number): void {
    const job = this.job(id)
    if (job.status === "waiting") job.status = "queued"
  }

  /** The latest jobs of a run, or all of them. */
  jobsOf(runId: number, all = false): ReadonlyArray<Job> {
    const run = this.runs.get(runId)
    return [...this.jobs.values()].filter((job) => job.runId === runId && (all || job.attempt === run?.attempt))
  }

  job(id: number): Job {
    const job = this.jobs.get(id)
    if (job === undefined) throw new Refused(404, "Not Found")
    return job
  }

  /** A run is as far as its least advanced job. */
  statusOf(run: Run): { readonly status: string; readonly conclusion: string | null } {
    const jobs = this.jobsOf(run.id)
    if (run.over?.attempt === run.attempt) return { status: "completed", conclusion: run.over.conclusion }
    // one whose jobs vanished is as far as it was
    if (jobs.length > 0 && jobs.every(({ status }) => status === "completed")) {
      const words = jobs.map(({ conclusion }) => conclusion)
      return {
        status: "completed",
        conclusion: words.includes("failure") ? "failure" : words.includes("cancelled") ? "cancelled" : "success"
      }
    }
    const begun = jobs.some(({ status }) => status === "in_progress" || status === "completed")
    const waits = jobs.some(({ status }) => status === "waiting")
    return { status: begun ? "in_progress" : waits ? "waiting" : "queued", conclusion: null }
  }

  /** All groups of an owner. */
  groupsOf(owner: string): ReadonlyArray<Group> {
    return [DEFAULT_GROUP, ...(this.groups.get(owner) ?? [])]
  }

  /** Register a runner: names are unique as long as a record exists. A repository has the default group alone. */
  register(scope: string, name: string, labels: ReadonlyArray<string>, group = DEFAULT_GROUP.id): Runner {
    this.tick()
    const groups = scope.includes("/") ? [DEFAULT_GROUP] : this.groupsOf(scope)
    if (!groups.some(({ id }) => id === group)) throw new Refused(404, "Not Found")
    if (labels.length === 0 || labels.length > LABELS)
      throw new Refused(422, `Invalid request: labels must have 1 to ${LABELS} items`)
    if (labels.some(({ length }) => length === 0 || length > LABEL))
      throw new Refused(422, `Invalid request: a label must have 1 to ${LABEL} characters`)
    if (
      [...this.runners.values()].some(
        (runner) => runner.scope === scope && runner.name.toLowerCase() === name.toLowerCase()
      )
    ) {
      throw new Refused(409, `Already exists - A runner with the name ${name} already exists.`)
    }
    const mode = [...this.modes].find(([part]) => part === "*" || name.includes(part))?.[1] ?? "normal"
    const runner: Runner = {
      id: this.id(),
      name,
      scope,
      labels,
      group,
      secret: randomBytes(24).toString("hex"),
      createdAt: this.now(),
      mode,
      status: "offline",
      job: null,
      doneAt: null,
      used: false,
      seenAt: this.now()
    }
    this.runners.set(runner.id, runner)
    return runner
  }

  /** Remove a runner, unless it runs a job. */
  remove(scope: string, id: number): void {
    this.tick()
    const runner = this.runners.get(id)
    if (runner === undefined || runner.scope !== scope) throw new Refused(404, "Not Found")
    if (runner.job !== null)
      throw new Refused(422, `Runner "${runner.name}" is currently running a job and cannot be deleted.`)
    this.runners.delete(id)
  }

  /** The runner of a secret. */
  runnerOf(secret: string): Runner | undefined {
    return [...this.runners.values()].find((runner) => runner.secret === secret)
  }

  /** Give waiting runners their jobs: the oldest queued job whose labels the runner has all of, whatever it was made for. */
  assign(runner: Runner): Job | undefined {
    if (runner.job !== null || runner.doneAt !== null || runner.mode === "idles") return undefined
    const has = new Set(runner.labels.map((label) => label.toLowerCase()))
    const job = [...this.jobs.values()]
      .filter(
        (job) =>
          job.status === "queued" &&
          !job.assigned &&
          this.isOpen(job) &&
          this.mayUse(runner, job) &&
          this.serves(runner, job) &&
          job.labels.every((label) => has.has(label.toLowerCase()))
      )
      .sort((a, b) => a.createdAt - b.createdAt || a.id - b.id)[0]
    if (job === undefined) return undefined
    job.status = "in_progress"
    job.assigned = true
    job.startedAt = this.now()
    job.runnerId = runner.id
    job.runnerName = runner.name
    runner.job = job.id
    runner.seenAt = this.now()
    return job
  }

  /** Whether the job is below where the runner is registered. */
  private serves({ scope }: Runner, { owner, repo }: Job): boolean {
    if (scope === owner || scope === `${owner}/${repo}`) return true
    return [...this.enterprises].some(([slug, owners]) => scope === enterpriseOf(slug) && owners.has(owner))
  }

  /** Whether the runner's group lets a repository in, or the organisation of one. */
  private mayUse({ scope, group }: Runner, { owner, repo }: Job): boolean {
    const users = this.groupsOf(scope).find(({ id }) => id === group)?.repositories
    return users === undefined || users.includes(scope.startsWith(enterpriseOf("")) ? owner : repo)
  }

  /** A job is over; its runner's record goes away soon. */
  complete(id: number, conclusion: string): void {
    const job = this.job(id)
    if (job.status === "completed") return
    job.status = "completed"
    job.conclusion = conclusion
    job.completedAt = this.now()
    for (const runner of this.runners.values()) {
      if (runner.job !== id) continue
      runner.job = null
      runner.doneAt = this.now()
    }
  }

  /** Cancel a run: what has not started ends at once, what runs is asked to end. */
  cancel(runId: number): void {
    const open = this.jobsOf(runId).filter(({ status }) => status !== "completed")
    if (open.length === 0) throw new Refused(409, "Cannot cancel a workflow run that is completed.")
    for (const job of open) {
      if (job.status === "in_progress") job.cancelled = true
      else this.complete(job.id, "cancelled")
    }
  }

  /** Whether a job is yet to be run, or runs. */
  isOpen({ status, runId, attempt }: Job): boolean {
    return status !== "completed" && (status === "in_progress" || this.runs.get(runId)?.over?.attempt !== attempt)
  }

  /** A run is over, e.g. with `startup_failure`, although its jobs that wait are called queued forever. */
  end(runId: number, conclusion: string): void {
    const run = this.runs.get(runId)
    if (run === undefined) throw new Refused(404, "Not Found")
    run.over = { attempt: run.attempt, conclusion }
  }

  /** A job, a run with its jobs, or a repository (`owner/repo`) with all that is in it is not found any more. */
  vanish(what: { readonly job?: number; readonly run?: number; readonly repo?: string }): void {
    const isMeant = (it: { readonly owner: string; readonly repo: string }) => `${it.owner}/${it.repo}` === what.repo
    for (const job of this.jobs.values()) {
      if (job.id !== what.job && job.runId !== what.run && !isMeant(job)) continue
      // who still runs it hears that it is over, and its runner goes as after any job
      this.complete(job.id, "cancelled")
      this.jobs.delete(job.id)
    }
    for (const run of this.runs.values()) if (run.id === what.run || isMeant(run)) this.runs.delete(run.id)
    if (what.repo === undefined) return
    this.repositories.delete(what.repo)
    this.deleted.add(what.repo)
    for (const runner of this.runners.values()) if (runner.scope === what.repo) this.runners.delete(runner.id)
  }

  /** Run a run again: the same run, the next attempt, new jobs. */
  rerun(runId: number, which: (job: Job) => boolean): void {
    const run = this.runs.get(runId)
    if (run === undefined) throw new Refused(404, "Not Found")
    const before = this.jobsOf(runId)
    if (before.some((job) => this.isOpen(job))) throw new Refused(403, "This workflow is already running")
    run.attempt++
    for (const job of before.filter(which)) this.addJob(run, { name: job.name, labels: job.labels, steps: job.steps })
  }

  /** What happens by itself as time passes. */
  tick(): void {
    for (const runner of this.runners.values()) {
      if (runner.job !== null && this.now() - runner.seenAt >= this.lock) this.complete(runner.job, "failure")
      if (runner.doneAt !== null && this.now() - runner.doneAt >= this.linger) this.runners.delete(runner.id)
    }
  }
}
