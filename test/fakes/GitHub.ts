/** A small working GitHub in memory: jobs, runners with unique names, the rule that a busy runner cannot be removed. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import {
  GitHub,
  type GitHubClient,
  GitHubError,
  type Job,
  type Level,
  type Look,
  nameOf,
  type Run,
  type Runner
} from "../../src/services/GitHub.ts"
import { type Mortal, mortal } from "./life.ts"

export interface FakeGitHub extends Mortal {
  readonly jobs: Map<number, Job>
  /** Runs that are not as far as their job, by their ids. */
  readonly runs: Map<number, Run>
  readonly runners: Map<number, Runner>
  readonly labels: Map<number, ReadonlyArray<string>>
  /** Where each runner is registered. */
  readonly levels: Map<number, Level>
  /** What GitHub does not show, by what is watched: `o/r`, or the organisation. */
  readonly hidden: Map<string, GitHubError>
  readonly calls: Array<string>
  readonly told: Array<string>
  /** What a call does before its work, by method name. */
  readonly before: Record<string, Effect.Effect<void, GitHubError>>
  /** What a call does after its work, before its reply: where a reply is lost. */
  readonly after: Record<string, Effect.Effect<void, GitHubError>>
  nextRunner: number
}

export const make = (): FakeGitHub => ({
  life: 0,
  jobs: new Map(),
  runs: new Map(),
  runners: new Map(),
  labels: new Map(),
  levels: new Map(),
  hidden: new Map(),
  calls: [],
  told: [],
  before: {},
  after: {},
  nextRunner: 1
})

export const LABELS = ["self-hosted", "anka", "anka-template:template", "anka-template-tag:v1"]

/** A queued job. */
export const queued = (id: number, given: Partial<Job> = {}): Job => ({
  id,
  owner: "o",
  repo: "r",
  runId: 100 + id,
  runAttempt: 1,
  name: `job ${id}`,
  workflowName: "CI",
  runName: "a push",
  headSha: "0".repeat(40),
  url: `https://github.com/o/r/actions/runs/${100 + id}/job/${id}`,
  status: "queued",
  conclusion: Option.none(),
  labels: [...LABELS, `run-id:${100 + id}`, "unique-id:1"],
  runnerName: Option.none(),
  createdAt: id,
  ...given
})

export const refused = (reason: GitHubError["reason"], request: string) =>
  new GitHubError({ reason, request, detail: "no" })

/** The job runs on this runner, which takes it and comes online. */
export const takes = (fake: FakeGitHub, runnerName: string, jobId: number) => {
  const job = fake.jobs.get(jobId)
  if (job !== undefined) fake.jobs.set(jobId, { ...job, status: "in_progress", runnerName: Option.some(runnerName) })
  for (const runner of fake.runners.values()) {
    if (runner.name === runnerName) fake.runners.set(runner.id, { ...runner, online: true, busy: true })
  }
}

/** The job ends; GitHub forgets its runner. */
export const ends = (fake: FakeGitHub, jobId: number, conclusion: string) => {
  const job = fake.jobs.get(jobId)
  if (job === undefined) return
  fake.jobs.set(jobId, { ...job, status: "completed", conclusion: Option.some(conclusion) })
  for (const runner of fake.runners.values()) {
    if (Option.contains(job.runnerName, runner.name)) fake.runners.delete(runner.id)
  }
}

export const client = (fake: FakeGitHub): GitHubClient => {
  const dies = mortal(fake)
  const call = <A>(name: string, about: string, work: () => Effect.Effect<A, GitHubError>) =>
    dies(
      Effect.suspend(() => {
        fake.calls.push(`${name} ${about}`)
        return (fake.before[name] ?? Effect.void).pipe(
          Effect.zipRight(Effect.suspend(work)),
          Effect.zipLeft(Effect.suspend(() => fake.after[name] ?? Effect.void))
        )
      })
    )
  const cached = new Map<string, Look>()
  /** Whether a runner is registered there; one of a test's own is everywhere. */
  const isAt = (level: Level, id: number) => {
    const place = fake.levels.get(id)
    return place === undefined || nameOf(place) === nameOf(level)
  }
  return {
    look: (watched, maxAge) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const fresh = cached.get(watched.fullName)
        if (fresh !== undefined && now - fresh.at < Duration.toMillis(maxAge)) return Effect.succeed(fresh)
        return call("look", "", () => {
          const hidden = fake.hidden.get(watched.fullName)
          if (hidden !== undefined) return hidden
          // a repository may have been renamed
          const isOpen = ({ status, owner }: Job) => status !== "completed" && owner === watched.owner
          const jobs = [...fake.jobs.values()].filter(isOpen)
          const look: Look = { jobs, at: now, isWhole: true, nothing: "" }
          cached.set(watched.fullName, look)
          return Effect.succeed(look)
        })
      }),
    admitted: Effect.void,
    credential: call("credential", "", () =>
      Effect.succeed({ rate: Option.none(), ahead: Option.none(), may: { _tag: "Untold" as const } })
    ),
    tryLook: () => call("tryLook", "", () => Effect.succeed({ hidden: [], nothing: "", renamed: "", open: [] })),
    named: (watched) => fake.hidden.get(watched.fullName) ?? Effect.succeed(watched),
    repository: (owner, repo) => Effect.succeed({ id: 7, owner, repo }),
    runners: () => call("runners", "", () => Effect.succeed([...fake.runners.values()])),
    job: (_owner, _repo, id) =>
      call("job", String(id), () => {
        const job = fake.jobs.get(id)
        return job === undefined ? refused("NotFound", `GET job ${id}`) : Effect.succeed(job)
      }),
    run: (_owner, _repo, id) =>
      call("run", String(id), () => {
        const job = [...fake.jobs.values()].find(({ runId }) => runId === id)
        return job === undefined
          ? refused("NotFound", `GET run ${id}`)
          : Effect.succeed(
              fake.runs.get(id) ?? { status: job.status, conclusion: job.conclusion, attempt: job.runAttempt }
            )
      }),
    createRunner: (level, { name, labels }) =>
      call("createRunner", name, () => {
        if ([...fake.runners.values()].some((runner) => runner.name === name)) return refused("Conflict", "POST jit")
        const runner: Runner = { id: fake.nextRunner++, name, online: false, busy: false }
        fake.runners.set(runner.id, runner)
        fake.labels.set(runner.id, labels)
        fake.levels.set(runner.id, level)
        return Effect.succeed({ runner, jitConfig: Redacted.make(Buffer.from(`jit of ${name}`).toString("base64")) })
      }),
    runner: (level, id) =>
      call("runner", String(id), () =>
        Effect.succeed(Option.filter(Option.fromNullable(fake.runners.get(id)), () => isAt(level, id)))
      ),
    runnerByName: (level, name) =>
      call("runnerByName", name, () =>
        Effect.succeed(
          Option.fromNullable([...fake.runners.values()].find((it) => it.name === name && isAt(level, it.id)))
        )
      ),
    groups: () => call("groups", "", () => Effect.succeed([{ id: 1, name: "Default", admitsPublic: false }])),
    removeRunner: (level, id) =>
      call("removeRunner", String(id), () => {
        if (!isAt(level, id)) return Effect.void
        if (fake.runners.get(id)?.busy === true) return refused("Busy", `DELETE runner ${id}`)
        fake.runners.delete(id)
        return Effect.void
      }),
    tell: (_job, _title, text) =>
      call("tell", text, () => {
        fake.told.push(text)
        return Effect.succeed(true)
      })
  }
}

export const layer = (fake: FakeGitHub) => {
  const shared = client(fake)
  return Layer.succeed(GitHub, GitHub.of({ limits: Effect.succeed([]), client: () => Effect.succeed(shared) }))
}
