import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { parse } from "yaml"
import { type Lab, make, until } from "../whole/lab.ts"

let lab: Lab

beforeEach(async () => {
  lab = await make()
})
afterEach(() => lab.close())

const SECRET = "github_pat_CANARYdeadbeef42"

/** A config of Anklet 2 for this lab; `more` are further keys of its service. */
const older = (more: ReadonlyArray<string> = []) =>
  `# a Mac of 2025
work_dir: ${join(lab.folder, "work")}
pid_file_dir: ${join(lab.folder, "daemon")}
state_dir: ${join(lab.folder, "daemon", "state")}
log:
  file_dir: ${join(lab.folder, "logs")}
global_token: ${SECRET}
metrics:
  port: "${18_000 + (process.pid % 10_000)}"
  host: 127.0.0.1
plugins:
  - name: RUNNER1
    plugin: github
    owner: veertuinc
    repo: anklet
    api_url: ${lab.github.url}
    sleep_interval: 1 # often
    registration_timeout_seconds: 80
${more.map((key) => `    ${key}\n`).join("")}`

const put = (text: string) => {
  writeFileSync(lab.config, text)
  chmodSync(lab.config, 0o600)
}

const migrate = (...args: ReadonlyArray<string>) => lab.run(["config", "migrate", lab.config, ...args]).done

describe("anklet config migrate", () => {
  it("shows what becomes of each key, and the new config without its secrets; it changes nothing", async () => {
    put(older(["job_retry_attempts: 5"]))
    const { code, stdout, stderr } = await migrate()
    assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
    assert.include(stdout, `${lab.config} is a config of Anklet 2. Nothing was changed.`)
    assert.match(stdout, /became +line 7 {2}global_token -> token of RUNNER1\n/)
    assert.match(stdout, /line 18 {2}RUNNER1: registration_timeout_seconds -> registration_timeout, 80 seconds/)
    assert.match(stdout, /left out +line 19 {2}RUNNER1: job_retry_attempts: 5: /)
    assert.include(stdout, "    sleep_interval: 1 # often\n    registration_timeout: 80\n    token: <hidden>\n")
    assert.include(stdout, `next     anklet config migrate ${lab.config} --write`)
    assert.notInclude(stdout, "CANARY")
    assert.strictEqual(readFileSync(lab.config, "utf8"), older(["job_retry_attempts: 5"]))
  })

  it("--write swaps the files with their mode, behind a link, too; and a second time does nothing", async () => {
    put(older())
    const link = join(lab.folder, "link.yml")
    symlinkSync(lab.config, link)
    const { code, stdout } = await lab.run(["-c", link, "config", "migrate", "--write"]).done
    assert.strictEqual(code, 0)
    const kept = `${lab.config}.anklet2`
    assert.include(stdout, kept)
    assert.notInclude(stdout, "CANARY")
    assert.strictEqual(readFileSync(kept, "utf8"), older())
    assert.strictEqual(statSync(kept).mode & 0o777, 0o600)
    assert.strictEqual(statSync(lab.config).mode & 0o777, 0o600)
    assert.strictEqual(readFileSync(link, "utf8"), readFileSync(lab.config, "utf8"))
    assert.strictEqual(parse(readFileSync(lab.config, "utf8")).services[0].token, SECRET)
    assert.isFalse(existsSync(`${lab.config}.new`))
    const check = await lab.anklet("config", "check")
    assert.deepStrictEqual([check.code, check.stderr], [0, ""])
    const again = await migrate("--write")
    assert.deepStrictEqual(
      [again.code, again.stdout],
      [0, `${lab.config} is no config of Anklet 1 or 2: it stays as it is\n`]
    )
    assert.strictEqual(readFileSync(kept, "utf8"), older())
  })

  it("--write continues after a crash between its two steps, and overwrites no other file", async () => {
    put(older())
    const kept = `${lab.config}.anklet2`
    writeFileSync(kept, "mine\n", { mode: 0o600 })
    const refused = await migrate("--write")
    assert.strictEqual(refused.code, 9)
    assert.include(refused.stderr, `${kept} is there already`)
    assert.strictEqual(readFileSync(lab.config, "utf8"), older())
    writeFileSync(kept, older())
    writeFileSync(`${lab.config}.new`, "half of")
    assert.strictEqual((await migrate("--write")).code, 0)
    assert.property(parse(readFileSync(lab.config, "utf8")), "services")
  })

  it("--json says the same for programs; exit 3 while a person must decide something", async () => {
    put(older(["skip_pull: true", "skip_cpu_and_memory_resource_checks: true"]))
    const { code, stdout } = await migrate("--json")
    assert.strictEqual(code, 3)
    const { older: era, written, entries, config } = JSON.parse(stdout)
    assert.deepStrictEqual([era, written], [2, false])
    assert.deepInclude(entries, {
      kind: "became",
      line: 18,
      service: "RUNNER1",
      key: "registration_timeout_seconds",
      to: "registration_timeout",
      message: "80 seconds, counted from the runner's start"
    })
    assert.strictEqual(parse(config).services[0].token, "<hidden>")
    assert.notInclude(stdout, "CANARY")
    const start = await lab.anklet()
    assert.strictEqual(start.code, 3)
    assert.match(
      start.stderr,
      /config of Anklet 2; .*\n {2}line 19, RUNNER1, skip_pull: .*\n {2}line 20, RUNNER1, skip_cpu_and_memory_resource_checks: /
    )
    assert.strictEqual(start.stderr.trim().split("\n").length, 4, start.stderr)
  })

  it("--online asks GitHub what the file does not tell, and only then", async () => {
    lab.world.repositories.add("veertuinc/anklet")
    put(older(["runner_group: macs"]))
    await migrate()
    assert.deepStrictEqual(lab.github.log, [])
    const { code, stdout } = await migrate("--online")
    assert.strictEqual(code, 3)
    assert.match(stdout, /asked +RUNNER1: /)
    assert.include(stdout, "RUNNER1: the jobs of veertuinc/anklet can be listed\n")
    assert.match(stdout, /look at +RUNNER1: .*runners of a repository have the default group.*: correct `runner_group`/)
    assert.notInclude(stdout, "CANARY")
    assert.deepStrictEqual([...new Set(lab.github.log.map(({ method }) => method))], ["GET"])
    put(older())
    const well = await migrate("--online", "--json")
    assert.strictEqual(well.code, 0, well.stdout)
    const { asked } = JSON.parse(well.stdout)
    assert.deepInclude(asked, {
      service: "RUNNER1",
      subject: "github",
      id: "ok",
      level: "ok",
      what: "the jobs of veertuinc/anklet can be listed",
      why: "",
      remedy: ""
    })
    assert.notInclude(well.stdout, "CANARY")
  })

  it("--online tells a credential that GitHub refuses, and asks nothing while a person must decide something", async () => {
    lab.github.faults.push({ path: "/rate_limit", times: 100, answer: { status: 401 } })
    put(older())
    const { code, stdout } = await migrate("--online")
    assert.strictEqual(code, 3)
    assert.match(stdout, /look at +RUNNER1: .*: make a new token/)
    const asked = lab.github.log.length
    put(older(["skip_pull: true"]))
    assert.include((await migrate("--online")).stdout, "GitHub was not asked")
    assert.strictEqual(JSON.parse((await migrate("--online", "--json")).stdout).asked, null)
    assert.strictEqual(lab.github.log.length, asked)
  })

  it("reports what is wrong with the YAML as every command does", async () => {
    put("plugins: [")
    const { code, stderr } = await migrate()
    assert.strictEqual(code, 3)
    assert.include(stderr, "cannot be used")
  })
})

describe("a config of Anklet 2", () => {
  it("starts as it is, says so in one line, and runs a job", async () => {
    put(older(["skip_pull: false"]))
    const check = await lab.anklet("config", "check")
    assert.strictEqual(check.code, 0, check.stderr)
    assert.include(check.stderr, "is a config of Anklet 2, used as one of Anklet 3")
    const { jobs } = lab.queue({ steps: ["true"] })
    const start = await lab.anklet()
    assert.strictEqual(start.code, 0, start.stderr)
    await until("the job has ended", () => lab.world.job(jobs[0]?.id ?? 0).conclusion === "success")
    const said = lab.log().filter(({ msg }) => String(msg).includes("is a config of Anklet 2"))
    assert.deepStrictEqual(
      said.map(({ level }) => level),
      ["INFO"]
    )
  })

  it("is shown with the lines and variables that its values come from", async () => {
    put(older())
    const env = { RUNNER1_OWNER: "veertu", RUNNER1_TOKEN: SECRET }
    const { code, stdout, stderr } = await lab.run(["-c", lab.config, "config", "show"], { env }).done
    assert.strictEqual(code, 0, stderr)
    assert.match(stdout, /registration_timeout: 80 +# line 18\n/)
    assert.match(stdout, /owner: veertu +# environment RUNNER1_OWNER/)
    assert.match(stdout, /token: <hidden> +# environment RUNNER1_TOKEN/)
    assert.notInclude(stdout, "CANARY")
  })

  it("--scripts moves older scripts aside, says where their changes belong, and replaces nothing", async () => {
    const folder = join(lab.home, ".config", "anklet", "plugins", "github")
    mkdirSync(folder, { recursive: true })
    const register = './config.sh --token "$2" --url "$3"\nexport API_TOKEN=hunter2\nbrew install jq\n'
    const ours = "# ours, changed\nIFS= read -r config <.jitconfig\n"
    writeFileSync(join(folder, "register-runner.bash"), register)
    writeFileSync(join(folder, "start-runner.bash"), ours)
    const check = await lab.anklet("config", "check")
    assert.strictEqual(check.code, 3)
    assert.match(check.stderr, /register-runner\.bash is a script of Anklet 1 or 2.*anklet config migrate --scripts/)
    mkdirSync(join(folder, "anklet2"))
    writeFileSync(join(folder, "anklet2", "register-runner.bash"), "another")
    const refused = await lab.anklet("config", "migrate", "--scripts")
    assert.notStrictEqual(refused.code, 0)
    assert.match(refused.stderr, /anklet2\/register-runner\.bash is there already, and is another script/)
    assert.strictEqual(readFileSync(join(folder, "register-runner.bash"), "utf8"), register)
    rmSync(join(folder, "anklet2"), { recursive: true })
    const { code, stdout } = await lab.anklet("config", "migrate", "--scripts")
    assert.strictEqual(code, 0)
    assert.match(stdout, /moved +\S+\/github\/register-runner\.bash -> \S+\/anklet2\/register-runner\.bash/)
    assert.match(stdout, /prepare\.bash +register-runner\.bash, line 3\n/)
    assert.match(stdout, /runner\.env +register-runner\.bash, line 2: API_TOKEN\n/)
    assert.notInclude(stdout, "hunter2")
    assert.strictEqual(readFileSync(join(folder, "anklet2", "register-runner.bash"), "utf8"), register)
    assert.strictEqual(readFileSync(join(folder, "start-runner.bash"), "utf8"), ours)
    assert.strictEqual((await lab.anklet("config", "check")).code, 0)
    assert.match((await lab.anklet("config", "migrate", "--scripts")).stdout, /nothing was moved/)
  })
})
