/** The inside of a simulated VM: a folder, and the processes that run in it. */
import { spawn } from "node:child_process"
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { read } from "./state.ts"

/** Carried by every process of a VM, so that none outlives it. */
const MARK = "ANKA_SIM_VM"

/** The guest's home folder. */
export const guestHome = (home: string, uuid: string): string => join(home, "vms", uuid, "guest")

/** The home folder that a template's tag carries. */
export const templateHome = (home: string, uuid: string, tag: string): string =>
  join(home, "templates", uuid, encodeURIComponent(tag), "home")

/** Give a clone the files of its template. */
export const fill = (home: string, uuid: string, template: { uuid: string; tag: string | undefined }): void => {
  const guest = guestHome(home, uuid)
  mkdirSync(join(guest, "tmp"), { recursive: true })
  const source = templateHome(home, template.uuid, template.tag ?? "")
  if (existsSync(source)) cpSync(source, guest, { recursive: true })
}

/** The files of a tag that was pulled, if the registry has any. */
export const fetch = (home: string, uuid: string, tag: string): void => {
  const from = join(home, "registry", uuid, encodeURIComponent(tag), "home")
  if (existsSync(from)) cpSync(from, templateHome(home, uuid, tag), { recursive: true })
}

/** Numbers of the VM's processes, found by their environment. */
const processesOf = (uuid: string): ReadonlyArray<number> =>
  existsSync("/proc/self/environ")
    ? readdirSync("/proc").flatMap((entry) => {
        const pid = Number(entry)
        if (!Number.isInteger(pid) || pid === process.pid) return []
        try {
          return readFileSync(`/proc/${pid}/environ`, "latin1").includes(`${MARK}=${uuid}`) ? [pid] : []
        } catch {
          return []
        }
      })
    : []

/** Power a VM off: all its processes end at once. */
export const powerOff = (uuid: string): void => {
  for (let round = 0; round < 20; round++) {
    const left = processesOf(uuid)
    if (left.length === 0) return
    for (const pid of left) {
      try {
        process.kill(pid, "SIGKILL")
      } catch {
        // it ended by itself
      }
    }
  }
}

/** Remove the VM's disk. */
export const remove = (home: string, uuid: string): void =>
  rmSync(join(home, "vms", uuid), { recursive: true, force: true, maxRetries: 5 })

const passed = (stream: { readonly isTTY?: boolean }) => (stream.isTTY === true ? "pipe" : "inherit")

/** Run a command in the guest, streams passed through; the exit code, or 125 when the VM goes away before the command ends. */
export const run = (
  home: string,
  uuid: string,
  command: ReadonlyArray<string>,
  extra: Record<string, string>
): Promise<number> =>
  new Promise((resolve) => {
    const guest = guestHome(home, uuid)
    const [program = "true", ...args] = command
    const child = spawn(program, args, {
      cwd: guest,
      detached: true,
      // like `anka run`, which gives the guest no terminal
      stdio: [passed(process.stdin), passed(process.stdout), passed(process.stderr)],
      env: {
        HOME: guest,
        USER: "anka",
        LOGNAME: "anka",
        SHELL: "/bin/bash",
        TMPDIR: join(guest, "tmp"),
        PATH: process.env.PATH ?? "/usr/bin:/bin",
        SHLVL: "1",
        ...extra,
        [MARK]: uuid
      }
    })
    if (child.stdin !== null) process.stdin.pipe(child.stdin)
    child.stdin?.on("error", () => {})
    child.stdout?.pipe(process.stdout)
    child.stderr?.pipe(process.stderr)
    const alive = setInterval(() => {
      try {
        if (read(home).vms.some((vm) => vm.uuid === uuid && vm.status === "running")) return
      } catch {
        return
      }
      clearInterval(alive)
      child.removeAllListeners()
      powerOff(uuid)
      process.stderr.write("anka: communication broken\n")
      resolve(125)
    }, 200)
    child.on("error", (error: NodeJS.ErrnoException) => {
      clearInterval(alive)
      process.stderr.write(`${program}: ${error.code === "ENOENT" ? "No such file or directory" : error.message}\n`)
      resolve(error.code === "ENOENT" ? 127 : 126)
    })
    // what it wrote is shown before its end counts; an inherited stream needs no wait
    child.on(child.stdout === null && child.stderr === null ? "exit" : "close", (code, signal) => {
      clearInterval(alive)
      resolve(code ?? (signal === "SIGKILL" ? 137 : 143))
    })
  })
