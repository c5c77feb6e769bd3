/**
 * Two real users of one Mac: the daemon belongs to one, and what is in its folders to the other. Only root can act as
 * both.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { createServer, type Server } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { isAlive, type Lab, make, type Ran, until } from "./lab.ts"
import { run } from "./processes.ts"
import { PROGRAM } from "./program.ts"

const VICTIM = 2001
const ATTACKER = 2002

let lab: Lab
/** A folder that everyone may write to, like /tmp. */
let shared: string
const started: Array<ChildProcess> = []

/** A process of this user that does nothing. */
const idle = (uid: number) => {
  const child = spawn("sleep", ["600"], { uid, gid: uid, stdio: "ignore" })
  started.push(child)
  return child.pid ?? 0
}

const write = (path: string, uid: number, text: string, mode = 0o644) => {
  writeFileSync(path, text)
  chmodSync(path, mode)
  chownSync(path, uid, uid)
  return path
}
const folder = (path: string, uid: number, mode: number) => {
  mkdirSync(path)
  chmodSync(path, mode)
  chownSync(path, uid, uid)
  return path
}
const link = (from: string, to: string, uid: number) => execFileSync("ln", ["-s", to, from], { uid, gid: uid })

/** Runs it as the victim. */
const anklet = (...args: ReadonlyArray<string>): Promise<Ran> =>
  run([...PROGRAM, "-c", lab.config, ...args], { uid: VICTIM, gid: VICTIM, cwd: lab.folder, env: lab.env }).done

/** Makes a key of the config name this folder. */
const configure = (key: string, path: string) => {
  const text = readFileSync(lab.config, "utf8")
  writeFileSync(lab.config, text.replace(new RegExp(`^( *${key}: ).*`, "m"), `$1${path}`))
}

/** A process as a PID file names it, with its start as Linux reports it. */
const startOf = (pid: number) => {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
  const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]
  return `${ticks} ${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}`
}

const precious = () => write(join(lab.folder, "precious"), VICTIM, "precious\n", 0o600)

describe.runIf(process.getuid?.() === 0)("where another user may write (only root can try it)", () => {
  beforeEach(async () => {
    lab = await make()
    shared = mkdtempSync(join(tmpdir(), "anklet-shared-"))
    chmodSync(shared, 0o1777)
    chmodSync(lab.config, 0o600)
    execFileSync("chown", ["-R", `${VICTIM}:${VICTIM}`, lab.folder])
  })
  afterEach(async () => {
    for (const child of started.splice(0)) child.kill("SIGKILL")
    await lab.close()
    rmSync(shared, { recursive: true, force: true })
  })

  describe("a PID file", () => {
    const signals = async (text: (pid: number) => string, of: number, process: number) => {
      configure("pid_file_dir", shared)
      const pid = idle(process)
      write(join(shared, "anklet.pid"), of, text(pid))
      const stopped = await anklet("-s", "stop")
      assert.isTrue(isAlive(pid))
      return { ...stopped, pid }
    }

    for (const [what, text] of [
      ["and no start", (pid: number) => `${pid}\n\n`],
      ["and nothing else", (pid: number) => `${pid}`],
      ["and its start", (pid: number) => `${pid}\n${startOf(pid)}\n`]
    ] as const) {
      it(`of another user, with the number of a process of ours ${what}, gets it no signal`, async () => {
        const { code, stderr } = await signals(text, ATTACKER, VICTIM)
        assert.strictEqual(code, 9)
        assert.include(stderr, `${join(shared, "anklet.pid")} belongs to another user (number ${ATTACKER})`)
      })
    }

    it("of ours that does not say when the process was started gets it no signal", async () => {
      const { code, stderr, pid } = await signals((pid) => `${pid}\n\n`, VICTIM, VICTIM)
      assert.strictEqual(code, 9)
      assert.include(stderr, `kill -TERM ${pid}`)
    })

    it("of ours that names a process of another user gets it no signal", async () => {
      const { code, stderr } = await signals((pid) => `${pid}\n${startOf(pid)}\n`, VICTIM, ATTACKER)
      assert.strictEqual(code, 9)
      assert.include(stderr, `of another user (number ${ATTACKER})`)
    })

    for (const number of ["0", "1", "-1", "-12345", "1e0", "", "x"]) {
      it(`that says "${number}" names no daemon`, async () => {
        configure("pid_file_dir", shared)
        write(join(shared, "anklet.pid"), VICTIM, `${number}\n\n`)
        assert.strictEqual((await anklet("-s", "stop")).code, 5)
      })
    }

    it("of ours that all may write gets nobody a signal", async () => {
      configure("pid_file_dir", shared)
      const pid = idle(VICTIM)
      write(join(shared, "anklet.pid"), VICTIM, `${pid}\n${startOf(pid)}\n`, 0o666)
      const { code, stderr } = await anklet("-s", "stop")
      assert.strictEqual(code, 9)
      assert.include(stderr, `chmod go-w ${join(shared, "anklet.pid")}`)
      assert.isTrue(isAlive(pid))
    })

    it("that is another name of a file of ours gets nobody a signal", async () => {
      configure("pid_file_dir", shared)
      const pid = idle(VICTIM)
      const other = write(join(lab.folder, "other.pid"), VICTIM, `${pid}\n${startOf(pid)}\n`)
      linkSync(other, join(shared, "hard"))
      for (const plant of [
        () => linkSync(other, join(shared, "anklet.pid")),
        () => link(join(shared, "anklet.pid"), other, ATTACKER)
      ]) {
        plant()
        assert.strictEqual((await anklet("-s", "stop")).code, 9)
        assert.isTrue(isAlive(pid))
        rmSync(join(shared, "anklet.pid"))
      }
    })

    it("of another user, which names a process of theirs, keeps the daemon out with words that help", async () => {
      configure("pid_file_dir", shared)
      const pid = idle(ATTACKER)
      write(join(shared, "anklet.pid"), ATTACKER, `${pid}\n${startOf(pid)}\n`)
      const { code, stderr } = await anklet()
      assert.strictEqual(code, 9)
      assert.include(stderr, `belongs to another user (number ${ATTACKER})`)
      assert.include(stderr, "choose another folder")
      assert.notInclude(stderr, "already running")
    })
  })

  it("a socket of another user is not asked, and keeps the daemon from nothing else", async () => {
    configure("pid_file_dir", shared)
    const socket = join(shared, "anklet.sock")
    let asked = 0
    const server = await new Promise<Server>((resolve) => {
      const server = createServer((connection) => {
        asked++
        connection.destroy()
      }).listen(socket, () => resolve(server))
    })
    chmodSync(socket, 0o777)
    chownSync(socket, ATTACKER, ATTACKER)
    try {
      const up = await anklet()
      assert.strictEqual(up.code, 0, up.stderr)
      const status = await anklet("status")
      assert.strictEqual(status.code, 13)
      assert.include(status.stderr, `belongs to another user (number ${ATTACKER})`)
      assert.strictEqual(asked, 0)
      const warned = lab.log().filter(({ level, msg }) => level === "WARN" && String(msg).includes(socket))
      assert.strictEqual(warned.length, 1)
      assert.strictEqual((await anklet("-s", "stop")).code, 0)
    } finally {
      server.close()
    }
  })

  it("a daemon works in it as anywhere else, and what it makes is its user's alone", async () => {
    configure("pid_file_dir", shared)
    configure("state_dir", shared)
    configure("file_dir", shared)
    const up = await anklet()
    assert.strictEqual(up.code, 0, up.stderr)
    for (const name of ["anklet.pid", "anklet.sock", "anklet.log", "ledger.jsonl"]) {
      const { uid, mode } = lstatSync(join(shared, name))
      assert.deepStrictEqual([uid, mode & 0o077], [VICTIM, 0], name)
    }
    assert.strictEqual((await anklet("status")).code, 0)
    assert.strictEqual((await anklet("-s", "stop")).code, 0)
  })

  describe("a link of theirs to a file of ours", () => {
    for (const [key, name] of [
      ["state_dir", "ledger.jsonl.new"],
      ["state_dir", "ledger.jsonl"],
      ["state_dir", "ledger.jsonl.pid"],
      ["file_dir", "anklet.log"],
      ["pid_file_dir", "anklet.pid"]
    ] as const) {
      it(`as ${name} is not written through, and the start is refused with words`, async () => {
        configure(key, shared)
        const file = precious()
        link(join(shared, name), file, ATTACKER)
        const { code, stderr } = await anklet()
        assert.strictEqual(code, 9, stderr)
        assert.include(stderr, `${join(shared, name)} belongs to another user (number ${ATTACKER})`)
        assert.strictEqual(readFileSync(file, "utf8"), "precious\n")
      })
    }

    it("as `paused` is not written through, and does not pause either", async () => {
      configure("state_dir", shared)
      const file = precious()
      link(join(shared, "paused"), file, ATTACKER)
      assert.strictEqual((await anklet()).code, 0)
      const status = await anklet("status", "--json")
      assert.strictEqual(JSON.parse(status.stdout).mode, "open")
      await anklet("drain")
      assert.strictEqual(readFileSync(file, "utf8"), "precious\n")
      assert.strictEqual((await anklet("-s", "stop")).code, 0)
    })

    it("as the log is not appended to when the daemon opens it anew", async () => {
      configure("file_dir", shared)
      const log = join(shared, "anklet.log")
      const file = precious()
      assert.strictEqual((await anklet()).code, 0)
      // the daemon may have opened a new one in between
      await until("the link is there", () => {
        rmSync(log, { force: true })
        try {
          link(log, file, ATTACKER)
          return true
        } catch {
          return false
        }
      })
      process.kill(lab.pid() ?? 0, "SIGUSR1")
      assert.strictEqual((await anklet("status")).code, 0)
      assert.strictEqual((await anklet("-s", "stop")).code, 0)
      assert.strictEqual(readFileSync(file, "utf8"), "precious\n")
    })
  })

  describe("a folder", () => {
    for (const [what, uid, mode, says] of [
      ["of another user", ATTACKER, 0o777, "belongs to another user"],
      ["of another user that is sticky", ATTACKER, 0o1777, "belongs to another user"],
      ["of ours that all may write", VICTIM, 0o777, "chmod go-w"]
    ] as const) {
      for (const key of ["pid_file_dir", "state_dir", "file_dir"]) {
        it(`${what} is refused as ${key}`, async () => {
          const path = folder(join(shared, "folder"), uid, mode)
          configure(key, path)
          const { code, stderr } = await anklet()
          assert.strictEqual(code, 9, stderr)
          assert.include(stderr, path)
          assert.include(stderr, says)
          assert.isFalse(existsSync(join(path, "anklet.pid")))
        })
      }
    }

    it("that a link of ours leads to is as good as the folder", async () => {
      const path = folder(join(lab.folder, "elsewhere"), VICTIM, 0o700)
      symlinkSync(path, join(lab.folder, "link"))
      execFileSync("chown", ["-h", `${VICTIM}`, join(lab.folder, "link")])
      configure("state_dir", join(lab.folder, "link"))
      assert.strictEqual((await anklet()).code, 0)
      await until("the ledger is there", () => existsSync(join(path, "ledger.jsonl")))
      assert.strictEqual((await anklet("-s", "stop")).code, 0)
    })
  })

  describe("a plugin", () => {
    const plugin =
      'export default ({ Effect, Schema }) => ({ name: "mine", config: Schema.Struct({}), run: () => Effect.void })'
    for (const [what, plant, says] of [
      [
        "of another user",
        (at: string) => chownSync(join(at, "index.mjs"), ATTACKER, ATTACKER),
        "belongs to another user"
      ],
      ["that all may write", (at: string) => chmodSync(join(at, "index.mjs"), 0o666), "chmod go-w"],
      ["in a folder that all may write", (at: string) => chmodSync(at, 0o777), "chmod go-w"],
      ["beside a file of another user", (at: string) => write(join(at, "helper.mjs"), ATTACKER, ""), "helper.mjs"],
      ["of ours", () => {}, undefined]
    ] as const) {
      it(`${what} is ${says === undefined ? "" : "not "}loaded`, async () => {
        const base = [".config", ".config/anklet", ".config/anklet/plugins", ".config/anklet/plugins/mine"]
        for (const path of base) if (!existsSync(join(lab.home, path))) folder(join(lab.home, path), VICTIM, 0o755)
        const at = join(lab.home, ".config/anklet/plugins/mine")
        write(join(at, "index.mjs"), VICTIM, plugin)
        plant(at)
        writeFileSync(
          lab.config,
          readFileSync(lab.config, "utf8").replace(/services:[\s\S]*/, "services:\n  - name: MINE\n    plugin: mine\n")
        )
        const { code, stderr } = await anklet("config", "check")
        assert.strictEqual(code, says === undefined ? 0 : 3, stderr)
        assert.include(stderr, says ?? "")
        const found = JSON.parse((await anklet("doctor", "--json")).stdout).findings
        const unusable = found.filter(({ id }: { readonly id: string }) => id === "config-unusable")
        assert.strictEqual(unusable.length, says === undefined ? 0 : 1)
      })
    }
  })

  it("the doctor names everything that is refused, each once, and signals nobody", async () => {
    for (const key of ["pid_file_dir", "state_dir", "file_dir"]) configure(key, shared)
    const names = ["anklet.pid", "anklet.log", "anklet.log.1", "anklet.sock", "ledger.jsonl", "host.json", "paused"]
    for (const name of names) write(join(shared, name), ATTACKER, "")
    const { stdout } = await anklet("doctor", "--json")
    const refused: ReadonlyArray<string> = JSON.parse(stdout)
      .findings.filter(({ id }: { readonly id: string }) => id === "file-untrusted")
      .map(({ what }: { readonly what: string }) => what)
    for (const name of names) {
      assert.strictEqual(refused.filter((what) => what.startsWith(`${join(shared, name)} belongs`)).length, 1, name)
    }
  })

  describe("the scripts", () => {
    for (const [what, uid, mode] of [
      ["of another user", ATTACKER, 0o755],
      ["that all may write", VICTIM, 0o777]
    ] as const) {
      it(`${what} are not used`, async () => {
        const plugins = join(lab.home, ".config", "anklet", "plugins")
        for (const path of [join(lab.home, ".config"), join(lab.home, ".config", "anklet"), plugins])
          if (!existsSync(path)) folder(path, VICTIM, 0o700)
        const github = join(plugins, "github")
        if (!existsSync(github)) folder(github, VICTIM, 0o700)
        const script = write(join(github, "register-runner.bash"), uid, "#!/bin/bash\n", mode)
        const { code, stderr } = await anklet()
        assert.strictEqual(code, 9, stderr)
        assert.include(stderr, script)
      })
    }
  })
})
