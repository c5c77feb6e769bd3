/** Which modules of dist/ are loaded, as Node reports them: a person waits for each, and a daemon keeps each in memory. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join, resolve } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { type Lab, make, until } from "../whole/lab.ts"

const DIST = resolve("dist")

let lab: Lab
let loaded: string
let env: Record<string, string>

beforeEach(async () => {
  lab = await make()
  lab.world.repositories.add("veertuinc/anklet")
  loaded = join(lab.folder, "loaded")
  const hooks = join(lab.folder, "hooks.mjs")
  const hear = `import { appendFileSync } from "node:fs"
export const load = (url, context, next) => { appendFileSync(${JSON.stringify(loaded)}, url + "\\n"); return next(url, context) }`
  writeFileSync(
    hooks,
    `import { register } from "node:module"\nregister(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hear)}`)})\n`
  )
  env = { NODE_OPTIONS: `--import=${hooks}` }
})

afterEach(() => lab.close())

/** The modules that contain a text. */
const holding = (text: string): ReadonlyArray<string> => {
  const names = readdirSync(DIST).filter(
    (name) => name.endsWith(".js") && readFileSync(join(DIST, name), "utf8").includes(text)
  )
  assert.strictEqual(names.length, 1, text)
  return names
}

/** The modules that are loaded by the time it ends. */
const during = async (run: () => Promise<unknown>): Promise<ReadonlyArray<string>> => {
  writeFileSync(loaded, "")
  await run()
  const names = readFileSync(loaded, "utf8")
    .split("\n")
    .map((url) => url.slice(url.lastIndexOf("/") + 1))
  assert.include(names, "main.js")
  return names
}

describe("dist/", () => {
  it("loads what a command does with the command: help and a mistake need none of it", async () => {
    const doing = holding("and the daemon that replaces it takes them over")
    for (const args of [["--help"], ["doctor", "--help"], ["--hlep"]]) {
      assert.notIncludeMembers([...(await during(() => lab.run(args, { env }).done))], [...doing], args.join(" "))
    }
    const signal = () => lab.run(["-c", lab.config, "-s", "stop"], { env }).done
    assert.includeMembers([...(await during(signal))], [...doing])
  })

  it("loads what sends traces only with an endpoint to send them to", async () => {
    const sender = holding("effect-opentelemetry-")
    const collector = createServer((request, response) => request.resume().on("end", () => response.end("{}")))
    await new Promise<void>((listening) => collector.listen(0, "127.0.0.1", listening))
    const url = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
    const oneJob = (more: Record<string, string>) => async () => {
      const [job] = lab.queue({ steps: ["true"] }).jobs
      const ran = await lab.run(["-c", lab.config], { env: { ...env, ...more } }).done
      assert.strictEqual(ran.code, 0, ran.stderr)
      await until("the job has ended", () => job !== undefined && lab.world.job(job.id).status === "completed")
      assert.strictEqual((await lab.anklet("-s", "drain")).code, 0)
    }
    try {
      assert.notIncludeMembers([...(await during(oneJob({})))], [...sender])
      assert.includeMembers([...(await during(oneJob({ OTEL_EXPORTER_OTLP_ENDPOINT: url })))], [...sender])
    } finally {
      collector.close()
      collector.closeAllConnections()
    }
  })

  it("loads what reaches a proxy only with a proxy, and what reads its address only where one is named", async () => {
    const tunnel = holding("answers CONNECT")
    const reader = holding("SOCKS proxies are not supported")
    const once = (more: Record<string, string>) => () =>
      lab.run(["-c", lab.config, "--attach", "--once"], { env: { ...env, ...more } }).done
    const without = [...(await during(once({ NO_PROXY: "example.com" })))]
    assert.notIncludeMembers(without, [...tunnel, ...reader])
    // GitHub is on this host, and is reached directly
    const unused = [...(await during(once({ HTTP_PROXY: "http://127.0.0.1:1" })))]
    assert.includeMembers(unused, [...reader])
    assert.notIncludeMembers(unused, [...tunnel])
  })
})
