import { generateKeyPairSync } from "node:crypto"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, describe, it } from "vitest"
import { calls } from "../../src/simulator/anka/host.ts"
import { enterpriseOf } from "../../src/simulator/github/world.ts"
import { LABELS, type Lab, make, TEMPLATE, TOKEN, until } from "./lab.ts"

let lab: Lab

afterEach(() => lab.close())

const started = async () => {
  const start = await lab.anklet()
  assert.strictEqual(start.code, 0, start.stderr)
}
const ended = (id: number | undefined) =>
  until("the job has ended", () => lab.world.job(id ?? 0).status === "completed")
const clean = () => until("the host is clean", () => lab.left().vms.length === 0 && lab.left().runners.length === 0)
const drained = async () => {
  assert.strictEqual((await lab.anklet("-s", "drain")).code, 0)
  assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
}
describe("GitHub", () => {
  for (const [name, answer] of [
    ["500", { status: 500 }],
    ["HTML", { status: 200, headers: { "content-type": "text/html" }, body: "<html>hello</html>" }],
    ["502", { status: 502, body: "" }]
  ] as const) {
    it(`answering ${name} for a while costs time, not the job`, async () => {
      lab = await make()
      lab.github.faults.push({ path: /actions\/(runs|jobs)/, times: name === "HTML" ? 3 : 6, answer })
      const { jobs } = lab.queue({})
      await started()
      await ended(jobs[0]?.id)
      await drained()
      assert.strictEqual(lab.world.job(jobs[0]?.id ?? 0).conclusion, "success")
    })
  }

  it("refusing the token is one ERROR with the remedy, and does not touch the other service", async () => {
    lab = await make({ services: 2, github: { tokens: ["good"] } })
    writeFileSync(lab.config, readFileSync(lab.config, "utf8").replace(TOKEN, "good"))
    const { jobs } = lab.queue({})
    await started()
    await ended(jobs[0]?.id)
    await clean()
    // whichever service polls first, and whatever it asks: one ERROR, and no job is taken
    await until("the refused one has tried again and again", () => {
      const again = lab
        .log()
        .filter(({ msg, serviceName }) => serviceName === "RUNNER2" && /still failing/.test(`${msg}`))
      return again.length > 2
    })
    const said = lab.errors().map(({ msg, serviceName }) => `${serviceName} ${msg}`)
    assert.strictEqual(said.length, 1, said.join("\n"))
    assert.match(said.join(), /^RUNNER2 service is failing: .* refuses the credential: check that the token/)
    assert.deepStrictEqual(
      lab.log().filter(({ msg, serviceName }) => serviceName === "RUNNER2" && /claimed|has recovered/.test(`${msg}`)),
      []
    )
    await drained()
  })

  it("at its rate limit: waiting is visible, the job is not lost, nothing is asked before the time", async () => {
    lab = await make()
    const { limits } = lab.github
    lab.github.faults.push({
      path: "/repos/",
      // nothing is left from the first request on, whenever the daemon sends it
      get delay() {
        limits.remaining.set(TOKEN, 0)
        limits.resetAt = Date.now() + 3000
        return 0
      }
    })
    const { jobs } = lab.queue({})
    await started()
    await until("the wait is said", () =>
      lab.log().some(({ level, msg }) => level === "WARN" && String(msg).includes("rate limit"))
    )
    await ended(jobs[0]?.id)
    await drained()
    assert.isAtMost(lab.github.violations.length, 1)
    assert.deepStrictEqual(lab.errors(), [])
  })

  it("that knows no such runner group is one ERROR that names `runner_group`, and no VM is made for it", async () => {
    lab = await make({ service: "runner_group: 99" })
    lab.queue({}, {})
    await started()
    await until("it is said", () => lab.errors().length > 0)
    await until("more passes are made", () => lab.github.log.filter(({ path }) => path.includes("/runs?")).length > 5)
    assert.match(String(lab.errors()[0]?.msg), /`runner_group` 99: runners of a repository have the default group/)
    assert.lengthOf(lab.errors(), 1)
    assert.lengthOf(
      lab.github.log.filter(({ path }) => path.includes("jitconfig")),
      1
    )
    assert.isFalse(calls(lab.host).some(({ argv }) => argv.includes("clone")))
    assert.include((await lab.anklet("status", "--json")).stdout, "`runner_group` 99")
    await drained()
  })

  it("that takes no such labels is told before a VM is made; mistyped ones are told as well", async () => {
    lab = await make()
    const { jobs } = lab.queue(
      { labels: [...LABELS, "x".repeat(300)] },
      { labels: ["self-hosted", `anka_template:${TEMPLATE}`] },
      { labels: [`self-hosted,anka,anka-template:${TEMPLATE}`] },
      { labels: [`anka-template: ${TEMPLATE} `, "anka-template-tag: v1", "run-id:{run_id}"] }
    )
    await started()
    await ended(jobs[3]?.id)
    const warned = () => lab.log().filter(({ level }) => level === "WARN")
    await until("all is said", () => warned().length === 3)
    assert.deepStrictEqual(
      ["300 characters", "should be", "several labels"].map(
        (words) => warned().filter(({ msg }) => String(msg).includes(words)).length
      ),
      [1, 1, 1]
    )
    const why = await lab.anklet("why", `https://github.test/veertuinc/anklet/actions/runs/1/job/${jobs[1]?.id}`)
    assert.include(why.stdout, `"anka_template:${TEMPLATE}" should be`)
    assert.lengthOf(
      calls(lab.host).filter(({ argv }) => argv.includes("clone")),
      1
    )
    assert.deepStrictEqual(lab.world.job(jobs[3]?.id ?? 0).labels[0], `anka-template: ${TEMPLATE} `)
    assert.deepStrictEqual(lab.errors(), [])
    await drained()
  })

  it("asking for three hours is asked once, and the wait is said and shown", async () => {
    lab = await make()
    lab.github.faults.push({ path: "/", times: 99, answer: { status: 403, headers: { "retry-after": "10800" } } })
    lab.queue({})
    await started()
    await until("the wait is said", () => lab.log().some(({ level }) => level === "WARN"))
    await until("passes are made", () => lab.log().filter(({ msg }) => String(msg).includes("next request")).length > 1)
    assert.lengthOf(lab.github.log, 1)
    assert.lengthOf(
      lab.log().filter(({ level, msg }) => level === "WARN" && /no polling until \d\d:\d\d:\d\d UTC/.test(String(msg))),
      1
    )
    assert.match((await lab.anklet("status")).stdout, /no polling until \d\d:\d\d/)
    assert.deepStrictEqual(lab.errors(), [])
    await drained()
  })

  for (const [where, keys, prepare] of [
    [
      "a group of the organisation, by its name",
      "runner_group: Mac Builders",
      () => lab.world.groups.set("veertuinc", [{ id: 7, name: "mac builders" }])
    ],
    ["an enterprise", "enterprise: big", () => lab.world.enterprises.set("big", new Set(["veertuinc"]))],
    [
      "a group of an enterprise, by its name",
      "enterprise: big\n    runner_group: macs",
      () => {
        lab.world.enterprises.set("big", new Set(["veertuinc"]))
        lab.world.groups.set(enterpriseOf("big"), [{ id: 7, name: "macs", repositories: ["veertuinc"] }])
      }
    ]
  ] as const)
    it(`takes runners of ${where}`, async () => {
      lab = await make()
      prepare()
      const level = keys.startsWith("enterprise") ? "" : "registration: org\n    "
      writeFileSync(lab.config, readFileSync(lab.config, "utf8").replace("registration: repo", `${level}${keys}`))
      const { jobs } = lab.queue({})
      await started()
      await ended(jobs[0]?.id)
      await drained()
      assert.strictEqual(lab.world.job(jobs[0]?.id ?? 0).conclusion, "success")
      assert.deepStrictEqual(lab.errors(), [])
    })

  it("that has no group of this name is one ERROR that names those that it has, and no VM is made for it", async () => {
    lab = await make()
    lab.world.groups.set("veertuinc", [{ id: 7, name: "macs" }])
    const keys = "registration: org\n    runner_group: mac builders"
    writeFileSync(lab.config, readFileSync(lab.config, "utf8").replace("registration: repo", keys))
    lab.queue({}, {})
    await started()
    await until("it is said", () => lab.errors().length > 0)
    await until("more passes are made", () => lab.github.log.filter(({ path }) => path.includes("/runs?")).length > 5)
    assert.match(
      String(lab.errors()[0]?.msg),
      /`runner_group` mac builders: veertuinc has no such runner group.*the groups that it sees are "Default", "macs"/
    )
    assert.lengthOf(lab.errors(), 1)
    assert.isFalse(calls(lab.host).some(({ argv }) => argv.includes("clone")))
    await drained()
  })

  it("Enterprise Server, an App, and runners of the organisation work as well", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
    lab = await make({
      github: {
        prefix: "/api/v3",
        app: { id: 7, installation: 9, publicKey: publicKey.export({ type: "spki", format: "pem" }).toString() },
        tokens: []
      }
    })
    const key = join(lab.folder, "app.pem")
    writeFileSync(key, privateKey.export({ type: "pkcs1", format: "pem" }))
    const text = readFileSync(lab.config, "utf8")
      .replace(/ {4}token: .*\n/, `    app_id: 7\n    installation_id: 9\n    private_key: ${key}\n`)
      .replace("registration: repo", "registration: org")
      .replace(/ {4}repo: .*\n/, "")
    writeFileSync(lab.config, text)
    const { jobs } = lab.queue({})
    await started()
    await ended(jobs[0]?.id)
    await drained()
    assert.strictEqual(lab.world.job(jobs[0]?.id ?? 0).conclusion, "success")
    assert.isTrue(lab.github.log.some(({ path }) => path.startsWith("/orgs/veertuinc/actions/runners")))
    assert.strictEqual(lab.github.log.filter(({ path }) => path.includes("access_tokens")).length, 1)
    assert.deepStrictEqual(lab.errors(), [])
  })
})

describe("several scopes in one service", () => {
  const WATCH = "    watch:\n      - owner: veertuinc\n      - owner: other\n        repo: tool\n"
  const alternately = () => {
    const of = (owner: string, repo: string) =>
      lab.world.queue({ owner, repo, jobs: [{ labels: LABELS }] }).jobs[0]?.id ?? 0
    const ids = [of("other", "tool"), of("veertuinc", "anklet"), of("other", "tool"), of("veertuinc", "second")]
    // GitHub tells when a job was made to the second
    for (const [index, id] of ids.entries())
      Object.assign(lab.world.job(id), { createdAt: Date.now() - 100_000 + index * 2000 })
    return ids
  }
  const watching = (text: string) =>
    writeFileSync(lab.config, text.replace("    registration: repo\n    owner: veertuinc\n    repo: anklet\n", WATCH))
  const startsOf = () =>
    lab
      .log()
      .filter(({ msg }) => msg === "job claimed")
      .map(({ workflowJobId }) => workflowJobId)

  it("have one order, the oldest job first, each with a runner of its own place", async () => {
    lab = await make()
    watching(readFileSync(lab.config, "utf8"))
    const ids = alternately()
    await started()
    for (const id of ids) await ended(id)
    await drained()
    assert.deepStrictEqual(startsOf(), ids)
    for (const id of ids) assert.strictEqual(lab.world.job(id).conclusion, "success")
    assert.isTrue(lab.github.log.some(({ path }) => path.startsWith("/orgs/veertuinc/actions/runners/generate-jit")))
    assert.isTrue(lab.github.log.some(({ path }) => path.startsWith("/repos/other/tool/actions/runners/generate-jit")))
    assert.deepStrictEqual(lab.errors(), [])
  })

  it("sign in as one App at each owner", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
    lab = await make({
      github: {
        app: { id: 7, installation: 9, publicKey: publicKey.export({ type: "spki", format: "pem" }).toString() },
        tokens: []
      }
    })
    const key = join(lab.folder, "app.pem")
    writeFileSync(key, privateKey.export({ type: "pkcs1", format: "pem" }))
    watching(readFileSync(lab.config, "utf8").replace(/ {4}token: .*\n/, `    app_id: 7\n    private_key: ${key}\n`))
    const ids = alternately()
    await started()
    for (const id of ids) await ended(id)
    await drained()
    assert.deepStrictEqual(startsOf(), ids)
    for (const path of ["/orgs/veertuinc/installation", "/repos/other/tool/installation"])
      assert.isTrue(
        lab.github.log.some((request) => request.path === path),
        path
      )
    assert.deepStrictEqual(lab.errors(), [])
  })

  it("lose nothing to one that GitHub does not show: it is named in log, status and doctor, and jobs of the others run", async () => {
    lab = await make()
    watching(readFileSync(lab.config, "utf8"))
    lab.github.faults.push({
      path: /repos\/other\/tool/,
      times: 1e9,
      answer: { status: 404, body: JSON.stringify({ message: "Not Found" }) }
    })
    const [, second = 0, , fourth = 0] = alternately()
    await started()
    await ended(second)
    await ended(fourth)
    await until("status names it", async () => /other\/tool is left out/.test((await lab.anklet("status")).stdout))
    const doctor = await lab.anklet("doctor")
    assert.match(doctor.stdout, /problem [^\n]*other\/tool/i)
    const said = lab.log().filter(({ level, msg }) => level === "WARN" && /left out/.test(`${msg}`))
    assert.lengthOf(said, 1)
    lab.github.faults.length = 0
    await until("the others run as well", () =>
      [...lab.world.jobs.values()].every(({ status }) => status === "completed")
    )
    assert.isTrue(lab.log().some(({ msg }) => msg === "other/tool has recovered"))
    await drained()
    assert.deepStrictEqual(lab.errors(), [])
  })
})

describe("secrets", () => {
  it("are in no log at any level, no argument of a child, no state file, no output", async () => {
    lab = await make({ services: 1 })
    const seen: Array<string> = []
    const { jobs } = lab.queue({ steps: ["sleep 0.5"] })
    const start = await lab.anklet()
    await until("the job runs", () => {
      for (const pid of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
        try {
          const line = readFileSync(`/proc/${pid}/cmdline`, "latin1")
          if (line.includes("anklet-lab-") || line.includes("runner")) seen.push(line)
        } catch {
          // it has ended since
        }
      }
      return lab.world.job(jobs[0]?.id ?? 0).status === "completed"
    })
    await drained()
    const texts = [
      start.stdout,
      start.stderr,
      readFileSync(lab.logFile, "utf8"),
      readFileSync(lab.ledgerFile, "utf8"),
      JSON.stringify(calls(lab.host)),
      ...seen
    ]
    const jit = [...lab.github.log].length > 0 ? "eyIucnVubmVy" : ""
    assert.isAbove(seen.length, 0)
    for (const text of texts) {
      assert.notInclude(text, TOKEN)
      assert.notInclude(text, jit)
    }
    assert.deepStrictEqual(lab.errors(), [])
  })
})
