import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { afterEach, assert, describe, it } from "vitest"
import { calls } from "../../src/simulator/anka/host.ts"
import { type Lab, make, until } from "./lab.ts"

let lab: Lab
afterEach(() => lab.close())

const clones = () => calls(lab.host).filter(({ argv }) => argv.includes("clone")).length
const said = (words: string) => lab.log().filter(({ msg }) => String(msg).includes(words))
const script = (name: string) => join(lab.home, ".config/anklet/plugins/github", name)
const OLDER = "#!/usr/bin/env bash\ncd ~/actions-runner && ./svc.sh install && ./svc.sh start\n"
const put = (file: string, text: string) => {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

describe("scripts of an older Anklet", () => {
  it("refuse a start, each by name with its remedy, and the doctor calls each a problem; moved aside, jobs run", async () => {
    lab = await make()
    const { jobs } = lab.queue({ steps: ["true"] })
    put(script("start-runner.bash"), OLDER)
    put(script("register-runner.bash"), "./config.sh --token $2\n")
    const refused = await lab.anklet()
    assert.strictEqual(refused.code, 9)
    for (const name of ["start", "register"]) {
      assert.include(refused.stderr, `${name}-runner.bash is a script of Anklet 1 or 2`)
      assert.include(refused.stderr, `${script(`${name}-runner.bash`)} is a script of Anklet 1 or 2`)
    }
    assert.strictEqual(said("is a script of Anklet 1 or 2").length, 1)
    const doctor = await lab.anklet("doctor", "--json")
    const { findings } = JSON.parse(doctor.stdout) as { findings: ReadonlyArray<Record<string, unknown>> }
    assert.strictEqual(findings.filter(({ id, level }) => id === "script-outdated" && level === "problem").length, 2)
    for (const name of ["start", "register"]) {
      writeFileSync(script(`${name}-runner.bash.anklet2`), readFileSync(script(`${name}-runner.bash`)))
      rmSync(script(`${name}-runner.bash`))
    }
    assert.strictEqual((await lab.anklet()).code, 0)
    await until("the job has ended", () => lab.world.job(jobs[0]?.id ?? 0).conclusion === "success")
  })

  it("that come while the daemon runs cost no VM and no claim: one ERROR, and jobs run once they are gone", async () => {
    lab = await make()
    assert.strictEqual((await lab.anklet()).code, 0)
    const ours = readFileSync(script("start-runner.bash"), "utf8")
    writeFileSync(script("start-runner.bash"), OLDER)
    const { jobs } = lab.queue({ steps: ["true"] })
    await until("the service says so", () => lab.errors().length > 0)
    await until("the service has tried again", () => said("still failing").length > 1)
    assert.match(
      lab
        .errors()
        .map(({ msg }) => msg)
        .join("; "),
      /^service is failing: \S*start-runner\.bash is a script of Anklet 1 or 2/
    )
    assert.strictEqual(lab.errors().length, 1)
    assert.strictEqual(clones(), 0)
    assert.deepStrictEqual(lab.owes(), [])
    writeFileSync(script("start-runner.bash"), ours)
    await until("the job has ended", () => lab.world.job(jobs[0]?.id ?? 0).conclusion === "success")
  })
})

describe("the drain file of an older Anklet", () => {
  it("pauses the host, status and why and doctor say which drain it is, and a job runs when it is gone", async () => {
    lab = await make()
    const file = join(lab.home, ".config/anklet/.drain")
    put(file, "")
    assert.strictEqual((await lab.anklet()).code, 0)
    const { jobs } = lab.queue({ steps: ["true"] })
    const [job] = jobs
    await until("the daemon has seen it", () => said(`paused by the file ${file}`).length > 0)
    const statusNow = async () => (await lab.anklet("status")).stdout.replace(/\s+/g, " ")
    assert.include(await statusNow(), `paused by the file ${file}, until "rm ${file}"`)
    await until("the job is seen", async () =>
      (await lab.anklet("why", String(job?.id))).stdout.includes(`this host is paused by the file ${file}`)
    )
    const doctor = await lab.anklet("doctor", "--json")
    assert.include(doctor.stdout, `the file ${file} pauses this Mac`)

    await lab.anklet("drain")
    assert.include(await statusNow(), `paused by anklet drain and by the file ${file}`)
    const resumed = await lab.anklet("resume")
    assert.strictEqual(resumed.code, 9)
    assert.include(resumed.stderr, `still paused by the file ${file}; to take work again: rm ${file}`)
    assert.strictEqual(clones(), 0)

    rmSync(file)
    await until("the job has ended", () => lab.world.job(job?.id ?? 0).conclusion === "success")
    assert.strictEqual(said(`paused by the file ${file}: this host accepts no new jobs`).length, 1)
    assert.deepStrictEqual(
      lab.errors().map(({ msg }) => msg),
      []
    )
  })
})

describe("an environment for an older Anklet", () => {
  it("is named at the terminal, in the log and by the doctor, and the daemon runs", async () => {
    lab = await make({ env: { RUNNER1_TOKEN: "CANARYvalue", ANKLET_GLOBAL_DATABASE_URL: "10.8.100.100" } })
    const started = await lab.anklet()
    assert.strictEqual(started.code, 0, started.stderr)
    assert.include(started.stderr, "ANKLET_GLOBAL_DATABASE_URL, RUNNER1_TOKEN are set as for Anklet 1 or 2")
    await until("the log has it", () =>
      said("ANKLET_GLOBAL_DATABASE_URL, RUNNER1_TOKEN are set").some(({ level }) => level === "WARN")
    )
    assert.include((await lab.anklet("doctor", "--json")).stdout, "variables-ignored")
    assert.include((await lab.anklet("config", "check")).stderr, "RUNNER1_TOKEN")
    assert.notInclude(readFileSync(lab.logFile, "utf8") + started.stderr, "CANARYvalue")
  })
})
