/**
 * The secrets of a host at work with a GitHub, a store and guests that echo them: nothing that it writes, reports or
 * passes on contains them.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { get } from "node:http"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { afterEach, assert, describe, it } from "vitest"
import { jitConfig } from "../../src/simulator/github/bodies.ts"
import { ECHOES, leak } from "../fuzz/canary.ts"
import { type RedisServer, start as startRedis } from "../store/server.ts"
import { type Lab, make, until } from "./lab.ts"

const TOKEN = "github_pat_11CANARYq8w7e6r5t4z3u2i1o0p9a8s7d6f5g4h3j2k1"
const PASSWORD = "st0re/canary?w=th&all#of+it"
const HEADER = "otlp-canary-5e1f77aa0b"
const OTHER = "ghp_0f0therTh1ngsInTheShell0000000000000"
const FIXED = { token: TOKEN, password: PASSWORD, header: HEADER, shell: OTHER }

let lab: Lab
let redis: RedisServer

afterEach(async () => {
  await lab?.anklet("-s", "stop")
  await lab.close()
  await redis.close()
})

/** Files of the host that may contain a secret: what the user wrote, and what is inside VMs. */
const MAY = /\.yml$|\/guest\//

const filesIn = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? filesIn(path) : entry.isFile() && !MAY.test(path) ? [path] : []
  })

const readText = (path: string): string => {
  try {
    return readFileSync(path, "latin1")
  } catch {
    return ""
  }
}

/** Processes of the lab, with their command lines and environments. */
const processes = () =>
  readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map((pid) => ({
      pid: Number(pid),
      argv: readText(`/proc/${pid}/cmdline`).split("\0"),
      environ: readText(`/proc/${pid}/environ`)
    }))
    .filter(({ environ }) => environ.includes(lab.folder))

/** The user's scripts, which print everything they can. */
const talkative = (echo: string) => {
  const folder = join(lab.home, ".config", "anklet", "plugins", "github")
  mkdirSync(folder, { recursive: true })
  for (const name of ["install-runner.bash", "register-runner.bash", "start-runner.bash"]) {
    const script = readFileSync(`src/plugins/github/${name}`, "utf8")
    writeFileSync(join(folder, name), script.replace("set -euo pipefail", `set -euo pipefail\nset -x; exec 2>&1; env`))
  }
  const register = join(folder, "register-runner.bash")
  writeFileSync(register, readFileSync(register, "utf8").replace(/^printf/m, `${echo}\nprintf`))
}

const begin = async (level: string, echo: string) => {
  redis = await startRedis({ password: PASSWORD })
  lab = await make({
    services: 2,
    service: `database:\n  enabled: true\n  port: ${redis.port}\n  password: \${CANARY_PASSWORD}`,
    env: {
      LOG_LEVEL: level,
      CANARY_TOKEN: TOKEN,
      CANARY_PASSWORD: PASSWORD,
      ANKA_CANARY: TOKEN,
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9",
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${HEADER}`,
      GH_TOKEN: OTHER
    }
  })
  writeFileSync(lab.config, readFileSync(lab.config, "utf8").replace(/token: .*/g, "token: ${CANARY_TOKEN}"))
  talkative(echo)
}

/** Everything that the host can be asked, and everything that it wrote. */
const surfaces = async (job: number): Promise<ReadonlyArray<readonly [name: string, text: string]>> => {
  const asked: Array<readonly [string, string]> = []
  for (const words of [
    ["status"],
    ["status", "--json"],
    ["status", "--fleet", "--json"],
    ["why", `${job}`],
    ["why", "--json", `${job}`],
    ["doctor"],
    ["doctor", "--json"],
    ["config", "show", "--json"],
    ["config", "check"],
    ["logs", "-n", "5000"]
  ]) {
    const { stdout, stderr } = await lab.anklet(...words)
    asked.push([words.join(" "), stdout + stderr])
  }
  const page = lab.run(["-c", lab.config, "ui"])
  await until("the page is served", () => page.out().includes("\n  open"))
  const address = new URL(page.out().split("\n")[0] ?? "")
  for (const path of ["now", `why?job=${job}`]) {
    const headers = { authorization: `Bearer ${address.hash.slice(1)}` }
    const body = await new Promise<string>((resolve, reject) => {
      get(`${address.origin}/${path}`, { headers }, (answer) => resolve(text(answer))).on("error", reject)
    })
    asked.push([`the page's /${path}`, body])
  }
  page.child.kill("SIGINT")
  await page.done
  const store = await redis.ask(async (client) => {
    const keys = await client.keys("*")
    const all = await Promise.all(
      keys.map(async (key) => {
        const type = await client.type(key)
        return type === "hash"
          ? client.hgetall(key)
          : type === "zset"
            ? client.zrange(key, 0, -1)
            : type === "set"
              ? client.smembers(key)
              : client.get(key)
      })
    )
    const values = JSON.stringify([keys, all])
    // reasons are stored in base64 there
    const plain = values.replace(/[\w-]{24,}/g, (it) => Buffer.from(it, "base64url").toString())
    return `${values} ${plain}`
  })
  return [
    ...asked,
    ["the store", store],
    ...filesIn(lab.folder).map((path) => [path.slice(lab.folder.length), readText(path)] as const)
  ]
}

const clean = (all: ReadonlyArray<readonly [string, string]>, secrets: Readonly<Record<string, string>>) => {
  // a command asks GitHub by itself, and does not know what the daemon received
  for (const [where, text] of all)
    for (const [what, secret] of Object.entries(where.startsWith("doctor") ? FIXED : secrets)) {
      const found = leak(text, secret)
      assert.isUndefined(found, `${what} in ${where}: ${found}`)
    }
}

const WAITS = "while [ ! -e ../../go ]; do sleep 0.05; done"

describe("no secret of a host", () => {
  for (const [n, level] of ["DEBUG", "INFO", "ERROR", "dev"].entries()) {
    it(`is in what it writes, tells or passes on, at ${level}`, { timeout: 480_000 }, async () => {
      await begin(
        level,
        [
          'echo "$config"',
          'base64 <<<"$config"; echo "$config" | fold -w 40',
          'echo "$config" | base64 -d; printf %q "$config"',
          'echo "$config" | od -A n -t x1 -v; echo "${config:100}"'
        ][n] ?? ""
      )
      const begun = await lab.anklet()
      assert.strictEqual(begun.code, 0, begun.stderr)
      const { jobs } = lab.queue({ steps: ["env >environment", WAITS] })
      const job = jobs[0]
      await until("the job runs", () => job?.status === "in_progress")
      const [runner] = lab.world.runners.values()
      if (runner === undefined) return assert.fail("no runner")
      const jit = jitConfig(`${lab.github.url}/_services/pipelines`, runner)

      const secrets = { ...FIXED, "runner's key": runner.secret, "runner's configuration": jit }
      const daemon = lab.pid()
      const others = () =>
        processes().filter(({ pid, argv }) => pid !== daemon && pid !== process.pid && argv.length > 1)
      const runs = (word: string) => others().some(({ argv }) => argv.some((it) => it.includes(word)))
      await until("anka waits for the runner", () => runs("cat runner.exit") && runs("runner.pid.new"))
      for (const { argv, environ } of others()) {
        const what = argv.join(" ")
        clean([[`arguments of ${what}`, what]], secrets)
        // GitHub's runner reads it only from its environment
        const isRunner = argv.includes("simulate") && argv.includes("runner")
        clean([[`environment of ${what}`, environ]], isRunner ? FIXED : secrets)
      }
      const guests = join(lab.host, "vms")
      const [vm = ""] = readdirSync(guests)
      const seen = readText(join(guests, vm, "guest", "actions-runner", "_work", "anklet", "environment"))
      assert.include(seen, "GITHUB_ACTIONS")
      clean([["a step's environment", seen]], secrets)
      assert.isFalse(existsSync(join(guests, vm, "guest", "actions-runner", ".jitconfig")))

      const { plain, git, base64, url, hex, json, halves } = ECHOES
      for (const [status, ...echoes] of [
        [422, plain, git, halves],
        [500, url, hex],
        [403, json, base64]
      ] as const) {
        const said = [TOKEN, PASSWORD, runner.secret].map((secret) => echoes.map((echo) => echo?.(secret)).join(" "))
        lab.github.faults.length = 0
        lab.github.faults.push({
          path: "/actions/runs",
          times: 1000,
          answer: {
            status,
            headers: { "x-accepted-github-permissions": encodeURI(TOKEN) },
            body: JSON.stringify({ message: `echo ${said.join(" ")}`, errors: [{ message: said[0] }] })
          }
        })
        const before = lab.github.log.length
        await until("GitHub has said it", () => lab.github.log.slice(before).some(({ status: is }) => is === status))
      }
      await until("the daemon tells it", async () =>
        (await lab.anklet("status", "--json")).stdout.includes("says: echo")
      )
      const told = await surfaces(job?.id ?? 0)
      clean(told, secrets)
      lab.github.faults.length = 0
      lab.letGo()
      await until("the job is over", () => job?.status === "completed")
      clean(await surfaces(job?.id ?? 0), secrets)
      assert.strictEqual((await lab.anklet("-s", "drain")).code, 0)
      clean([["the log", readText(lab.logFile)]], secrets)
    })
  }
})
