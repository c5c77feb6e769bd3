// Stand-ins for launchctl and systemctl: they read the real files, start the real program, and start it again as these tell.
// `MANAGER_STATE` is a folder of theirs, `MANAGER_BIN` the one that they are in. Asked as: node manager.mjs launchctl|systemctl ARGUMENTS
import { spawn } from "node:child_process"
import { appendFileSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import { parse } from "plist"

const state = process.env.MANAGER_STATE
const [, , manager, ...args] = process.argv
mkdirSync(state, { recursive: true })
if (manager !== "supervise") appendFileSync(join(state, "calls"), `${[manager, ...args].join(" ")}\n`)

const at = (name, what) => join(state, `${name}.${what}`)
const has = (name, what) => existsSync(at(name, what))
const read = (name, what) => (has(name, what) ? readFileSync(at(name, what), "utf8").trim() : undefined)
const put = (name, what, text = "") => writeFileSync(at(name, what), `${text}\n`)
const drop = (name, what) => rmSync(at(name, what), { force: true })
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const end = (code, text = "") => {
  if (text !== "") (code === 0 ? process.stdout : process.stderr).write(`${text}\n`)
  process.exit(code)
}

/** What a job's file tells: program, folder, environment, outputs. */
const ofPlist = (file) => {
  const it = parse(readFileSync(file, "utf8"))
  return {
    command: it.ProgramArguments,
    cwd: it.WorkingDirectory,
    env: it.EnvironmentVariables,
    stdout: it.StandardOutPath,
    stderr: it.StandardErrorPath,
    restarts: it.KeepAlive?.SuccessfulExit === false
  }
}
const words = (text) =>
  [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word]) =>
    word.replace(/\\(.)/g, "$1").replaceAll("%%", "%").replaceAll("$$", "$")
  )
const ofUnit = (file) => {
  const lines = readFileSync(file, "utf8").split("\n")
  const all = (key) => lines.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1))
  return {
    command: words(all("ExecStart")[0]),
    cwd: all("WorkingDirectory")[0],
    env: Object.fromEntries(
      all("Environment")
        .flatMap(words)
        .map((pair) => [pair.split("=")[0], pair.slice(pair.indexOf("=") + 1)])
    ),
    stdout: "/dev/null",
    stderr: at(basename(file), "journal"),
    restarts: all("Restart")[0] === "on-failure"
  }
}

/** A clean environment, as a service manager gives it. */
const ENV = { HOME: process.env.HOME, TMPDIR: process.env.TMPDIR }

const supervise = async (name, file) => {
  const job = file.endsWith(".plist") ? ofPlist(file) : ofUnit(file)
  const once = () =>
    new Promise((resolve) => {
      const [program, ...rest] = job.command
      const child = spawn(program, rest, {
        cwd: job.cwd,
        // the stand-ins are in PATH as launchctl and systemctl are
        env: { ...ENV, ...job.env, PATH: `${process.env.MANAGER_BIN}:${job.env.PATH}` },
        detached: true,
        stdio: ["ignore", openSync(job.stdout, "a"), openSync(job.stderr, "a")]
      })
      put(name, "pid", child.pid)
      child.on("exit", (code, signal) => {
        drop(name, "pid")
        put(name, "exit", code ?? signal)
        resolve(code)
      })
    })
  drop(name, "start")
  while (true) {
    const code = await once()
    const waits = !(job.restarts && code !== 0)
    // 30 seconds there, less here
    if (!waits) await pause(2000)
    while (waits && has(name, "loaded") && !has(name, "start")) await pause(20)
    drop(name, "start")
    if (!has(name, "loaded")) return drop(name, "supervised")
  }
}

const begin = (name, file) => {
  put(name, "loaded", file)
  put(name, "supervised")
  spawn(process.execPath, [process.argv[1], "supervise", name, file], { detached: true, stdio: "ignore" }).unref()
}
const started = async (name) => {
  while (!has(name, "pid") && !has(name, "exit")) await pause(10)
}
const stop = (name) => {
  drop(name, "loaded")
  const pid = Number(read(name, "pid"))
  if (pid > 0) process.kill(pid, "SIGTERM")
}

const launchctl = async ([command, target = "", file]) => {
  const name = basename(target)
  switch (command) {
    case "version":
      return end(0, "Darwin Bootstrapper Version 7.0.0")
    case "enable":
      drop(name, "disabled")
      return end(0)
    case "print": {
      if (!has(name, "supervised")) return end(113, `Could not find service "${name}" in domain for user gui: 501`)
      const pid = read(name, "pid")
      const exit = read(name, "exit")
      return end(
        0,
        [
          `${target} = {`,
          `\tactive count = ${pid === undefined ? 0 : 1}`,
          `\tpath = ${read(name, "loaded")}`,
          `\tstate = ${pid === undefined ? "not running" : "running"}`,
          "\tspawn = {\n\t\tpid = 1\n\t}",
          ...(pid === undefined ? [] : [`\tpid = ${pid}`]),
          `\tlast exit code = ${exit ?? "(never exited)"}${exit === "78" ? ": EX_CONFIG" : ""}`,
          "}"
        ].join("\n")
      )
    }
    case "bootstrap": {
      const label = basename(file, ".plist")
      if (existsSync(join(state, "no-session")))
        return end(125, "Bootstrap failed: 125: Domain does not support specified action")
      if (has(label, "disabled")) return end(119, "Bootstrap failed: 119: Service is disabled")
      if (has(label, "supervised")) return end(5, "Bootstrap failed: 5: Input/output error")
      begin(label, file)
      return end(0)
    }
    case "kickstart":
      if (!has(name, "supervised")) return end(113, "Could not find service")
      if (!has(name, "pid")) put(name, "start")
      return end(0)
    case "bootout":
      if (!has(name, "supervised")) return end(3, "Boot-out failed: 3: No such process")
      stop(name)
      return end(0)
    default:
      return end(64, `Unrecognized subcommand: ${command}`)
  }
}

const systemctl = async ([flag, command, ...rest]) => {
  if (flag === "--version") return end(0, "systemd 255")
  if (flag !== "--user") return end(1, "Failed to connect to bus")
  const name = rest.at(-1)
  const file = join(process.env.HOME, ".config/systemd/user", name ?? "")
  const isThere = existsSync(file)
  switch (command) {
    case "daemon-reload":
      return end(0)
    case "show":
      return end(
        0,
        [
          `LoadState=${isThere ? "loaded" : "not-found"}`,
          `MainPID=${read(name, "pid") ?? 0}`,
          `ExecMainStatus=${read(name, "exit") ?? 0}`,
          `ExecMainExitTimestampMonotonic=${has(name, "exit") ? 1 : 0}`,
          `UnitFileState=${has(name, "enabled") ? "enabled" : isThere ? "disabled" : ""}`
        ].join("\n")
      )
    case "enable":
    case "start":
      if (!isThere) return end(1, `Failed to ${command} unit: Unit file ${name} does not exist.`)
      if (command === "enable") put(name, "enabled")
      if (has(name, "supervised")) put(name, "start")
      else begin(name, file)
      await started(name)
      return end(0)
    case "disable":
      drop(name, "enabled")
      stop(name)
      while (has(name, "supervised")) await pause(20)
      return end(0)
    default:
      return end(1, `Unknown command verb '${command}'`)
  }
}

if (manager === "supervise") await supervise(args[0], args[1])
else if (manager === "launchctl") await launchctl(args)
else await systemctl(args)
