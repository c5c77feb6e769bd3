import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync
} from "node:fs"
import { dirname, join } from "node:path"
import { stripVTControlCharacters } from "node:util"
import { afterEach, assert, describe, it } from "vitest"
import { EXIT_CODES } from "../../src/process/ExitCode.ts"
import { alter, calls } from "../../src/simulator/anka/host.ts"
import { isAlive, LABELS, type Lab, make, TOKEN, until } from "../whole/lab.ts"

let lab: Lab

afterEach(() => lab.close())

describe("anklet", () => {
  it("--version tells its version, --help all exit codes, without colours in a pipe", async () => {
    lab = await make()
    const version = await lab.run(["--version"]).done
    assert.match(version.stdout, /^anklet \d+\.\d+\.\d+ \(([0-9a-f]{7,}(-dirty)?|unknown)\)\n$/)
    const help = await lab.run(["--help"]).done
    assert.strictEqual(help.code, 0)
    const text = help.stdout.replace(/\s+/g, " ")
    for (const [code, meaning] of Object.entries(EXIT_CODES)) assert.include(text, `${code} ${meaning}`)
    assert.notInclude(help.stdout, "\u001b")
  })

  it("does not know a flag: exit 2, and says which", async () => {
    lab = await make()
    const ran = await lab.anklet("--frobnicate")
    assert.strictEqual(ran.code, 2)
    assert.include(ran.stderr, "--frobnicate")
    assert.notInclude(ran.stderr, "\u001b")
    assert.strictEqual((await lab.anklet("-s", "restart")).code, 2)
  })

  it("returns at once with PID, log and how to stop; a second one is refused; stop ends it", async () => {
    lab = await make()
    const first = await lab.anklet()
    assert.strictEqual(first.code, 0)
    assert.include(first.stdout, `pid ${lab.pid()}`)
    assert.include(first.stdout, lab.logFile)
    assert.include(first.stdout, "veertuinc/anklet: no jobs waiting")
    for (const words of ["status", "-s stop"]) assert.include(first.stdout, `anklet -c ${lab.config} ${words}`)
    const second = await lab.anklet()
    assert.strictEqual(second.code, 4)
    assert.include(second.stderr, `already running (pid ${lab.pid()}`)
    assert.include(second.stderr, `"anklet -c ${lab.config} -s stop"`)
    const pid = lab.pid() ?? 0
    assert.strictEqual((await lab.anklet("-s", "stop")).code, 0)
    assert.isFalse(isAlive(pid))
    assert.isFalse(existsSync(lab.pidFile))
    const again = await lab.anklet("-s", "stop")
    assert.strictEqual(again.code, 5)
    assert.match(again.stderr, /^anklet: no daemon is running: the last one was stopped \d+ s ago \([\d:]+ UTC\)\n$/)
  })

  it("says how the last daemon ended, and how to start one, when a command needs one", async () => {
    lab = await make()
    const start = `; start it with "anklet -c ${lab.config}"\n`
    const never = await lab.anklet("status")
    assert.deepStrictEqual([never.code, never.stderr], [5, `anklet: no daemon is running${start}`])
    assert.strictEqual((await lab.anklet()).code, 0)
    process.kill(lab.pid() ?? 0, "SIGKILL")
    await until("it is gone", () => !isAlive(lab.pid() ?? 0))
    const killed = await lab.anklet("why", "1")
    assert.deepStrictEqual(
      [killed.code, killed.stderr],
      [5, `anklet: no daemon is running: the last one was killed, or this host went down with it${start}`]
    )
    assert.strictEqual((await lab.anklet()).code, 0)
    assert.strictEqual((await lab.anklet("-s", "drain")).code, 0)
    assert.match((await lab.anklet("status")).stderr, /the last one has drained \d+ s ago/)
  })

  it("waits for the first look, says what is wrong and what to do, and stays up", async () => {
    lab = await make({ services: 2, github: { tokens: [] } })
    const ran = await lab.anklet()
    assert.strictEqual(ran.code, 0)
    assert.match(ran.stderr, /^anklet: RUNNER1 and RUNNER2 are failing: .*refuses the credential.*$/m)
    assert.include(ran.stderr, `"anklet -c ${lab.config} doctor" checks everything`)
    assert.notInclude(ran.stdout, "waiting")
    assert.isTrue(isAlive(lab.pid() ?? 0))
    assert.strictEqual((await lab.anklet("-s", "stop")).code, 0)
  })

  it("leaves no ERROR in the log of the daemon that runs when a second one of its state_dir is refused", async () => {
    lab = await make()
    assert.strictEqual((await lab.anklet()).code, 0)
    const other = lab.configFor("other")
    const state = `state_dir: ${join(lab.folder, "daemon", "state")}`
    writeFileSync(other, readFileSync(other, "utf8").replace(/state_dir: .*/, state))
    for (const attach of [[], ["--attach"]]) {
      const second = await lab.run(["-c", other, ...attach]).done
      assert.strictEqual(second.code, 4, second.stderr)
      assert.include(second.stderr, `already running (pid ${lab.pid()}`)
    }
    assert.deepStrictEqual(lab.errors(), [])
    assert.strictEqual((await lab.anklet("-s", "stop")).code, 0)
  })

  for (const [what, mode, token, words] of [
    [
      "a config with a secret in it that others may read",
      0o644,
      "literal",
      /holds a secret, and others may read it: chmod 600/
    ],
    ["a config that others may write", 0o622, "${T}", /anyone who can change the config decides .*chmod go-w/],
    ["a config that others may read, without a secret in it", 0o644, "${T}", undefined],
    ["a config that is its user's alone", 0o600, "literal", undefined]
  ] as const) {
    it(`warns at a start of ${what}${words === undefined ? ": not" : ", once"}`, async () => {
      lab = await make({ env: { T: TOKEN } })
      if (token !== "literal") writeFileSync(lab.config, readFileSync(lab.config, "utf8").replace(TOKEN, token))
      chmodSync(lab.config, mode)
      const { stderr } = await lab.anklet()
      assert.strictEqual((await lab.anklet("-s", "stop")).code, 0)
      const warned = lab.log().filter(({ level }) => level === "WARN")
      assert.strictEqual(warned.length, words === undefined ? 0 : 1)
      if (words === undefined) return assert.strictEqual(stderr, "")
      assert.match(String(warned[0]?.msg), words)
      assert.match(stderr, words)
      const check = await lab.anklet("config", "check")
      assert.deepStrictEqual([check.code, words.test(check.stderr)], [0, true])
    })
  }

  it("makes everything its user's alone, also with a umask of 0", async () => {
    lab = await make()
    const before = process.umask(0)
    try {
      assert.strictEqual((await lab.anklet("--attach", "--once")).code, 0)
    } finally {
      process.umask(before)
    }
    const base = join(lab.home, ".config")
    for (const folder of [base, join(lab.folder, "daemon")]) {
      for (const name of ["", ...readdirSync(folder, { recursive: true, encoding: "utf8" })]) {
        const { mode } = statSync(join(folder, name))
        // scripts are copied into VMs with their mode
        assert.strictEqual(mode & (name.endsWith(".bash") ? 0o022 : 0o077), 0, join(folder, name))
      }
    }
    assert.strictEqual(statSync(lab.logFile).mode & 0o077, 0)
  })

  it("removes at its start what a killed daemon left, and nothing that a living one may still use", async () => {
    lab = await make()
    assert.strictEqual((await lab.anklet("--attach", "--once")).code, 0)
    const state = join(lab.folder, "daemon", "state")
    const locks = join(lab.home, ".config", "anklet", "locks")
    const dead = 4194301
    const left = [
      join(lab.folder, "daemon", `.${dead}-abc-0`),
      join(lab.folder, "daemon", "anklet.pid.new"),
      ...[`.${dead}-abc-0`, "ledger.jsonl.new", "ledger.jsonl.probe", "host.json.new", "paused.new"].map((name) =>
        join(state, name)
      ),
      join(locks, `.${dead}-abc-0`)
    ]
    const alive = [join(locks, `.${process.pid}-abc-0`), join(state, `.${process.pid}-abc-0`)]
    for (const path of [...left, ...alive]) {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      writeFileSync(path, "x", { mode: 0o600 })
    }
    assert.strictEqual((await lab.anklet("--attach", "--once")).code, 0)
    assert.deepStrictEqual(left.filter(existsSync), [])
    assert.deepStrictEqual(alive.filter(existsSync), alive)
  })

  it("does not start with a config that is wrong: exit 3, no process, no PID file", async () => {
    lab = await make()
    writeFileSync(lab.config, readFileSync(lab.config, "utf8").replace("owner:", "ownr:"))
    const ran = await lab.anklet()
    assert.strictEqual(ran.code, 3)
    assert.include(ran.stderr, "`ownr`: did you mean `owner`?")
    assert.isFalse(existsSync(lab.pidFile))
    assert.isFalse(existsSync(lab.logFile))
  })

  for (const [what, prepare, words] of [
    [
      "is unlicensed",
      () => alter(lab.host, (host) => void Object.assign(host.license, { status: "expired" })),
      /licence .* is expired/
    ],
    [
      "has a licence for laptops",
      () => alter(lab.host, (host) => void Object.assign(host.license, { type: "com.veertu.anka.develop" })),
      /not one for CI/
    ],
    [
      "prints garbage",
      () => alter(lab.host, (host) => void host.faults.push({ command: "version", fault: "garbage" })),
      /anka version.*printed no result/
    ],
    [
      "prints nothing",
      () => alter(lab.host, (host) => void host.faults.push({ command: "license", fault: "empty" })),
      /anka license show.*printed no result/
    ]
  ] as const) {
    it(`does not start when \`anka\` ${what}: exit 7, with the remedy, and no process is left`, async () => {
      lab = await make()
      prepare()
      const ran = await lab.anklet()
      assert.strictEqual(ran.code, 7, ran.stderr)
      assert.match(ran.stderr, words)
      assert.isFalse(existsSync(lab.pidFile))
      assert.strictEqual(lab.errors().length, 1)
    })
  }

  it("does not start without `anka`: exit 7, and says where to get it", async () => {
    lab = await make()
    const ran = await lab.run(["-c", lab.config], { env: { PATH: "/usr/bin:/bin" } }).done
    assert.strictEqual(ran.code, 7)
    assert.include(ran.stderr, "install Anka")
  })

  it("does not start without its log folder, or with a state_dir it cannot use: exit 3, naming all, as a check does", async () => {
    lab = await make()
    const text = readFileSync(lab.config, "utf8")
    rmSync(join(lab.folder, "logs"), { recursive: true })
    writeFileSync(join(lab.folder, "file"), "")
    writeFileSync(lab.config, text.replace(/state_dir: .*/, `state_dir: ${join(lab.folder, "file")}/state`))
    const ran = await lab.anklet()
    assert.strictEqual(ran.code, 3)
    assert.include(ran.stderr, `log.file_dir: ${join(lab.folder, "logs")} does not exist`)
    assert.include(ran.stderr, `state_dir: ${join(lab.folder, "file")} is not a folder`)
    assert.deepStrictEqual(await lab.anklet("config", "check"), ran)
  })

  it("refuses an unknown LOG_LEVEL", async () => {
    lab = await make({ env: { LOG_LEVEL: "chatty" } })
    const ran = await lab.anklet()
    assert.strictEqual(ran.code, 9)
    assert.include(ran.stderr, "LOG_LEVEL must be INFO, DEBUG, ERROR or dev")
  })

  it("recognises a stale PID file: the process is gone, or another program has its number", async () => {
    lab = await make()
    for (const content of ["4194301\n1\n", `${process.pid}\n1\n`, "garbage"]) {
      mkdirSync(join(lab.folder, "daemon"), { recursive: true })
      writeFileSync(lab.pidFile, content)
      assert.strictEqual((await lab.anklet("-s", "stop")).code, 5)
      assert.strictEqual((await lab.anklet()).code, 0, content)
      assert.strictEqual((await lab.anklet("-s", "stop")).code, 0)
    }
  })

  it("--no-wait returns at once; Ctrl-C on the wait leaves the daemon alone; stop during a drain works", async () => {
    lab = await make()
    const { jobs } = lab.queue({ steps: ["sleep 600"] })
    assert.strictEqual((await lab.anklet()).code, 0)
    await until("the job runs", () => lab.world.job(jobs[0]?.id ?? 0).status === "in_progress")
    const pid = lab.pid() ?? 0
    assert.strictEqual((await lab.anklet("-s", "drain", "--no-wait")).code, 0)
    const wait = lab.run(["-c", lab.config, "-s", "drain"])
    await until("it waits", () => wait.out().includes("waiting for"))
    wait.child.kill("SIGINT")
    await wait.done
    assert.isTrue(isAlive(pid))
    assert.strictEqual((await lab.anklet("-s", "stop")).code, 0)
    assert.isFalse(isAlive(pid))
    assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
  })

  it("--once makes exactly one pass of every service and exits 0", async () => {
    lab = await make({ services: 2 })
    // each with a label of its own: with equal ones a runner may take the other service's job, whose pass then has none
    const { jobs } = lab.queue(...["1", "2", "3"].map((id) => ({ labels: [...LABELS, `unique-id:${id}`] })))
    const ran = await lab.anklet("--once")
    assert.strictEqual(ran.code, 0, ran.stderr)
    assert.strictEqual(jobs.filter(({ status }) => status === "completed").length, 2)
    assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
  })

  it("--once with a refused credential exits 8, and says so once", async () => {
    lab = await make({ github: { tokens: [] } })
    const ran = await lab.anklet("--once")
    assert.strictEqual(ran.code, 8)
    assert.include(ran.stderr, "refuses the credential")
    assert.strictEqual(lab.errors().length, 1)
  })

  it("--attach logs to the terminal as well; a second SIGTERM does not skip the clean-up", async () => {
    lab = await make()
    const { jobs } = lab.queue({ steps: ["sleep 600"] })
    const daemon = lab.run(["-c", lab.config, "--attach"])
    await until("the job runs", () => lab.world.job(jobs[0]?.id ?? 0).status === "in_progress")
    alter(lab.host, (host) => void Object.assign(host.takes, { delete: 1000 }))
    daemon.child.kill("SIGTERM")
    await until("the VM is deleted", () => calls(lab.host).some(({ argv }) => argv.includes("delete")))
    daemon.child.kill("SIGTERM")
    daemon.child.kill("SIGINT")
    const ran = await daemon.done
    assert.strictEqual(ran.code, 0)
    assert.include(ran.stdout, '"msg":"anklet is up')
    assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
  })
})

describe("the log", () => {
  const KEYS =
    "time level msg ankletVersion serviceName plugin repo owner workflowName workflowRunName workflowRunId workflowJobId workflowJobName uniqueId ankaTemplate ankaTemplateTag jobURL uniqueRunKey vmName".split(
      " "
    )

  it("has the fields of the contract, flat, in their order, numbers as numbers", async () => {
    lab = await make()
    lab.queue({
      labels: [
        ...[
          "self-hosted",
          "anka-template:d792c6f6-198c-470f-9526-9c998efe7ab4",
          "anka-template-tag:v1",
          "run-id:{run_id}"
        ],
        "unique-id:1"
      ]
    })
    assert.strictEqual((await lab.anklet("--attach", "--once")).code, 0)
    const line = lab.log().find(({ msg }) => msg === "VM is ready")
    assert.deepStrictEqual(Object.keys(line ?? {}), KEYS)
    assert.match(String(line?.time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+[+-]\d\d:\d\d$/)
    assert.isNumber(line?.workflowRunId)
    assert.strictEqual(line?.uniqueRunKey, `${line?.workflowRunId}:1`)
    for (const { level } of lab.log()) assert.include(["DEBUG", "INFO", "WARN", "ERROR"], level)
  })

  it("goes on in a new file when the old one is moved away", async () => {
    lab = await make()
    assert.strictEqual((await lab.anklet()).code, 0)
    await until("there is a log", () => lab.log().some(({ msg }) => msg === "service starts"))
    renameSync(lab.logFile, `${lab.logFile}.moved`)
    await until("there is a new log", () => lab.log().length > 0)
    assert.strictEqual((await lab.anklet("-s", "stop")).code, 0)
    assert.strictEqual(lab.log().at(-1)?.level !== undefined, true)
  })

  it("in dev mode is for people", async () => {
    lab = await make({ env: { LOG_LEVEL: "dev" } })
    const ran = await lab.anklet("--attach", "--once")
    assert.include(ran.stdout, "\u001b[32mINFO\u001b[0m: anklet is up")
    assert.match(stripVTControlCharacters(ran.stdout), /^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: anklet is up/m)
    assert.match(ran.stdout, /"source": \{\n\s+"function": "\S+",\n\s+"file": "\S+",\n\s+"line": \d+/)
  })
})
