import { spawnSync } from "node:child_process"
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { basename, join, resolve } from "node:path"
import { parse } from "plist"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { isAlive, type Lab, make, TOKEN, until } from "../whole/lab.ts"
import { PROGRAM } from "../whole/program.ts"

let lab: Lab
let state: string
let bin: string

/** A program in PATH, in bash. */
const standIn = (name: string, script: string) => {
  writeFileSync(join(bin, name), `#!/bin/bash\n${script}\n`)
  chmodSync(join(bin, name), 0o755)
}

beforeEach(async () => {
  lab = await make()
  state = join(lab.folder, "manager")
  bin = join(lab.folder, "bin")
  mkdirSync(bin)
  mkdirSync(state)
  standIn("id", '[ "$1" = -un ] && echo me || echo 501')
})
afterEach(() => {
  // nothing is started again from here on
  for (const file of readdirSync(state)) if (file.endsWith(".loaded")) rmSync(join(state, file))
  return lab.close()
})

const manages = (name: "launchctl" | "systemctl") =>
  standIn(
    name,
    // programs are given little of the environment
    `export MANAGER_STATE='${state}' MANAGER_BIN='${bin}'\nexec ${process.execPath} ${resolve("test/cli/manager.mjs")} ${name} "$@"`
  )

/** PATH with only what a test put there: this host's own launchd or systemd is out of reach. */
const env = (more: Record<string, string> = {}) => ({
  PATH: `${bin}:${lab.env.PATH?.split(":")[0]}`,
  LOG_LEVEL: "",
  ...more
})
const service = (command: string, ...args: ReadonlyArray<string>) =>
  lab.run(["service", command, "-c", lab.config, ...args], { env: env() }).done
const calls = () => readFileSync(join(state, "calls"), "utf8").split("\n").filter(Boolean)

/** The path of the entry of the lab's config, which exists. */
const entry = (folder: string) => {
  const there = join(lab.home, folder)
  const files = existsSync(there) ? readdirSync(there) : []
  assert.isAtMost(files.length, 1)
  return files[0] === undefined ? undefined : join(there, files[0])
}

for (const { manager, name, folder, label } of [
  {
    manager: "launchctl",
    name: "launchd",
    folder: "Library/LaunchAgents",
    label: /^com\.veertu\.anklet\.daemon-[0-9a-f]{8}\.plist$/
  },
  {
    manager: "systemctl",
    name: "systemd",
    folder: ".config/systemd/user",
    label: /^anklet-daemon-[0-9a-f]{8}\.service$/
  }
] as const) {
  describe(`anklet service with ${name}`, () => {
    beforeEach(() => manages(manager))

    it("installs and starts, says what it did and how to undo it; a second time changes nothing", async () => {
      const before = await service("status")
      assert.strictEqual(before.code, 5)
      assert.include(before.stdout, "is not installed")
      const ran = await service("install")
      assert.strictEqual(ran.code, 0, ran.stderr)
      const file = entry(folder) ?? ""
      assert.match(file.split("/").at(-1) ?? "", label)
      const pid = lab.pid() ?? 0
      assert.isTrue(isAlive(pid))
      for (const words of [
        file,
        `anklet is up (pid ${pid})`,
        lab.logFile,
        `anklet -c ${lab.config} -s stop`,
        `anklet -c ${lab.config} service uninstall`
      ])
        assert.include(ran.stdout, words)
      const text = readFileSync(file, "utf8")
      assert.notInclude(text, TOKEN)
      const again = await service("install")
      assert.strictEqual(again.code, 0, again.stderr)
      assert.include(again.stdout, `is installed already, and runs (pid ${pid})`)
      assert.strictEqual(readFileSync(file, "utf8"), text)
      const status = await service("status")
      assert.strictEqual(status.code, 0)
      assert.include(status.stdout, `runs (pid ${pid})`)
      const json = JSON.parse((await service("status", "--json")).stdout)
      assert.deepInclude(json, { manager: name, config: lab.config, file, installed: true, loaded: true, pid })
    })

    it("starts the daemon again after a failure, and not after a stop; kept up by install", async () => {
      assert.strictEqual((await service("install")).code, 0)
      const first = lab.pid() ?? 0
      process.kill(first, "SIGKILL")
      await until("it is there again", () => isAlive(lab.pid() ?? first) && lab.pid() !== first)
      const second = lab.pid() ?? 0
      await until("it is up", () => lab.log().filter(({ msg }) => String(msg).startsWith("anklet is up")).length === 2)
      assert.strictEqual((await lab.anklet("-s", "stop")).code, 0)
      await until("its end is known", async () => (await service("status")).stdout.includes("it last ended with 0"))
      assert.isFalse(isAlive(second))
      const status = await service("status")
      assert.strictEqual(status.code, 5)
      assert.include(status.stdout, "does not run")
      assert.isUndefined(lab.pid())
      const again = await service("install")
      assert.strictEqual(again.code, 0, again.stderr)
      assert.isTrue(isAlive(lab.pid() ?? 0))
    })

    it("uninstalls after the clean-up, which it waits for; a second time says that nothing is there", async () => {
      assert.strictEqual((await service("install")).code, 0)
      const { jobs } = lab.queue({ steps: ["sleep 600"] })
      await until("the job runs", () => lab.world.job(jobs[0]?.id ?? 0).status === "in_progress")
      const pid = lab.pid() ?? 0
      const ran = await service("uninstall")
      assert.strictEqual(ran.code, 0, ran.stderr)
      assert.include(ran.stdout, "waiting for RUNNER1: job")
      assert.include(ran.stdout, "uninstalled")
      assert.isFalse(isAlive(pid))
      assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
      assert.isUndefined(entry(folder))
      const again = await service("uninstall")
      assert.strictEqual(again.code, 0)
      assert.include(again.stdout, "is not installed")
      assert.strictEqual((await service("status")).code, 5)
    })

    it("renews an entry that is another than it would write, with a clean stop in between", async () => {
      assert.strictEqual((await service("install")).code, 0)
      const file = entry(folder) ?? ""
      const text = readFileSync(file, "utf8")
      writeFileSync(file, text.replaceAll("30", "31"))
      const pid = lab.pid() ?? 0
      const ran = await service("install")
      assert.strictEqual(ran.code, 0, ran.stderr)
      assert.include(ran.stdout, "renewed")
      assert.isFalse(isAlive(pid))
      assert.isTrue(isAlive(lab.pid() ?? 0))
      assert.strictEqual(readFileSync(file, "utf8"), text)
    })

    it("takes the same files for relative paths as a start by hand: those in work_dir", async () => {
      writeFileSync(lab.config, readFileSync(lab.config, "utf8").replace(TOKEN, "file:secret/token.txt"))
      mkdirSync(join(lab.folder, "work", "secret"))
      writeFileSync(join(lab.folder, "work", "secret", "token.txt"), `${TOKEN}\n`, { mode: 0o600 })
      assert.strictEqual((await lab.run(["-c", lab.config], { cwd: "/" }).done).code, 0)
      assert.strictEqual((await lab.anklet("-s", "stop")).code, 0)
      const ran = await service("install")
      assert.strictEqual(ran.code, 0, ran.stderr)
      const shown = JSON.parse(
        (await lab.run(["config", "show", "--json", "-c", lab.config], { cwd: "/" }).done).stdout
      )
      assert.strictEqual(shown.origins["services[0].token"].path, join(lab.folder, "work", "secret", "token.txt"))
    })

    it("takes along what a start by hand has, names what it must not write down, and tells what differs later", async () => {
      const shell = {
        NODE_EXTRA_CA_CERTS: "authority.pem",
        no_proxy: "localhost,.example.com",
        HTTPS_PROXY: "http://proxy.example.com:3128",
        http_proxy: "http://me:canary@proxy.example.com:3128",
        OTEL_EXPORTER_OTLP_HEADERS: "authorization=canary"
      }
      writeFileSync(join(lab.folder, "authority.pem"), "")
      const run = (command: string, more: Record<string, string>, ...args: ReadonlyArray<string>) =>
        lab.run(["service", command, "-c", lab.config, ...args], { env: env(more) }).done
      const ran = await run("install", shell)
      assert.strictEqual(ran.code, 0, ran.stderr)
      const text = readFileSync(entry(folder) ?? "", "utf8")
      for (const value of [join(lab.folder, "authority.pem"), shell.no_proxy, shell.HTTPS_PROXY, lab.home])
        assert.include(text, value)
      assert.notInclude(text, "canary")
      for (const left of ["http_proxy is set here", "OTEL_EXPORTER_OTLP_HEADERS is set here"])
        assert.include(ran.stderr, left)
      assert.notInclude(ran.stderr, "canary")
      // what was left out is still reported; everything else is the same
      const same = JSON.parse((await run("status", shell, "--json")).stdout)
      assert.lengthOf(same.differences, 2)
      assert.deepStrictEqual(
        JSON.parse((await run("status", { ...shell, http_proxy: "", OTEL_EXPORTER_OTLP_HEADERS: "" }, "--json")).stdout)
          .differences,
        []
      )
      writeFileSync(lab.config, readFileSync(lab.config, "utf8").replace(TOKEN, "${TOKEN_OF_THE_SHELL}"))
      const now = {
        TOKEN_OF_THE_SHELL: "canary",
        HTTPS_PROXY: "http://other.example.com:3128",
        SSL_CERT_FILE: "/etc/ssl/mine.pem"
      }
      const status = await run("status", now)
      for (const words of [
        "HTTPS_PROXY is http://other.example.com:3128 here, and another in the service",
        "SSL_CERT_FILE is /etc/ssl/mine.pem here, and not set in the service",
        "NODE_EXTRA_CA_CERTS is set in the service, and not here",
        "services[0].token comes from TOKEN_OF_THE_SHELL, which the service does not have"
      ])
        assert.include(status.stdout, words)
      const doctor = await lab.run(["doctor", "--json", "-c", lab.config], { env: env(now) }).done
      const finding = JSON.parse(doctor.stdout).findings.find(({ id }: { id: string }) => id === "service-differs")
      assert.include(finding?.what, "SSL_CERT_FILE is /etc/ssl/mine.pem here")
      assert.notInclude(doctor.stdout + status.stdout, "canary")
    })

    it("can be uninstalled when the config has broken since", async () => {
      assert.strictEqual((await service("install")).code, 0)
      const pid = lab.pid() ?? 0
      writeFileSync(lab.config, "services: [")
      const ran = await service("uninstall")
      assert.strictEqual(ran.code, 0, ran.stderr)
      assert.isFalse(isAlive(pid))
      assert.isUndefined(entry(folder))
    })

    it("says so when the daemon does not come up: exit 11, with how it ended", async () => {
      writeFileSync(lab.config, readFileSync(lab.config, "utf8").replace(TOKEN, "${TOKEN_OF_THE_SHELL}"))
      const ran = await lab.run(["service", "install", "-c", lab.config], { env: env({ TOKEN_OF_THE_SHELL: "x" }) })
        .done
      assert.strictEqual(ran.code, 11)
      assert.include(
        ran.stderr,
        `services[0].token comes from the environment variable TOKEN_OF_THE_SHELL, which ${name} does not know`
      )
      assert.include(ran.stderr, "does not come up: it ended with 3")
      // between two attempts
      await until("its end is shown", async () => {
        const { code, stdout } = await service("status")
        return code === 5 && stdout.includes("it last ended with 3")
      })
      assert.strictEqual((await service("uninstall")).code, 0)
    })

    it("lets a daemon that drains hand its jobs over, be it its own or one that was started by hand", async () => {
      const { jobs } = lab.queue({ steps: ["while [ ! -f ../../go ]; do sleep 0.05; done"] })
      const [job] = jobs
      assert.strictEqual((await lab.anklet()).code, 0)
      await until("the job runs", () => job !== undefined && lab.world.job(job.id).status === "in_progress")
      const { vms } = lab.left()
      for (const more of ["", "DEBUG"]) {
        const old = lab.pid() ?? 0
        assert.strictEqual((await lab.anklet("-s", "drain", "--no-wait")).code, 0)
        // the second time, the entry has changed since
        const otel = { OTEL_SERVICE_NAME: "macs of mine", OTEL_EXPORTER_OTLP_HEADERS: "authorization=canary" }
        const ran = await lab.run(["service", "install", "-c", lab.config], { env: env({ ...otel, LOG_LEVEL: more }) })
          .done
        assert.include(readFileSync(entry(folder) ?? "", "utf8"), "macs of mine")
        assert.notInclude(readFileSync(entry(folder) ?? "", "utf8"), "canary")
        assert.strictEqual(ran.code, 0, ran.stderr)
        assert.include(ran.stdout, `anklet (pid ${old}) is gone: this one takes its place`)
        assert.notStrictEqual(lab.pid(), old)
        assert.deepStrictEqual(lab.left().vms, vms)
      }
      // it is running and accepts jobs: there is nothing to do
      const same = env({ OTEL_SERVICE_NAME: "macs of mine", LOG_LEVEL: "DEBUG" })
      const again = await lab.run(["service", "install", "-c", lab.config], { env: same }).done
      assert.include(again.stdout, "is installed already")
      // a restart leaves the entry as it is, and the service manager starts the new daemon
      const text = readFileSync(entry(folder) ?? "", "utf8")
      const old = lab.pid()
      const restarted = await lab.run(["restart", "-c", lab.config], { env: env() }).done
      assert.strictEqual(restarted.code, 0, restarted.stderr)
      assert.match(restarted.stdout, /^anklet is up \(pid \d+\), started by .*anklet/m)
      assert.notStrictEqual(lab.pid(), old)
      assert.include((await service("status")).stdout, `runs (pid ${lab.pid()})`)
      // as at SIGHUP, with a config that has changed
      const before = lab.pid() ?? 0
      appendFileSync(lab.config, "# changed\n")
      process.kill(before, "SIGHUP")
      await until("the service manager has started another", () => {
        const pid = lab.pid()
        return pid !== undefined && pid !== before && isAlive(pid)
      })
      assert.isFalse(isAlive(before))
      await until("it is the service", async () => (await service("status")).stdout.includes(`runs (pid ${lab.pid()})`))
      assert.strictEqual(readFileSync(entry(folder) ?? "", "utf8"), text)
      assert.deepStrictEqual(lab.left().vms, vms)
      lab.letGo()
      await until("the job has ended", () => job !== undefined && lab.world.job(job.id).status === "completed")
      assert.strictEqual(job === undefined ? "" : lab.world.job(job.id).conclusion, "success")
      assert.strictEqual((await service("uninstall")).code, 0)
      assert.deepStrictEqual(lab.left(), { vms: [], runners: [] })
    })

    it("refuses root, a config that is wrong, and a daemon that was started by hand, and changes nothing", async () => {
      standIn("id", "echo 0")
      for (const command of ["install", "uninstall", "status"]) {
        const root = await service(command)
        assert.strictEqual(root.code, 11)
        assert.include(root.stderr, "Anka keeps a library for each user")
      }
      standIn("id", "echo 501")
      assert.strictEqual((await lab.anklet()).code, 0)
      const running = await service("install")
      assert.strictEqual(running.code, 4)
      assert.include(running.stderr, `already running (pid ${lab.pid()}`)
      assert.strictEqual((await lab.anklet("-s", "stop")).code, 0)
      writeFileSync(lab.config, readFileSync(lab.config, "utf8").replace("owner:", "ownr:"))
      const wrong = await service("install")
      assert.strictEqual(wrong.code, 3)
      assert.include(wrong.stderr, "did you mean `owner`?")
      assert.isUndefined(entry(folder))
      assert.strictEqual((await lab.run(["service", "install", "--frobnicate"], { env: env() }).done).code, 2)
    })
  })
}

describe("the LaunchAgent", () => {
  beforeEach(() => manages("launchctl"))

  it("is a property list that launchd understands, with what the daemon needs", async () => {
    // a name of the runtime that outlives its upgrade
    const [program, ...before] = PROGRAM
    symlinkSync(program, join(bin, basename(program)))
    assert.strictEqual((await service("install")).code, 0)
    const file = entry("Library/LaunchAgents") ?? ""
    const label = file.split("/").at(-1)?.replace(".plist", "")
    const it = parse(readFileSync(file, "utf8")) as Record<string, unknown>
    const { EnvironmentVariables, ExitTimeOut, ...rest } = it
    assert.deepStrictEqual(rest, {
      Label: label,
      ProgramArguments: [join(bin, basename(program)), ...before, "--attach", "-c", lab.config],
      WorkingDirectory: lab.home,
      RunAtLoad: true,
      KeepAlive: { SuccessfulExit: false },
      ThrottleInterval: 30,
      ProcessType: "Interactive",
      LimitLoadToSessionType: "Aqua",
      SoftResourceLimits: { NumberOfFiles: 8192 },
      StandardOutPath: "/dev/null",
      StandardErrorPath: join(lab.folder, "logs", `${label?.replace("com.veertu.", "")}.stderr.log`)
    })
    assert.isAtLeast(Number(ExitTimeOut), 120)
    const path = (EnvironmentVariables as { PATH: string }).PATH.split(":")
    for (const folder of ["/usr/local/bin", "/opt/homebrew/bin", "/usr/bin", "/bin"]) assert.include(path, folder)
    // the log is not duplicated: only what is printed outside it goes elsewhere
    assert.strictEqual(readFileSync(String(rest.StandardErrorPath), "utf8"), "")
  })

  it("has the usual config's own short label, and another for each other config", async () => {
    const usual = join(lab.home, ".config/anklet/config.yml")
    mkdirSync(join(lab.home, ".config/anklet"), { recursive: true })
    writeFileSync(usual, readFileSync(lab.config))
    const name = async (...args: ReadonlyArray<string>) =>
      JSON.parse((await lab.run(["service", "status", "--json", ...args], { env: env() }).done).stdout).name
    assert.strictEqual(await name(), "com.veertu.anklet")
    assert.strictEqual(await name("-c", usual), "com.veertu.anklet")
    mkdirSync(join(lab.folder, "other"))
    const labels = [await name("-c", lab.config), await name("-c", join(lab.folder, "other/daemon.yml"))]
    assert.strictEqual(new Set(labels).size, 2)
  })

  it("is enabled when it was disabled; without a session at the screen the person is told to log in", async () => {
    writeFileSync(join(state, "com.veertu.anklet.disabled"), "")
    assert.strictEqual((await service("install")).code, 0)
    assert.isTrue(calls().some((call) => /^launchctl enable gui\/501\/com\.veertu\.anklet/.test(call)))
    assert.strictEqual((await service("uninstall")).code, 0)
    writeFileSync(join(state, "no-session"), "")
    const ran = await service("install")
    assert.strictEqual(ran.code, 11)
    assert.include(ran.stderr, "log in at the Mac's screen first")
    assert.isUndefined(entry("Library/LaunchAgents"))
  })

  it("starts where it was installed when the config has relative folders", async () => {
    writeFileSync(
      lab.config,
      readFileSync(lab.config, "utf8")
        .replace(/^work_dir: .*/m, "work_dir: work")
        .replace(/^ {2}file_dir: .*/m, "  file_dir: ../logs")
    )
    assert.strictEqual((await service("install")).code, 0)
    const it = parse(readFileSync(entry("Library/LaunchAgents") ?? "", "utf8")) as { WorkingDirectory: string }
    assert.strictEqual(it.WorkingDirectory, lab.folder)
    assert.isTrue(existsSync(lab.logFile))
  })
})

describe("the systemd unit", () => {
  beforeEach(() => manages("systemctl"))

  it("restarts on failure only, has time to clean up, and gives freed memory back", async () => {
    const ran = await service("install")
    assert.strictEqual(ran.code, 0, ran.stderr)
    assert.include(ran.stdout, "loginctl enable-linger me")
    const file = entry(".config/systemd/user") ?? ""
    const text = readFileSync(file, "utf8")
    for (const line of [
      `ExecStart=${[...PROGRAM, "--attach", "-c", lab.config].map((word) => `"${word}"`).join(" ")}`,
      "Restart=on-failure",
      "KillSignal=SIGTERM",
      "LimitNOFILE=8192",
      'Environment="MALLOC_TRIM_THRESHOLD_=65536"',
      "StandardOutput=null",
      "WantedBy=default.target"
    ])
      assert.include(text.split("\n"), line)
    assert.isAtLeast(Number(text.match(/^TimeoutStopSec=(\d+)$/m)?.[1]), 120)
    // where there is a systemd, it must accept every line
    if (existsSync("/usr/bin/systemd-analyze")) {
      const verified = spawnSync("/usr/bin/systemd-analyze", ["--user", "verify", file], {
        env: { ...process.env, XDG_RUNTIME_DIR: lab.folder },
        encoding: "utf8"
      })
      assert.deepInclude(verified, { status: 0, stdout: "", stderr: "" })
    }
  })
})

describe("anklet service in a session that does not lead to the user's systemd", () => {
  const NO_BUS = `[ "$1" = --version ] && exit 0\necho "Failed to connect to bus: No medium found" >&2\nexit 1`

  it("installs nothing, and says what to do: exit 11", async () => {
    standIn("systemctl", NO_BUS)
    for (const command of ["install", "status"]) {
      const ran = await service(command)
      assert.strictEqual(ran.code, 11)
      assert.match(ran.stderr, /No medium found.*log in at the console or by ssh.*loginctl enable-linger me/)
    }
    assert.isUndefined(entry(".config/systemd/user"))
    assert.isFalse(existsSync(lab.pidFile))
  })

  it("uninstalls what is on disk, and says what may still run; a restart does nothing by hand", async () => {
    manages("systemctl")
    assert.strictEqual((await service("install")).code, 0)
    const pid = lab.pid() ?? 0
    standIn("systemctl", NO_BUS)
    const restarted = await lab.run(["restart", "-c", lab.config], { env: env() }).done
    assert.strictEqual(restarted.code, 11)
    assert.strictEqual(lab.pid(), pid)
    const ran = await service("uninstall")
    assert.strictEqual(ran.code, 0, ran.stderr)
    assert.include(ran.stdout, `"anklet -c ${lab.config} -s stop" stops a daemon that still runs`)
    assert.isUndefined(entry(".config/systemd/user"))
    assert.include((await service("uninstall")).stdout, "is not installed")
    assert.strictEqual((await lab.anklet("-s", "stop")).code, 0)
  })
})

describe("anklet service without a service manager", () => {
  it("says what to do instead: exit 11", async () => {
    const ran = await service("install")
    assert.strictEqual(ran.code, 11)
    assert.include(ran.stderr, "neither launchd nor systemd")
  })
})
