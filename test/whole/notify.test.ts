/** Who hears of trouble: a real receiver of HTTP, and a program. */
import { appendFileSync, chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { afterEach, assert, describe, it } from "vitest"
import { type Lab, make, OTHER, until } from "./lab.ts"

const undo: Array<() => unknown> = []
afterEach(async () => {
  for (const close of undo.splice(0).reverse()) await close()
})

const SECRET = "hooks-CANARY-77af"

/** Receives messages, and answers with a status. */
const receiver = async () => {
  const messages: Array<Record<string, unknown>> = []
  let status = 200
  let asked = 0
  const server = createServer((request, response) => {
    let body = ""
    request.on("data", (chunk) => {
      body += chunk
    })
    request.on("end", () => {
      asked++
      assert.strictEqual(request.method, "POST")
      assert.strictEqual(request.url, `/services/${SECRET}`)
      assert.strictEqual(request.headers["content-type"], "application/json")
      if (status === 200) messages.push(JSON.parse(body))
      response.writeHead(status).end("ok")
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  undo.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/services/${SECRET}`,
    messages,
    asked: () => asked,
    answer: (to: number) => {
      status = to
    }
  }
}

const program = (lab: Lab) => {
  const path = join(lab.folder, "page")
  const said = join(lab.folder, "said")
  writeFileSync(path, `#!/bin/bash\n[ $# -eq 0 ] && cat >> '${said}'\n`)
  chmodSync(path, 0o755)
  return {
    path,
    messages: (): ReadonlyArray<Record<string, unknown>> =>
      existsSync(said)
        ? readFileSync(said, "utf8")
            .split("\n")
            .filter(Boolean)
            .map((line) => JSON.parse(line))
        : []
  }
}

describe("with notify in the config", () => {
  it("a service that fails is told once to each receiver, also over a restart, and once when it works again", async () => {
    const hook = await receiver()
    const lab = await make()
    undo.push(lab.close)
    const page = program(lab)
    appendFileSync(lab.config, `notify:\n  webhook: \${HOOK}\n  command: ${page.path}\n`)
    const start = () => lab.run(["-c", lab.config], { env: { HOOK: hook.url } }).done
    hook.answer(500)
    lab.github.faults.push({ path: "/repos/", times: 10_000, answer: { status: 502 } })
    assert.strictEqual((await start()).code, 0)
    await until("the program has heard", () => page.messages().length === 1)
    await until("the receiver was asked", () => hook.asked() > 0)
    hook.answer(200)
    await until("the receiver has heard", () => hook.messages.length === 1, 60_000)
    for (const [message] of [hook.messages, page.messages()]) {
      assert.deepInclude(message, { event: "service-failing", state: "began", subject: "RUNNER1" })
      assert.match(String(message?.text), /: service RUNNER1 fails: /)
    }
    const warned = lab.log().filter(({ level, msg }) => level === "WARN" && String(msg).includes("notice"))
    assert.lengthOf(warned, 1)
    assert.match(String(warned[0]?.msg), /^a notice cannot be delivered to the webhook at 127\.0\.0\.1:\d+, .*500/)

    assert.strictEqual((await lab.anklet("-s", "stop")).code, 0)
    assert.strictEqual((await start()).code, 0)
    await until("it fails again", async () => /"failures": ?[3-9]/.test((await lab.anklet("status", "--json")).stdout))
    lab.github.faults.splice(0)
    await until("both have heard the end", () => hook.messages.length > 1 && page.messages().length > 1, 60_000)
    for (const messages of [hook.messages, page.messages()]) {
      assert.deepStrictEqual(
        messages.map(({ state }) => state),
        ["began", "over"]
      )
    }
    assert.strictEqual((await lab.anklet("-s", "stop")).code, 0)
    assert.notInclude(readFileSync(lab.logFile, "utf8"), SECRET)
    assert.notInclude(readFileSync(join(lab.folder, "daemon", "state", "notices.json"), "utf8"), SECRET)
  })

  it("a secret that only the daemon's environment has keeps no command from the daemon", async () => {
    const lab = await make()
    undo.push(lab.close)
    appendFileSync(lab.config, "proxy: ${NOT_HERE}\nnotify:\n  webhook: ${NOT_HERE}\n")
    const env = { NOT_HERE: "http://127.0.0.1:1" }
    assert.strictEqual((await lab.run(["-c", lab.config], { env: { ...env, NO_PROXY: "127.0.0.1" } }).done).code, 0)
    for (const args of [["status"], ["-s", "stop"]]) {
      const { code, stderr } = await lab.anklet(...args)
      assert.strictEqual(code, 0, stderr)
    }
  })

  it("a job that no Mac can run is told with its address, and a Mac without notify tells nobody", async () => {
    const hook = await receiver()
    const lab = await make()
    undo.push(lab.close)
    appendFileSync(lab.config, `notify:\n  webhook: ${hook.url}\n`)
    const [job] = lab.queue({
      labels: ["anka", `anka-template:${OTHER}`, "anka-template-tag:v9"],
      name: "<!channel>"
    }).jobs
    assert.strictEqual((await lab.anklet()).code, 0)
    await until("it is told", () => hook.messages.length === 1, 60_000)
    assert.deepInclude(hook.messages[0], { event: "job-cannot-run", state: "began", subject: "<!channel>" })
    assert.match(String(hook.messages[0]?.text), /&lt;!channel&gt;.*v9.* http/)
    assert.include(String(hook.messages[0]?.url), String(job?.id))
    assert.strictEqual((await lab.anklet("-s", "stop")).code, 0)
  })

  for (const [what, lines, words] of [
    ["without a receiver", "notify:\n  waiting: 5\n", /notify: expected `webhook`, `command` or both/],
    [
      "with an address that is none",
      `notify:\n  webhook: hooks.example.com/${SECRET}\n`,
      /notify\.webhook: expected an address/
    ],
    ["with a mistyped key", "notify:\n  webhok: x\n  command: /bin/true\n", /notify\.webhok: .*did you mean `webhook`/]
  ] as const) {
    it(`a config ${what} is refused`, async () => {
      const lab = await make()
      undo.push(lab.close)
      appendFileSync(lab.config, lines)
      const { code, stderr } = await lab.anklet("config", "check")
      assert.strictEqual(code, 3, stderr)
      assert.match(stderr, words)
      assert.notInclude(stderr, SECRET)
    })
  }
})
