/** `anklet demo`: the real daemon on a simulated Mac and a simulated GitHub, shown as it happens. */
import * as CommandExecutor from "@effect/platform/Command"
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { commandLine } from "../process/Program.ts"
import { alter, calls, clones, createHost } from "../simulator/anka/host.ts"
import { type SimulatedGitHub, start as startGitHub } from "../simulator/github/server.ts"
import type { Job } from "../simulator/github/world.ts"
import { line, message, type Text } from "./shown.ts"
import { table } from "./table.ts"
import { type Colour, say, screen } from "./terminal.ts"

const HERE = "d792c6f6-198c-470f-9526-9c998efe7ab4"
const REMOTE = "c0847bc9-5d2d-4dbc-ba6a-240f7ff08032"
const OWNER = "acme"
const REPO = "app"

/** A job of the demo, and how it should end. */
interface Act {
  readonly name: string
  readonly template: string
  readonly steps: ReadonlyArray<string>
  readonly expected: string
}

const ACTS: ReadonlyArray<Act> = [
  {
    name: "test",
    template: HERE,
    steps: ["echo 'all tests pass' > report.txt", "sleep 1", "cat report.txt"],
    expected: "success"
  },
  { name: "lint", template: HERE, steps: ["sleep 0.5", "exit 3"], expected: "failure" },
  { name: "cancelled while booting", template: HERE, steps: ["sleep 60"], expected: "cancelled" },
  { name: "side by side 1", template: HERE, steps: ["sleep 1.5"], expected: "success" },
  { name: "side by side 2", template: HERE, steps: ["sleep 1.5"], expected: "success" },
  { name: "needs a pull", template: REMOTE, steps: ["uname -s", "sleep 0.5"], expected: "success" }
]

/** Timeout of the whole demo, which takes a fraction of it. */
const WITHIN = "2 minutes"

const show = (who: string, what: string, text: string, colour?: Colour) =>
  Effect.gen(function* () {
    const { paint } = yield* screen
    const time = DateTime.formatIso(DateTime.unsafeMake(yield* Clock.currentTimeMillis)).slice(11, 23)
    const told = colour === undefined ? text : paint(colour, text)
    yield* say(line`${paint("dim", time)}  ${paint("cyan", who.padEnd(8))} ${what.padEnd(24)} ${told}`)
  })

const Line = Schema.parseJson(
  Schema.Struct({
    level: Schema.String,
    msg: Schema.String,
    serviceName: Schema.optionalWith(Schema.String, { default: () => "anklet" }),
    workflowJobName: Schema.optionalWith(Schema.String, { default: () => "" })
  })
)

/** Shows one line of the daemon's log as it is written. */
const showLine = (text: string) =>
  Option.match(Schema.decodeOption(Line)(text), {
    onNone: () => Effect.void,
    onSome: ({ level, msg, serviceName, workflowJobName }) =>
      show(serviceName, workflowJobName, msg, level === "ERROR" ? "red" : level === "WARN" ? "yellow" : undefined)
  })

/** Shows GitHub's side: every change of a job's state. */
const showJobs = (github: SimulatedGitHub) =>
  Effect.gen(function* () {
    const seen = new Map<number, string>()
    while (true) {
      for (const job of github.world.jobs.values()) {
        const state = job.conclusion ?? job.status
        if (seen.get(job.id) === state) continue
        seen.set(job.id, state)
        yield* show("GitHub", job.name, `job is ${state}`, "dim")
      }
      yield* Effect.sleep("50 millis")
    }
  })

const configOf = (folder: string, url: string) => `work_dir: ${folder}/work
pid_file_dir: ${folder}
state_dir: ${folder}/state
log:
  file_dir: ${folder}
services:
${["RUNNER1", "RUNNER2"]
  .map(
    (name) => `  - name: ${name}
    plugin: github
    token: github_pat_demo
    registration: repo
    owner: ${OWNER}
    repo: ${REPO}
    api_url: ${url}
    sleep_interval: 1
`
  )
  .join("")}`

const until = (holds: () => boolean) =>
  Effect.repeat(Effect.sleep("50 millis"), { while: () => !holds() }).pipe(Effect.unless(holds))

const queue = (github: SimulatedGitHub, acts: ReadonlyArray<Act>): ReadonlyArray<Job> =>
  github.world.queue({
    owner: OWNER,
    repo: REPO,
    jobs: acts.map(({ name, template, steps }, index) => ({
      name,
      steps,
      labels: [
        "self-hosted",
        "anka",
        `anka-template:${template}`,
        "anka-template-tag:v1",
        "run-id:{run_id}",
        `unique-id:${index}`
      ]
    }))
  }).jobs

/** The script of the demo. */
const play = Effect.fnUntraced(function* (github: SimulatedGitHub, host: string) {
  const ended = (jobs: ReadonlyArray<Job>) => () => jobs.every(({ status }) => status === "completed")
  const [test, lint, cancelled, one, two, pulled] = ACTS
  if (
    test === undefined ||
    lint === undefined ||
    cancelled === undefined ||
    one === undefined ||
    two === undefined ||
    pulled === undefined
  )
    return []
  const first = queue(github, [test, lint])
  yield* until(ended(first))
  yield* until(() => clones(host).length === 0)
  const second = queue(github, [cancelled])
  yield* until(() => clones(host).some(({ status }) => status === "running"))
  yield* Effect.sync(() => github.world.cancel(second[0]?.runId ?? 0))
  yield* until(() => clones(host).length === 0)
  const third = queue(github, [one, two])
  yield* until(ended(third))
  const fourth = queue(github, [pulled])
  yield* until(ended(fourth))
  return [...first, ...second, ...third, ...fourth]
})

const seconds = (from: number, to: number | null) => (to === null ? "" : ((to - from) / 1000).toFixed(1))

const demo = Effect.gen(function* () {
  const fs = yield* FileSystem
  const paths = yield* Path
  const folder = yield* fs.makeTempDirectoryScoped({ prefix: "anklet-demo-" })
  const host = paths.join(folder, "host")
  for (const name of ["work", "home"]) yield* fs.makeDirectory(paths.join(folder, name))
  const { bin } = createHost({
    home: host,
    anklet: commandLine,
    templates: [{ uuid: HERE, name: "macos-26", tags: ["v1"] }],
    registry: [{ uuid: REMOTE, name: "macos-26-xcode", tags: ["v1"] }]
  })
  alter(host, (it) => {
    Object.assign(it.takes, { boot: 1200, pull: 1500, clone: 200, start: 200 })
  })
  const github = yield* Effect.acquireRelease(
    Effect.promise(() => startGitHub()),
    (github) => Effect.promise(github.close)
  )
  const config = paths.join(folder, "config.yml")
  yield* fs.writeFileString(config, configOf(folder, github.url), { mode: 0o600 })

  yield* say("anklet demo: the real daemon, a simulated Mac with two VM slots, a simulated GitHub, real bash scripts.")
  yield* say("It takes about half a minute; Ctrl-C ends it and removes everything.")
  yield* say("")
  const path = yield* Config.string("PATH")
  const daemon = yield* CommandExecutor.make(...commandLine, "-c", config, "--attach").pipe(
    CommandExecutor.env({ PATH: `${bin}:${path}`, HOME: paths.join(folder, "home"), LOG_LEVEL: "INFO" }),
    CommandExecutor.stderr("inherit"),
    CommandExecutor.start
  )
  const lines = yield* Effect.forkScoped(
    daemon.stdout.pipe(Stream.decodeText(), Stream.splitLines, Stream.runForEach(showLine))
  )
  yield* Effect.forkScoped(showJobs(github))
  const died = Effect.flatMap(daemon.exitCode, (code) =>
    Effect.dieMessage(`the daemon ended by itself with exit code ${code}`)
  )
  const jobs = yield* Effect.raceFirst(play(github, host), died).pipe(Effect.timeoutOption(WITHIN))
  yield* daemon.kill("SIGQUIT").pipe(Effect.ignore)
  const code = yield* daemon.exitCode
  yield* Fiber.join(lines)

  const left = [...clones(host).map(({ name }) => name), ...[...github.world.runners.values()].map(({ name }) => name)]
  const shown = yield* screen
  const rows: Array<ReadonlyArray<Text>> = []
  let right = true
  for (const { name, expected } of ACTS) {
    const job = Option.getOrElse(jobs, () => []).find((job) => job.name === name)
    const good = job?.conclusion === expected
    right &&= good
    rows.push([
      name,
      expected,
      job?.conclusion ?? "unknown",
      job === undefined ? "" : seconds(job.createdAt, job.startedAt),
      job?.startedAt == null ? "" : seconds(job.startedAt, job.completedAt),
      good ? shown.paint("green", "ok") : shown.paint("red", "WRONG")
    ])
  }
  const results = table(shown, ["job", "should be", "is", "waited s", "ran s", ""], rows)
  yield* say(line`\n${results}\n`)
  yield* say(
    `${calls(host).length} calls of anka, ${github.log.length} requests to GitHub (${github.log.reduce((sum, { cost }) => sum + cost, 0)} of them charged)`
  )
  yield* say(left.length === 0 ? "nothing is left behind" : shown.paint("red", `left behind: ${left.join(", ")}`))
  yield* say(
    line`\nThis world is gone. One to keep, and to try status, why, jobs and ui in: "anklet simulate world DIR"`
  )
  return right && left.length === 0 && code === 0 && github.violations.length === 0
})

/** Runs the demo; exits 0 only if every job ended as it should and nothing is left behind. */
export const main = async (): Promise<void> => {
  const program = Effect.gen(function* () {
    const fiber = yield* Effect.fork(Effect.scoped(demo))
    const stopped = yield* Deferred.make<void>()
    // also when the terminal closes: a daemon in a simulation would be left behind
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const)
      process.once(signal, () => Deferred.unsafeDone(stopped, Effect.void))
    yield* Effect.fork(Effect.zipRight(Deferred.await(stopped), Fiber.interrupt(fiber)))
    const exit = yield* Fiber.await(fiber)
    if (Exit.isFailure(exit) && !Exit.isInterrupted(exit)) yield* say(message(`${exit.cause}`))
    return Exit.isSuccess(exit) && exit.value ? 0 : 1
  })
  process.exit(await Effect.runPromise(Effect.provide(program, NodeContext.layer)))
}
