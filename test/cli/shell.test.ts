import { appendFileSync, mkdirSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { type Lab, make, until } from "../whole/lab.ts"
import { openTerminal } from "./terminal.ts"

const WAITS = ["while [ ! -e ../../go ]; do sleep 0.05; done"]

let lab: Lab

const isRunning = () => [...lab.world.jobs.values()].some(({ status }) => status === "in_progress")

describe("the VM of a running job", () => {
  beforeEach(async () => {
    lab = await make()
    await lab.anklet()
    lab.queue({ name: "runs", steps: WAITS })
    await until("it runs", isRunning)
  })
  afterEach(async () => {
    await lab.anklet("-s", "stop")
    await lab.close()
  })

  it("is opened by anklet shell: a real terminal in it, with its size, and the exit code of its shell", async () => {
    const terminal = openTerminal(["-c", lab.config, "shell", "RUNNER1"], {
      ...{ env: lab.env, cwd: lab.folder, columns: 101, rows: 33 }
    })
    const shows = (what: string, text: RegExp) => until(what, () => text.test(terminal.seen()))
    await shows("it says where it is", /in anklet-vm-\S+ until you leave/)
    terminal.press('test -t 0 && echo "a $((40 + 2)) terminal of $(stty size) in $PWD"\n')
    await shows("the shell in the VM answers", /a 42 terminal of 33 101 in \S*\/guest/)
    // Ctrl-C ends what runs in the VM, and not the shell
    terminal.press("bash -c 'echo asleep $((3 + 4)); sleep 1000'\n")
    await shows("it sleeps", /asleep 7/)
    terminal.press("\u0003")
    terminal.press("echo still $((1 + 1)) here\n")
    await shows("the shell goes on", /still 2 here/)
    terminal.press("exit 5\n")
    assert.strictEqual(await terminal.ended, 5, terminal.seen())
    assert.isTrue(isRunning(), "the job goes on")
  })

  it("takes its terminal with it when its job ends", async () => {
    const terminal = openTerminal(["-c", lab.config, "shell", "runs"], {
      ...{ env: lab.env, cwd: lab.folder, columns: 80, rows: 24 }
    })
    terminal.press("echo inside $((1 + 1))\n")
    await until("the shell in the VM answers", () => terminal.seen().includes("inside 2"))
    lab.letGo()
    assert.notStrictEqual(await terminal.ended, 0, terminal.seen())
    await until("the VM is removed", () => lab.left().vms.length === 0)
  })

  it("needs a terminal, and a job that has a VM here", async () => {
    const [vm = ""] = lab.left().vms
    const piped = await lab.anklet("shell", "runs")
    assert.deepStrictEqual(
      [piped.code, piped.stderr],
      [2, `anklet: a shell needs a terminal; for one command, run "anka run ${vm} COMMAND"\n`]
    )
    const unknown = await lab.anklet("shell", "RUNNER9")
    assert.strictEqual(unknown.code, 15)
    assert.match(unknown.stderr, /^anklet: "RUNNER9" is no job, VM, .*; jobs run on RUNNER1 \("runs"\)$/m)
    lab.queue({ name: "next", steps: ["true"] })
    await until("it is seen", () => lab.log().length > 0)
    lab.letGo()
    await until("both end", () => [...lab.world.jobs.values()].every(({ status }) => status === "completed"))
    await until("their VMs are removed", () => lab.left().vms.length === 0)
    for (const command of [
      ["shell", "runs"],
      ["logs", "--vm", "runs"]
    ]) {
      const over = await lab.anklet(...command)
      assert.strictEqual(over.code, 15)
      assert.match(over.stderr, /^anklet: "runs" has ended, and its VM is removed; "anklet jobs" says how/)
    }
  })

  it("is followed by anklet logs --vm: the runner's log, and diagnostics that begin later, without secrets", async () => {
    const following = lab.run(["-c", lab.config, "logs", "--vm", "runs"])
    let seen = ""
    following.child.stdout?.on("data", (chunk) => {
      seen += chunk
    })
    const guest = join(lab.guestOf(lab.left().vms[0] ?? ""), "actions-runner")
    appendFileSync(join(guest, "runner.log"), "a line of the runner\n")
    await until("the runner's log is shown", () => seen.includes("a line of the runner"))
    mkdirSync(join(guest, "_diag"), { recursive: true })
    appendFileSync(join(guest, "_diag", "Worker_2.log"), "a \u001b]0;title\u0007 line of ghs_abcdefgh, a worker\n")
    await until("the worker's log is shown", () => seen.includes(", a worker"))
    assert.notInclude(seen, "\u001b")
    assert.notInclude(seen, "abcdefgh")
    following.child.kill("SIGINT")
    assert.strictEqual((await following.done).code, 0)
    await until("nothing goes on in the VM", () => !lab.began(["run", "while true; do"]))
  })
})
