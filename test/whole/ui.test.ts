import { type ChildProcess, spawn } from "node:child_process"
import { readFileSync, statSync } from "node:fs"
import { request } from "node:http"
import { connect } from "node:net"
import { networkInterfaces } from "node:os"
import { join } from "node:path"
import type { Browser, Page } from "playwright-core"
import { afterAll, afterEach, assert, beforeAll, describe, it } from "vitest"
import { STAGES } from "../../src/domain/Stage.ts"
import { alter } from "../../src/simulator/anka/host.ts"
import * as store from "../store/server.ts"
import { start } from "./browser.ts"
import * as fleets from "./fleet.ts"
import { type Lab, make, OTHER, TEMPLATE, TOKEN, until } from "./lab.ts"
import { faint, shift, watchShift } from "./page.ts"
import { PROGRAM } from "./program.ts"

const WAITS = ["while [ ! -e ../../go ]; do sleep 0.05; done"]
const HOSTILE = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>"'&amp;`

/** Number of GiB of the template's 20 that are here. */
const half = (host: { free: number }) => {
  host.free -= 10 * 2 ** 30
}
const FAST = { clone: 50, start: 50, boot: 300, ip: 200, pull: 500, delete: 20, stop: 200 }

const children = new Set<ChildProcess>()

/** Starts `anklet ui`; returns when it has printed its address. */
const ui = async (config: string, env: Record<string, string>, ...args: ReadonlyArray<string>) => {
  const child = spawn(PROGRAM[0], [...PROGRAM.slice(1), "-c", config, "ui", ...args], {
    env,
    stdio: ["ignore", "pipe", "pipe"]
  })
  children.add(child)
  let out = ""
  let err = ""
  child.stdout.on("data", (chunk) => {
    out += chunk
  })
  child.stderr.on("data", (chunk) => {
    err += chunk
  })
  const ended = new Promise<number>((resolve) => child.on("close", (code) => resolve(code ?? -1)))
  await until("the address is printed", () => out.includes("\n") || child.exitCode !== null)
  const address = new URL(out.split("\n")[0] ?? "")
  return {
    address: address.href,
    key: address.hash.slice(1),
    port: Number(address.port),
    err: () => err,
    end: async (signal: NodeJS.Signals = "SIGINT") => {
      child.kill(signal)
      const code = await ended
      children.delete(child)
      return code
    }
  }
}
type Ui = Awaited<ReturnType<typeof ui>>

let browser: Browser
/** Everything that was sent to the browser. */
let received = ""

/** A new tab without a history. */
const open = async (address: string, options: Parameters<Browser["newContext"]>[0] = {}): Promise<Page> => {
  const page = await (await browser.newContext(options)).newPage()
  // a slow machine only needs more time
  page.setDefaultTimeout(120_000)
  page.on("response", async (response) => {
    // a closed tab gets no more answers
    received += await Promise.all([response.allHeaders(), response.text()]).then(JSON.stringify, () => "")
  })
  await page.goto(address)
  return page
}

const line = async (page: Page) => (await page.getByRole("status").textContent()) ?? ""
const isLive = (page: Page) => until("the page is live", async () => (await line(page)) === "live")
beforeAll(async () => {
  browser = await start()
})
afterAll(async () => {
  for (const child of children) child.kill("SIGKILL")
  await browser?.close()
})

describe("the page of anklet ui", () => {
  let lab: Lab
  let served: Ui
  let page: Page

  beforeAll(async () => {
    lab = await make({ services: 2, host: { host: { takes: FAST } } })
    assert.strictEqual((await lab.anklet()).code, 0)
    served = await ui(lab.config, lab.env)
    page = await open(served.address)
    await isLive(page)
  })
  afterAll(() => lab?.close())
  afterEach(() => page.emulateMedia({ colorScheme: "light" }))

  it("shows what each service does, the VM's slot and the stage clock of a job, and follows the job to its end; a hostile name stays text", async () => {
    await page.locator("html").evaluate(watchShift)
    lab.queue({ name: HOSTILE, steps: WAITS })
    await page
      .getByText(/running for \d+ s/)
      .first()
      .waitFor()
    const works = page
      .getByRole("listitem")
      .filter({ hasText: /running for/ })
      .first()
    assert.include(await works.textContent(), HOSTILE)
    assert.match((await works.textContent()) ?? "", /seen \d+ s, claimed \d+ s, pulled .* started \d+ s, now \d+ s/)
    assert.match((await works.textContent()) ?? "", new RegExp(`${TEMPLATE}:v1`))
    assert.strictEqual(await works.locator(".bar .prepares").count(), 5)
    const taken = page.getByRole("region", { name: "VM slots" }).getByRole("row", { name: /anklet-vm-.*\(running\)/ })
    assert.include(await taken.textContent(), HOSTILE)
    lab.letGo()
    const ended = page.getByRole("region", { name: "Recent jobs" }).getByRole("row", { name: "success" })
    await ended.waitFor()
    assert.include(await ended.textContent(), HOSTILE)
    const story = page.getByRole("region", { name: "Recent jobs" }).getByRole("group").first()
    await story.locator("summary").click()
    const before = await page.getByText(/up for/).textContent()
    await until("the page is drawn again", async () => (await page.getByText(/up for/).textContent()) !== before)
    const told = await story.getByRole("listitem").allTextContents()
    for (const fact of [/^claimed \d+ s$/, /^done \d+ s$/, /^VM anklet-vm-/, /^runner anklet-job-/, /:v1$/])
      assert.isTrue(
        told.some((line) => fact.test(line)),
        `${fact} in ${told}`
      )
    assert.isTrue(await story.getByRole("listitem").first().isVisible(), "it stays unfolded")
    const figures = page.getByRole("region", { name: "Statistics" }).getByRole("row").nth(1)
    await figures.waitFor()
    assert.match((await figures.textContent()) ?? "", new RegExp(`^${TEMPLATE}:v110\\d+ s / \\d+ s`))
    await page.getByText("no job failed").waitFor()
    await page.getByText("accepting jobs", { exact: true }).first().waitFor()
    await page
      .getByText(/^no job waits for this host; next poll in/)
      .nth(1)
      .waitFor()
    assert.strictEqual(await page.locator("img, main script").count(), 0)
    assert.notInclude(await page.title(), "owned")
    assert.isBelow(await page.locator("html").evaluate(shift), 0.1, "what a person reads stays where it is")
  })

  it("keeps the focus where it is while all goes on, and says in answer to the keyboard why a job waits", async () => {
    await page.getByLabel("Why does a job wait?").focus()
    await page.keyboard.type("1")
    await page.keyboard.press("Enter")
    await page.getByText("GitHub knows no job 1 in veertuinc/anklet").first().waitFor()
    await page.getByText(/^what to do: /).waitFor()
    const link = page.getByRole("link").first()
    await link.focus()
    const before = await page.getByText(/up for/).textContent()
    await until("time goes on", async () => (await page.getByText(/up for/).textContent()) !== before)
    assert.isTrue(await link.evaluate((it) => it.ownerDocument.activeElement === it))
  })

  it("shows the queue with what is in its way, and that the host is paused", async () => {
    assert.strictEqual((await lab.anklet("drain")).code, 0)
    lab.queue({ name: "waits" })
    await page.getByText(/not accepting jobs: paused by anklet drain, until "anklet -c \S+ resume"/).waitFor()
    await page.getByRole("heading", { name: "Queue: 1 job waits" }).waitFor()
    const waiting = page.getByRole("region", { name: "Waiting jobs" }).getByRole("row").nth(1)
    assert.match((await waiting.textContent()) ?? "", /^waits.*CI.*this host is paused by anklet drain/)
    assert.match((await waiting.getByRole("link").getAttribute("href")) ?? "", /\/actions\/runs\/\d+\/job\/\d+$/)
    await until("the title says so", async () => /^0 running, 1 waiting: Anklet on /.test(await page.title()))
    const row = page.getByRole("region", { name: "Queue", exact: true }).getByRole("row").nth(1)
    const [template, jobs, of, why] = await row.getByRole("cell").or(row.getByRole("rowheader")).allTextContents()
    assert.deepStrictEqual(
      [template, jobs, why],
      [`${TEMPLATE}:v1`, "1", "this host is paused by anklet drain: it accepts no new jobs"]
    )
    assert.match(of ?? "", /^github:.*\/veertuinc\/anklet$/)
    assert.strictEqual((await lab.anklet("resume")).code, 0)
    await page.getByRole("heading", { name: "Queue: 0 jobs wait" }).waitFor()
  })

  it("can be read in light and dark, and in a narrow window", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme })
      assert.deepStrictEqual(await page.locator("body").evaluate(faint), [], colorScheme)
    }
    await page.setViewportSize({ width: 320, height: 640 })
    assert.isAtMost(await page.locator("html").evaluate(({ scrollWidth }) => scrollWidth), 320)
    await page.setViewportSize({ width: 1280, height: 720 })
  })

  it("tells times of the viewer's own clock", async () => {
    const zone = { timezoneId: "Asia/Kathmandu", locale: "de-DE" }
    const there = await open(served.address, zone)
    const time = there.getByRole("region", { name: "Recent jobs" }).getByRole("time").first()
    const at = new Date((await time.getAttribute("datetime")) ?? "")
    const shown = new Intl.DateTimeFormat(zone.locale, { timeStyle: "medium", timeZone: zone.timezoneId }).format(at)
    assert.match((await time.textContent()) ?? "", new RegExp(`${shown}$`))
    await there.context().close()
  })

  it("keeps its key out of the address bar, and works again when it is loaded again", async () => {
    assert.notInclude(page.url(), served.key)
    await page.reload()
    await isLive(page)
  })

  it("says that the daemon does not answer, or is gone, and goes on when it is back", async () => {
    const pid = lab.pid() ?? 0
    process.kill(pid, "SIGSTOP")
    await until("that is said", async () => /^since .*: the daemon does not answer$/.test(await line(page)))
    process.kill(pid, "SIGCONT")
    await isLive(page)
    assert.strictEqual((await lab.anklet("-s", "stop")).code, 0)
    await until("that is said", async () => /^since .*: no daemon is running/.test(await line(page)))
    assert.strictEqual((await lab.anklet()).code, 0)
    await isLive(page)
  })

  it("without its key shows nothing, and says what to do", async () => {
    const stranger = await open(`http://127.0.0.1:${served.port}/`)
    await until("that is said", async () => /: open the one that anklet ui printed/.test(await line(stranger)))
    assert.notInclude((await stranger.textContent("body")) ?? "", "RUNNER1")
    await stranger.context().close()
  })

  it("says that anklet ui has ended, and takes up the address of the next one in the same tab", async () => {
    assert.strictEqual(await served.end("SIGINT"), 0)
    await until("that is said", async () => /: anklet ui has ended: start it again/.test(await line(page)))
    const { port, key } = served
    served = await ui(lab.config, lab.env, "--port", `${port}`)
    assert.notStrictEqual(served.key, key)
    await until("the old key is refused", async () => /: open the one that anklet ui printed/.test(await line(page)))
    await page.goto(served.address)
    await isLive(page)
  })

  it("has told the browser no secret, not even its own key", () => {
    assert.include(received, "RUNNER1")
    assert.notInclude(received, TOKEN)
    assert.notInclude(received, served.key)
  })
})

describe("the server of anklet ui", () => {
  let lab: Lab
  let served: Ui

  beforeAll(async () => {
    lab = await make()
    served = await ui(lab.config, lab.env)
  })
  afterAll(() => lab?.close())

  const ask = (path: string, headers: Record<string, string> = {}, method = "GET") =>
    new Promise<{ readonly status: number; readonly headers: Record<string, unknown>; readonly body: string }>(
      (resolve, reject) => {
        const asked = request(
          { host: "127.0.0.1", port: served.port, path, method, agent: false, headers },
          (response) => {
            let body = ""
            response.on("data", (chunk) => {
              body += chunk
            })
            response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
          }
        )
        asked.on("error", reject)
        asked.end()
      }
    )
  const withKey = (key = served.key) => ({ authorization: `Bearer ${key}` })

  it("starts without a daemon, and says so at the terminal too", async () => {
    await until("that is said", () => served.err() !== "")
    assert.match(
      served.err(),
      /^anklet: no daemon is running.*; start it with ".*"; the page says so until a daemon answers\n$/
    )
    assert.strictEqual((await ask("/now", withKey())).status, 503)
    assert.strictEqual((await lab.anklet()).code, 0)
    assert.strictEqual((await ask("/now", withKey())).status, 200)
  })

  it("tells of the daemon only whoever has the key", async () => {
    const wrong = `${served.key.slice(0, -1)}${served.key.endsWith("A") ? "B" : "A"}`
    for (const headers of [{}, withKey(""), withKey(wrong), { authorization: served.key }, { cookie: served.key }]) {
      for (const path of ["/now", "/stats", "/why?job=1", `/now?key=${served.key}`]) {
        const { status, body } = await ask(path, headers as Record<string, string>)
        assert.strictEqual(status, 403)
        assert.notInclude(body, "RUNNER1")
      }
    }
    assert.include((await ask("/now", withKey())).body, "RUNNER1")
    assert.include((await ask("/why?job=1", withKey())).body, "GitHub knows no job 1 in veertuinc/anklet")
  })

  it("answers only to this host's own names, and so to no page from elsewhere whose name leads here", async () => {
    const { port } = served
    for (const host of [
      "evil.example",
      `127.0.0.1.evil.example:${port}`,
      "localhost.evil.example",
      "10.0.0.1",
      "x@127.0.0.1"
    ]) {
      for (const path of ["/", "/page.js", "/now"]) {
        assert.strictEqual((await ask(path, { ...withKey(), host })).status, 403, host)
      }
    }
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, "LOCALHOST:8080", `[::1]:${port}`]) {
      assert.strictEqual((await ask("/now", { ...withKey(), host })).status, 200, host)
    }
  })

  it("changes nothing: no other method is allowed, and no other path is known", async () => {
    for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"]) {
      const { status, headers } = await ask("/now", withKey(), method)
      assert.strictEqual(status, 405, method)
      assert.strictEqual(headers.allow, "GET")
    }
    for (const path of ["/pause", "/status", "/metrics", "/page.html", "/../package.json", "/constructor"]) {
      assert.strictEqual((await ask(path, withKey())).status, 404, path)
    }
    assert.strictEqual((await ask("//", withKey())).status, 400)
    assert.strictEqual((await ask("/now", withKey())).status, 200)
  })

  it("lets the page run its own scripts alone, and nobody frame it, keep it or guess its kind", async () => {
    for (const [path, status] of [
      ["/", 200],
      ["/page.js", 200],
      ["/now", 403],
      ["/none", 404]
    ] as const) {
      const answer = await ask(path)
      assert.strictEqual(answer.status, status)
      const { headers } = answer
      assert.match(
        String(headers["content-security-policy"]),
        /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'/
      )
      assert.match(
        String(headers["content-security-policy"]),
        /frame-ancestors 'none'; require-trusted-types-for 'script'/
      )
      assert.strictEqual(headers["x-content-type-options"], "nosniff")
      assert.strictEqual(headers["cache-control"], "no-store")
      assert.strictEqual(headers["referrer-policy"], "no-referrer")
      assert.strictEqual(headers["cross-origin-resource-policy"], "same-origin")
      assert.isUndefined(headers["access-control-allow-origin"])
      assert.isUndefined(headers["set-cookie"])
    }
  })

  it("listens on 127.0.0.1 alone", async () => {
    const others = Object.values(networkInterfaces()).flatMap((all = []) =>
      all.filter(({ family, internal }) => family === "IPv4" && !internal).map(({ address }) => address)
    )
    const loopback = process.platform === "linux" ? ["127.0.0.2"] : []
    for (const host of [...others, ...loopback, "::1"]) {
      const refused = await new Promise<boolean>((resolve) => {
        const socket = connect({ host, port: served.port })
        socket.once("connect", () => resolve(false))
        socket.once("error", () => resolve(true))
        socket.once("close", () => socket.destroy())
      })
      assert.isTrue(refused, host)
    }
  })

  it("says that a port is taken, or what is wrong with the command line", async () => {
    const taken = await lab.anklet("ui", "--port", `${served.port}`)
    assert.strictEqual(taken.code, 14)
    assert.match(taken.stderr, new RegExp(`^anklet: 127.0.0.1:${served.port}: it is taken by another program`))
    assert.strictEqual(taken.stdout, "")
    const wrong = [["--port", "70000"], ["--port", "-1"], ["--port", "http"], ["--host", "0.0.0.0"], ["page"]]
    await Promise.all(
      wrong.map(async (args) => {
        const { code, stdout, stderr } = await lab.anklet("ui", ...args)
        assert.strictEqual(code, 2, args.join(" "))
        assert.notStrictEqual(stderr, "")
        assert.notInclude(stdout, "http://")
      })
    )
    assert.strictEqual((await lab.run(["-c", join(lab.folder, "none.yml"), "ui"]).done).code, 3)
  })

  it("ends with 0 when it is asked to, also while a page waits for an answer", async () => {
    process.kill(lab.pid() ?? 0, "SIGSTOP")
    const waits = ask("/now", withKey()).catch(({ code }) => code)
    await until("it is asked", () => new Promise((resolve) => setImmediate(() => resolve(true))))
    assert.strictEqual(await served.end("SIGTERM"), 0)
    assert.strictEqual(await waits, "ECONNRESET")
    process.kill(lab.pid() ?? 0, "SIGCONT")
    assert.strictEqual((await lab.anklet("status")).code, 0)
  })
})

describe("the page of a fleet", () => {
  /** The host name in the daemon's answers, as a Mac would have it. */
  const named = (name: string) => ({
    NODE_OPTIONS: `--import=data:text/javascript,import/**/os/**/from'node:os';import{syncBuiltinESMExports}from'node:module';os.hostname=()=>'${name}';syncBuiltinESMExports()`
  })

  it("shows every host that shares the queue, what waits, and a pull with its progress; the screenshot in the docs is made here", async () => {
    const redis = await store.start()
    const fleet = await fleets.make({
      macs: 2,
      database: () => [`port: ${redis.port}`],
      host: { registry: [{ uuid: OTHER, tags: ["v1"] }], host: { takes: { ...FAST, pull: 600_000 } } },
      env: (mac) => named(`mac-${mac + 1}.example`)
    })
    try {
      const [first, second] = fleet.macs as [fleets.Mac, fleets.Mac]
      const queue = (
        ...jobs: ReadonlyArray<{
          readonly name: string
          readonly steps: ReadonlyArray<string>
          readonly template?: string
        }>
      ) =>
        fleet.github.world.queue({
          owner: "veertuinc",
          repo: "anklet",
          jobs: jobs.map(({ name, steps, template = TEMPLATE }, n) => ({
            name,
            steps,
            labels: [`anka-template:${template}`, "anka-template-tag:v1", `unique-id:${n}`, "run-id:{run_id}"]
          }))
        }).jobs
      await first.start()
      const served = await ui(first.config, first.env)
      const page = await open(served.address, { viewport: { width: 1000, height: 800 } })
      const early = queue({ name: "lint", steps: ["sleep 1"] }, { name: "unit tests", steps: ["sleep 2; exit 1"] })
      await until("they have ended", () => early.every(({ status }) => status === "completed"))
      queue({ name: "release build", steps: WAITS, template: OTHER })
      const pull = page.getByRole("progressbar", { name: `pull of ${OTHER}:v1` })
      await pull.waitFor()
      alter(join(first.home, "host"), half)
      await page.getByText(`pulling ${OTHER}:v1 50 %, for`).waitFor()
      assert.strictEqual(await pull.getAttribute("value"), "0.5")
      queue({ name: "integration tests (macos-26)", steps: WAITS })
      await page
        .getByText(/running for/)
        .first()
        .waitFor()
      await second.start()
      queue(...["a", "b", "c", "d", "e"].map((name) => ({ name: `shard ${name}`, steps: WAITS })))
      await page.getByRole("heading", { name: /^Queue: 3 jobs wait/ }).waitFor()
      const hosts = page.getByRole("region", { name: /^Hosts of github:/ }).getByRole("row")
      await hosts.nth(2).waitFor()
      await hosts.filter({ hasText: /2 of 2.*RUNNER1 shard . running.*RUNNER2 shard . running/ }).waitFor()
      const file = process.env.SCREENSHOT ?? join(fleet.folder, "ui.png")
      await page.screenshot({ path: file, fullPage: true })
      assert.strictEqual(await served.end(), 0)
    } finally {
      // a pull outlives a daemon that is killed
      await Promise.all(fleet.macs.map((mac) => mac.anklet("-s", "stop")))
      await fleet.close()
      await redis.close()
    }
  })
})

describe("the page of a Mac", () => {
  /** Widths in pixels: of a desk, and of a phone. */
  const WIDTHS = [1280, 380]

  it("can be read with no job, two that run and fifty that wait, and with a refused token: in light and dark, and on a phone", async () => {
    const lab = await make({ services: 2, host: { host: { takes: FAST } } })
    try {
      assert.strictEqual((await lab.anklet()).code, 0)
      const served = await ui(lab.config, lab.env)
      const page = await open(served.address)
      const legible = async (state: string) => {
        for (const colorScheme of ["light", "dark"] as const) {
          await page.emulateMedia({ colorScheme })
          for (const width of WIDTHS) {
            await page.setViewportSize({ width, height: 800 })
            const where = `${state}, ${colorScheme}, ${width}`
            assert.deepStrictEqual(await page.locator("body").evaluate(faint), [], where)
            const sideways = await page
              .locator("html")
              .evaluate(
                ({ ownerDocument }) =>
                  [ownerDocument.documentElement, ...ownerDocument.querySelectorAll(".wide")].filter(
                    ({ scrollWidth, clientWidth }) => scrollWidth > clientWidth
                  ).length
              )
            if (width < 400) assert.strictEqual(sideways, 0, where)
          }
        }
        await page.setViewportSize({ width: 1280, height: 800 })
      }
      const icon = () => page.locator("#icon").getAttribute("href")
      await isLive(page)
      await page.getByText("accepting jobs", { exact: true }).first().waitFor()
      await until("the queue is seen", async () => /^0 running, 0 waiting: Anklet on /.test(await page.title()))
      const good = await icon()
      await legible("no job")

      const labels = (n: number) => [`anka-template:${TEMPLATE}`, "anka-template-tag:v1", `unique-id:${n}`]
      const queue = (count: number) =>
        lab.queue(...Array.from({ length: count }, (_, n) => ({ name: `leg ${n}`, steps: WAITS, labels: labels(n) })))
      queue(2)
      await until("two run", async () => /^2 running, 0 waiting: Anklet on /.test(await page.title()))
      await legible("two jobs")

      queue(50)
      await until("fifty wait", async () => /^2 running, 50 waiting: Anklet on /.test(await page.title()))
      await page.getByRole("heading", { name: "Queue: 50 jobs wait" }).waitFor()
      const rows = page.getByRole("region", { name: "Waiting jobs" }).getByRole("row")
      assert.strictEqual(await rows.count(), 51)
      assert.match(
        (await rows.nth(1).textContent()) ?? "",
        /(all 2 services have jobs|no free VM slot: 2 of 2 are in use)$/
      )
      await page.getByText(/^accepting jobs, and full: /).waitFor()
      await legible("fifty jobs")
      // what waits comes before what the services do
      const heads = await page.locator("#now h2").allTextContents()
      assert.deepStrictEqual(heads.slice(0, 2), ["Queue: 50 jobs wait", "Services"])

      lab.github.faults.push({ path: /./, times: Number.POSITIVE_INFINITY, answer: { status: 401 } })
      await page
        .getByText(/^not accepting jobs: .*credential/)
        .first()
        .waitFor()
      await until("the title says so", async () => /^not accepting jobs, 2 running/.test(await page.title()))
      assert.notStrictEqual(await icon(), good)
      await legible("a refused token")
      lab.letGo()
      await served.end()
    } finally {
      await lab.close()
    }
  })
})

describe("the docs", () => {
  it("have a picture of the page, of a size that one can load", () => {
    assert.include(readFileSync("docs/ui.md", "utf8"), "](ui.png)")
    assert.isBelow(statSync("docs/ui.png").size, 200_000)
  })
})

describe("the page's script", () => {
  it("knows every stage of a job, in their order", () => {
    const words = readFileSync("src/ui/browser/labels.js", "utf8")
    const known = [...words.matchAll(/^ {2}(\w+): \{ does:/gm)].map(([, stage]) => stage)
    assert.deepStrictEqual(known, [...STAGES])
  })
})
