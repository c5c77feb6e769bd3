/** A stand-in for GitHub's runner program: takes its just-in-time configuration, waits for its one job, really runs the steps, tells the end. */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdirSync } from "node:fs"
import { request } from "node:http"
import { join } from "node:path"

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

const ask = (method: string, address: string, secret: string, body?: unknown): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const sent = request(address, { method, headers: { authorization: `Bearer ${secret}` } }, (response) => {
      let text = ""
      response.on("data", (chunk) => {
        text += chunk
      })
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text || "{}") }))
      response.on("error", reject)
    })
    sent.on("error", reject)
    sent.end(body === undefined ? undefined : JSON.stringify(body))
  })

const say = (line: string) => process.stdout.write(`${new Date().toISOString()}: ${line}\n`)

/** The version that it passes for. */
const VERSION = "2.338.0"

/** Like the real one: SIGINT, some seconds, SIGKILL. */
const GRACE = 2500

let current: ChildProcess | undefined
let interrupted = false

const step = (script: string, folder: string, env: Record<string, string>): Promise<number> =>
  new Promise((resolve) => {
    const child = spawn("bash", ["-eo", "pipefail", "-c", script], {
      cwd: folder,
      detached: true,
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, ...env }
    })
    current = child
    child.on("error", () => resolve(127))
    child.on("exit", (code) => {
      current = undefined
      resolve(code ?? 130)
    })
  })

const endStep = () => {
  const child = current
  if (child?.pid === undefined) return
  const group = -child.pid
  const kill = (signal: NodeJS.Signals) => {
    try {
      process.kill(group, signal)
    } catch {
      // it ended by itself
    }
  }
  kill("SIGINT")
  setTimeout(() => kill("SIGKILL"), GRACE).unref()
}

const runJob = async (services: string, secret: string, job: Record<string, unknown>): Promise<void> => {
  const { id, name, repo, runId } = job
  say(`Running job: ${name}`)
  const folder = join(process.cwd(), "_work", String(repo))
  mkdirSync(folder, { recursive: true })
  const env = { CI: "true", GITHUB_ACTIONS: "true", GITHUB_RUN_ID: String(runId), GITHUB_WORKSPACE: folder }
  let cancelled = false
  let done = 0
  const tell = async () => {
    const { body } = await ask("POST", `${services}/progress`, secret, { job: id, steps: done })
    if (body.cancelled === true && !cancelled) {
      cancelled = true
      endStep()
    }
  }
  const watch = setInterval(() => void tell().catch(() => {}), 100)
  let failed = false
  const steps = Array.isArray(job.steps) ? job.steps.map(String) : []
  for (const script of steps) {
    if (cancelled || interrupted) break
    const code = await step(script, folder, env)
    if (code !== 0) {
      failed = true
      break
    }
    done++
    await tell()
  }
  clearInterval(watch)
  const conclusion = cancelled || interrupted ? "cancelled" : failed ? "failure" : "success"
  await ask("POST", `${services}/complete`, secret, { job: id, conclusion })
  say(`Job ${name} completed with result: ${conclusion}`)
}

/** Run until the one job is over. Exits 0 also when the job failed, as the real run.sh does. */
export const main = async (argv: ReadonlyArray<string>): Promise<void> => {
  const flag = argv.indexOf("--jitconfig")
  const config = flag === -1 ? process.env.ACTIONS_RUNNER_INPUT_JITCONFIG : argv[flag + 1]
  delete process.env.ACTIONS_RUNNER_INPUT_JITCONFIG
  if (!config) {
    process.stderr.write("no just-in-time configuration\n")
    process.exitCode = 1
    return
  }
  const files = JSON.parse(Buffer.from(config, "base64").toString())
  const file = (name: string) => JSON.parse(Buffer.from(files[name], "base64").toString())
  const services: string = file(".runner").ServerUrl
  const secret: string = file(".credentials").Data.clientId
  const stop = () => {
    interrupted = true
    endStep()
    // without a job there is nothing to wait for
    if (current === undefined) void ask("POST", `${services}/disconnect`, secret).finally(() => process.exit(0))
  }
  process.on("SIGINT", stop)
  process.on("SIGTERM", stop)
  const connected = await ask("POST", `${services}/connect`, secret)
  if (connected.status !== 200) {
    say(String(connected.body.message))
    process.exitCode = 1
    return
  }
  process.stdout.write(`Current runner version: '${VERSION}'\n`)
  say("Listening for Jobs")
  for (;;) {
    const { status, body } = await ask("GET", `${services}/job`, secret)
    if (status === 202) continue
    if (status === 200) {
      if (connected.body.mode === "dies-mid-job") process.exit(1)
      await runJob(services, secret, body)
      process.exit(0)
    }
    say("The runner registration has been deleted from the server.")
    // a ghost goes on listening although GitHub has forgotten it
    if (connected.body.mode === "ghost") await new Promise(() => setInterval(() => {}, 1 << 30))
    process.exit(1)
  }
}
