import { spawn, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync } from "node:fs"
import { userInfo } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { isAlive, type Lab, make, until } from "../whole/lab.ts"
import { run } from "../whole/processes.ts"
import { PROGRAM } from "../whole/program.ts"

let lab: Lab

beforeEach(async () => {
  lab = await make()
})
afterEach(() => lab.close())

const isOneFile = process.env.ANKLET_BIN !== undefined
const quote = (word: string) => `'${word.replaceAll("'", "'\\''")}'`
const line = (...args: ReadonlyArray<string>) => [...PROGRAM, "-c", lab.config, ...args].map(quote).join(" ")

/** TCP ports that a process listens on. */
const portsOf = (pid: number): ReadonlyArray<string> => {
  if (process.platform === "darwin")
    return spawnSync("lsof", ["-nP", "-a", "-p", `${pid}`, "-iTCP", "-sTCP:LISTEN", "-Fn"], { encoding: "utf8" })
      .stdout.split("\n")
      .filter((row) => row.startsWith("n"))
  const sockets = new Set(
    readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`)
      } catch {
        return ""
      }
    })
  )
  return ["tcp", "tcp6"].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, "utf8")
      .split("\n")
      .map((row) => row.trim().split(/\s+/))
      .filter((row) => row[3] === "0A" && sockets.has(`socket:[${row[9]}]`))
      .map((row) => row[1] ?? "")
  )
}

const HOLD = ["while [ ! -f ../../go ]; do sleep 0.05; done"]

/** A job that runs until `lab.letGo`. */
const running = async () => {
  const { jobs } = lab.queue({ steps: HOLD })
  const id = jobs[0]?.id ?? 0
  await until("the job runs", () => lab.world.job(id).status === "in_progress")
  return id
}
const ends = async (id: number) => {
  lab.letGo()
  await until("the job has ended", () => lab.world.job(id).status === "completed")
  assert.strictEqual(lab.world.job(id).conclusion, "success")
  await until("its VM is gone", () => lab.left().vms.length === 0)
}
const says = (words: string) => lab.log().some(({ msg }) => String(msg).includes(words))
const stops = async () => {
  const pid = lab.pid() ?? 0
  assert.strictEqual((await lab.anklet("-s", "stop")).code, 0)
  assert.isFalse(isAlive(pid))
  assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
}

describe("a signal", () => {
  it("that means nothing to the daemon ends neither it nor its job", async () => {
    assert.strictEqual((await lab.anklet()).code, 0)
    const id = await running()
    const pid = lab.pid() ?? 0
    const signals = [
      "SIGUSR1",
      "SIGUSR2",
      "SIGALRM",
      "SIGHUP",
      "SIGPIPE",
      "SIGVTALRM",
      "SIGPROF",
      "SIGXFSZ",
      "SIGIO"
    ] as const
    for (const signal of [...signals, "SIGWINCH", "SIGCONT", "SIGURG", "SIGCHLD"] as const) process.kill(pid, signal)
    await until("it has said so", () => says("SIGUSR2 means nothing") && says("SIGALRM means nothing"))
    assert.deepStrictEqual(portsOf(pid), [])
    await ends(id)
    assert.strictEqual(lab.pid(), pid)
    await stops()
  })

  for (const signal of ["SIGXCPU", "SIGABRT", "SIGTERM", "SIGINT"] as const)
    it(`${signal} stops the daemon, which cleans up`, async () => {
      assert.strictEqual((await lab.anklet()).code, 0)
      await running()
      const pid = lab.pid() ?? 0
      process.kill(pid, signal)
      await until("it is gone", () => !isAlive(pid))
      assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
    })

  it("SIGUSR1 and SIGHUP open the log anew, also when there is nothing to say", async () => {
    assert.strictEqual((await lab.anklet()).code, 0)
    const pid = lab.pid() ?? 0
    for (const [index, signal] of (["SIGUSR1", "SIGHUP"] as const).entries()) {
      await until("the log is there", () => existsSync(lab.logFile))
      const aside = `${lab.logFile}-${index}`
      renameSync(lab.logFile, aside)
      process.kill(pid, signal)
      await until("there is a new one", () => existsSync(lab.logFile))
      const size = readFileSync(aside).length
      await ends(await running())
      assert.strictEqual(readFileSync(aside).length, size)
      assert.isAbove(readFileSync(lab.logFile).length, 0)
    }
    await stops()
  })

  it("opens a debugger in no command, and ends none that waits", async () => {
    assert.strictEqual((await lab.anklet()).code, 0)
    const id = await running()
    const waiting = [["logs", "-f"], ["status", "--watch"], ["ui"], ["-s", "drain"]].map((args) => ({
      args,
      ...lab.run(["-c", lab.config, ...args])
    }))
    for (const { args, child, out } of waiting) {
      await until(`${args} shows something`, () => out() !== "")
      const before = portsOf(child.pid ?? 0)
      process.kill(child.pid ?? 0, "SIGUSR1")
      process.kill(child.pid ?? 0, "SIGUSR1")
      const { length } = out()
      if (args.includes("--watch")) await until("it goes on", () => out().length > length)
      assert.deepStrictEqual(portsOf(child.pid ?? 0), before)
      assert.isTrue(isAlive(child.pid ?? 0))
    }
    await ends(id)
    assert.strictEqual((await waiting[3]?.done)?.code, 0)
  })

  it("is not needed: a debugger that the environment asks for is closed, or refused by the one file", async () => {
    const ran = lab.run(["-c", lab.config, "--attach"], {
      env: { NODE_OPTIONS: "--inspect=127.0.0.1:0", ...(isOneFile ? { BUN_INSPECT: "ws://127.0.0.1:0/" } : {}) }
    })
    if (isOneFile) {
      const { code, stderr } = await ran.done
      assert.strictEqual(code, 9)
      assert.include(stderr, "BUN_INSPECT is set")
      return
    }
    await until("it is up", () => lab.pid() !== undefined && says("anklet is up"))
    assert.deepStrictEqual(portsOf(lab.pid() ?? 0), [])
    await stops()
    assert.strictEqual((await ran.done).code, 0)
  })
})

describe("standard output of a daemon in the foreground", () => {
  it("may lose its reader while a job runs: the job goes on, and the log in its file", async () => {
    const ran = lab.run(["-c", lab.config, "--attach"])
    const id = await running()
    ran.child.stdout.destroy()
    ran.child.stderr.destroy()
    await ends(id)
    await until("it has said so", () => says("standard output was closed (EPIPE)"))
    await stops()
    assert.strictEqual((await ran.done).code, 0)
    assert.deepStrictEqual(lab.errors(), [])
  })

  it("may be a terminal that closes while a job runs", async () => {
    const wrapped =
      process.platform === "darwin"
        ? ["-q", "/dev/null", ...PROGRAM, "-c", lab.config, "--attach"]
        : ["-qec", line("--attach"), "/dev/null"]
    const terminal = spawn("script", wrapped, { env: lab.env, cwd: lab.folder, stdio: ["ignore", "pipe", "ignore"] })
    terminal.stdout.resume()
    const id = await running()
    terminal.kill("SIGKILL")
    await ends(id)
    await until("it has said so", () => says("standard output was closed"))
    await stops()
    assert.deepStrictEqual(lab.errors(), [])
  })

  it("may be read by nobody: the daemon neither waits for it nor ends", async () => {
    const shell = spawn("bash", ["-c", `${line("--attach")} | sleep 1000; exit \${PIPESTATUS[0]}`], {
      env: lab.env,
      stdio: "ignore",
      detached: true
    })
    await until("it is up", () => says("anklet is up"))
    const pid = lab.pid() ?? 0
    // more than a pipe holds
    await until("the log is long", () => {
      for (const signal of ["SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGIO"] as const) process.kill(pid, signal)
      return readFileSync(lab.logFile).length > 150_000
    })
    await ends(await running())
    await stops()
    process.kill(-(shell.pid ?? 0), "SIGKILL")
  })

  it("may be a full disk, or none", async () => {
    for (const to of process.platform === "linux" ? [">/dev/full", ">&- 2>&- <&-"] : [">&- 2>&- <&-"]) {
      const shell = spawn("bash", ["-c", `exec ${line("--attach")} ${to}`], { env: lab.env, stdio: "ignore" })
      const code = new Promise((resolve) => shell.on("close", resolve))
      await until("it is up", () => lab.pid() !== undefined && isAlive(lab.pid() ?? 0))
      await ends(await running())
      await stops()
      assert.strictEqual(await code, 0)
    }
  })
})

describe("standard output of a command", () => {
  const shell = (script: string) => run(["bash", "-c", script], { env: lab.env, cwd: lab.folder }).done

  it("may lose its reader: the command ends quietly, with the exit code that it has anyhow", async () => {
    assert.strictEqual((await lab.anklet()).code, 0)
    for (const args of [
      ["logs", "-n", "1000"],
      ["logs", "-f"],
      ["status"],
      ["status", "--watch"],
      ["status", "--json"],
      ["config", "show"],
      ["logs", "--help"],
      ["completions", "bash"]
    ]) {
      const piped = await shell(`${line(...args)} | true; exit \${PIPESTATUS[0]}`)
      assert.deepStrictEqual(piped, { code: 0, stdout: "", stderr: "" }, args.join(" "))
    }
    const version = await shell(`${PROGRAM.map(quote).join(" ")} --version | true; exit \${PIPESTATUS[0]}`)
    assert.deepStrictEqual(version, { code: 0, stdout: "", stderr: "" })
    // a doctor that has found a problem says so by its exit code, whether or not anyone reads its output
    const alone = await shell(`${line("doctor")} > report`)
    const piped = await shell(`${line("doctor")} | true; exit \${PIPESTATUS[0]}`)
    assert.deepStrictEqual(piped, { ...alone, stdout: "" })
  })

  it("may lose its reader while the command does something: it is done all the same", async () => {
    const started = await shell(`${line()} | true; exit \${PIPESTATUS[0]}`)
    assert.deepStrictEqual(started, { code: 0, stdout: "", stderr: "" })
    const pid = lab.pid() ?? 0
    assert.isTrue(isAlive(pid))
    await running()
    const stopped = await shell(`${line("-s", "stop")} | true; exit \${PIPESTATUS[0]}`)
    assert.strictEqual(stopped.code, 0)
    assert.isFalse(isAlive(pid))
    assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
  })

  it("on a full disk is a failure, and says so", async () => {
    if (process.platform !== "linux") return
    for (const args of [
      ["config", "show"],
      ["logs", "--help"],
      ["completions", "zsh"]
    ]) {
      const ran = await shell(`${line(...args)} > /dev/full`)
      assert.strictEqual(ran.code, 9, args.join(" "))
      assert.include(ran.stderr, "standard output cannot be written (ENOSPC)")
    }
    assert.strictEqual((await shell(`${PROGRAM.map(quote).join(" ")} --version > /dev/full`)).code, 9)
  })

  it("may be closed, as standard error and input", async () => {
    assert.strictEqual((await shell(`${line("config", "show")} <&- >&- 2>&-`)).code, 0)
    assert.strictEqual((await shell(`${line("config", "frobnicate")} 2>&1 >&- | true; exit \${PIPESTATUS[0]}`)).code, 2)
  })
})

describe("the home folder", () => {
  it("is the system's where HOME is missing, empty or relative", async () => {
    const { homedir } = userInfo()
    mkdirSync(join(lab.folder, "relative"))
    for (const HOME of ["unset HOME", "export HOME=", "export HOME=relative"]) {
      const check = spawnSync("bash", ["-c", `${HOME}; exec ${PROGRAM.map(quote).join(" ")} config check`], {
        env: lab.env,
        cwd: lab.folder,
        encoding: "utf8"
      })
      assert.include(check.stdout + check.stderr, join(homedir, ".config", "anklet", "config.yml"), HOME)
    }
  })
})
