import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import type { ServerResponse } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { FileSystem } from "@effect/platform/FileSystem"
import type { Path } from "@effect/platform/Path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { afterAll, afterEach, assert, beforeAll, beforeEach, describe, it } from "vitest"
import { Installed } from "../../src/cli/update/Installed.ts"
import { offered } from "../../src/cli/update/offered.ts"
import { run } from "../../src/cli/update/run.ts"
import * as Config from "../../src/config/Config.ts"
import { exitCodeOf } from "../../src/process/ExitCode.ts"
import { Exec } from "../../src/services/Exec.ts"
import { Network, settle } from "../../src/services/Network.ts"
import { keyPair } from "../release/keys.ts"
import { type Offers, start } from "../release/offers.ts"
import { type Certificates, certificates } from "../store/server.ts"
import * as Lab from "../whole/lab.ts"

const programOf = (version: string) => `#!/bin/sh\necho 'anklet ${version} (abc1234)'\n`
const OLD = programOf("3.0.0")
const NAME = "anklet-3.1.0-linux-x64"

let authority: string
let tls: Certificates
beforeAll(() => {
  authority = mkdtempSync(join(tmpdir(), "anklet-authority-"))
  tls = certificates(authority)
})
afterAll(() => rmSync(authority, { recursive: true, force: true }))

let folder: string
let program: string
let server: Offers
let url: string

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "anklet-update-"))
  mkdirSync(join(folder, "bin"))
  program = join(folder, "bin", "anklet")
  writeFileSync(program, OLD)
  chmodSync(program, 0o755)
  server = await start(tls)
  url = server.url
  server.offer({ [NAME]: programOf("3.1.0") })
  writeFileSync(join(folder, "config.yml"), configText())
})
afterEach(async () => {
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

const configText = () =>
  [
    `work_dir: ${folder}`,
    `pid_file_dir: ${join(folder, "run")}`,
    `state_dir: ${join(folder, "state")}`,
    "proxy: none",
    `ca: ${tls.ca}`,
    `update:\n  url: ${url}`,
    "services:\n  - name: A\n    plugin: github\n    token: github_pat_CANARYf00d\n"
  ].join("\n")

interface Asked {
  readonly check?: boolean
  readonly from?: string
  readonly at?: string | undefined
  /** What the restart of a daemon ends with, one after the other. */
  readonly restarts?: Array<number>
  /** Done while a daemon is restarted. */
  readonly during?: () => Promise<void>
}

/** Runs something as the program at this place, of version 3.0.0 for Linux, does. */
const asInstalled = <A, E>(at: string | undefined, effect: Effect.Effect<A, E, Exec | FileSystem | Path>) =>
  effect.pipe(
    Effect.provideService(Installed, {
      program: at,
      version: "3.0.0",
      target: "linux-x64",
      releases: undefined,
      keys: server.keys.pem
    }),
    Effect.provide(
      Exec.layer.pipe(
        Layer.provideMerge(Layer.mergeAll(NodeFileSystem.layer, NodePath.layer)),
        Layer.provideMerge(Layer.setConfigProvider(ConfigProvider.fromMap(new Map([["HOME", folder]]))))
      )
    ),
    Effect.runPromise
  )

/** Runs the command; gives its exit code and its complaint. */
const update = ({ check = false, from, at = program, restarts = [], during = async () => {} }: Asked = {}) =>
  asInstalled(
    at,
    run({ config: Option.some(join(folder, "config.yml")), check, from: Option.fromNullable(from), json: false }, () =>
      Effect.map(Effect.promise(during), () => restarts.shift() ?? 0)
    ).pipe(
      Effect.either,
      Effect.map(
        Either.match({
          onLeft: (error) => ({ code: exitCodeOf(error) as number, said: error.message }),
          onRight: (code) => ({ code: code as number, said: "" })
        })
      )
    )
  )

/** What the doctor is told of releases. */
const offeredTo = (at: string | undefined) =>
  asInstalled(
    at,
    Effect.gen(function* () {
      const { daemon } = yield* Config.readDaemon(join(folder, "config.yml"))
      return yield* Effect.provideService(offered(Option.some(daemon)), Network, yield* settle(daemon.network))
    })
  )

/** Puts the program at another place. */
const put = (path: string) => {
  const file = join(folder, path)
  mkdirSync(join(file, ".."), { recursive: true })
  writeFileSync(file, OLD)
  return file
}

const installed = () => readFileSync(program, "utf8")
const inBin = () => readdirSync(join(folder, "bin")).sort()

/** Nothing was installed, and nothing was left; the complaint matches. */
const refused = async (words: RegExp, given: Asked = {}) => {
  const { code, said } = await update(given)
  assert.match(said, words)
  assert.strictEqual(code, 17)
  assert.strictEqual(installed(), OLD)
  assert.deepStrictEqual(inBin(), ["anklet"])
}

describe("anklet update", () => {
  it("installs the newest release in the place of the program, with its permissions", async () => {
    chmodSync(program, 0o750)
    server.offer({ [NAME]: programOf("3.1.0"), "anklet-3.0.9-linux-x64": programOf("3.0.9"), "install.sh": "" })
    assert.deepStrictEqual(await update(), { code: 0, said: "" })
    assert.strictEqual(installed(), programOf("3.1.0"))
    assert.strictEqual(statSync(program).mode & 0o777, 0o750)
    assert.deepStrictEqual(inBin(), ["anklet"])
  })

  it("sends no secret", async () => {
    await update()
    assert.isAbove(server.asked.length, 2)
    assert.notInclude(JSON.stringify(server.asked), "CANARY")
    for (const { headers } of server.asked) assert.notProperty(headers, "authorization")
  })

  it("replaces what a link leads to, and leaves the link", async () => {
    const link = join(folder, "link")
    symlinkSync(program, link)
    assert.strictEqual((await update({ at: link })).code, 0)
    assert.strictEqual(installed(), programOf("3.1.0"))
  })

  it("--check only says whether there is a newer one", async () => {
    assert.strictEqual((await update({ check: true })).code, 16)
    server.offer({ "anklet-3.0.0-linux-x64": OLD })
    assert.strictEqual((await update({ check: true })).code, 0)
    assert.strictEqual(installed(), OLD)
    assert.notInclude(
      server.asked.map(({ path }) => path),
      `/${NAME}`
    )
  })

  it("installs nothing that is not newer", async () => {
    for (const version of ["3.0.0", "2.9.9", "3.0.0-rc.1"]) {
      server.offer({ [`anklet-${version}-linux-x64`]: programOf(version) })
      assert.deepStrictEqual(await update(), { code: 0, said: "" })
      assert.strictEqual(installed(), OLD, version)
    }
  })

  it("removes what an update left that was killed", async () => {
    writeFileSync(join(folder, "bin", ".anklet.update-2147483646"), "half")
    writeFileSync(`${program}.previous`, "older")
    assert.strictEqual((await update()).code, 0)
    assert.deepStrictEqual(inBin(), ["anklet"])
  })
})

describe("anklet update refuses", () => {
  it("a list that is not signed, or with another key", async () => {
    server.offer({ [NAME]: programOf("3.1.0") }, keyPair())
    await refused(/is not signed with a key of Anklet's: nothing is installed/)
    server.files.delete("/SHA256SUMS.sig")
    await refused(/SHA256SUMS\.sig cannot be downloaded: .* answers 404/)
  })

  it("a program with another checksum, or another version", async () => {
    server.files.set(`/${NAME}`, programOf("6.6.6"))
    await refused(/has the SHA-256 [0-9a-f]{64}, not [0-9a-f]{64}: it is not installed/)
    server.offer({ [NAME]: programOf("6.6.6") })
    await refused(/calls itself "anklet 6\.6\.6 \(abc1234\)": it is not installed/)
  })

  it("a program that does not start, and a release without one for this machine", async () => {
    server.offer({ [NAME]: "#!/bin/sh\nexit 3\n" })
    await refused(/does not start here: it exits with 3/)
    server.offer({ "anklet-3.1.0-macos-arm64": programOf("3.1.0") })
    await refused(/there is no anklet for linux-x64 at https:/)
  })

  it("a web page, with or without its type", async () => {
    server.files.set("/SHA256SUMS", "<html>sign in</html>")
    await refused(/is no list of checksums: nothing is installed/)
    server.files.set("/SHA256SUMS", (response) => void response.setHeader("content-type", "text/html").end("<html>"))
    await refused(/it is a web page/)
  })

  it("a redirection to http, and one without an end", async () => {
    const to = (location: string) => (response: ServerResponse) => void response.writeHead(302, { location }).end()
    server.files.set("/SHA256SUMS", to("http://127.0.0.1:1/SHA256SUMS"))
    await refused(/it leads to http:\/\/127\.0\.0\.1:1, which does not begin with https:\/\//)
    server.files.set("/SHA256SUMS", to("/SHA256SUMS"))
    await refused(/leads on more than 5 times/)
  })

  it("a download that is cut off, and a list that is too big", async () => {
    server.files.set(`/${NAME}`, (response) => {
      response.writeHead(200, { "content-length": 1000 }).write("half")
      setImmediate(() => response.destroy())
    })
    await refused(/broke the connection off/)
    server.files.set("/SHA256SUMS", "0".repeat(70_000))
    await refused(/it has more than 65536 bytes/)
  })

  it("while another one is at work, from its first question on", async () => {
    const list = server.files.get("/SHA256SUMS")
    let second = { code: 0, said: "" }
    server.files.set("/SHA256SUMS", async (response) => {
      second = await update()
      response.end(list)
    })
    assert.deepStrictEqual(await update(), { code: 0, said: "" })
    assert.match(second.said, /^another update is at work \(pid \d+\): wait until it has ended$/)
    assert.strictEqual(second.code, 17)
    assert.deepStrictEqual(inBin(), ["anklet"])
  })

  it("where something else keeps the program up to date", async () => {
    await refused(/Homebrew installed this anklet: `brew upgrade anklet`/, {
      at: put("Cellar/anklet/3.0.0/bin/anklet")
    })
    await refused(/npm installed this anklet/, { at: put("node_modules/anklet/bin/anklet") })
    assert.deepStrictEqual(server.asked, [])
  })

  it("a server that is not there, and an address without https", async () => {
    await refused(/refuses connections/, { from: "https://127.0.0.1:1" })
    assert.deepStrictEqual(await update({ from: "http://127.0.0.1/x" }), {
      code: 2,
      said: "--from: expected an address that begins with https://"
    })
  })
})

describe("what the doctor is told of releases", () => {
  it("is the newest one, and the command that installs it here", async () => {
    const told = { installed: "3.0.0", newest: "3.1.0", isNewer: true }
    assert.deepStrictEqual(await offeredTo(program), { ...told, remedy: "`anklet update`" })
    assert.match((await offeredTo(put("Cellar/anklet/3.0.0/bin/anklet"))).remedy, /`brew upgrade anklet`/)
    assert.match((await offeredTo(put("node_modules/anklet/bin/anklet"))).remedy, /`npm update -g anklet`/)
    assert.match((await offeredTo(undefined)).remedy, /update it there/)
  })

  it("is only what is signed", async () => {
    server.offer({ [NAME]: programOf("3.1.0") }, keyPair())
    const told = await offeredTo(program).then(
      () => "an offer",
      ({ message }) => message
    )
    assert.match(told, /is not signed/)
  })
})

describe("anklet update with a daemon", () => {
  it("hands over to the new program, and keeps the older one until that is up", async () => {
    const lab = await Lab.make()
    try {
      assert.strictEqual((await lab.anklet()).code, 0)
      const text = readFileSync(lab.config, "utf8")
      writeFileSync(join(folder, "config.yml"), `proxy: none\nca: ${tls.ca}\nupdate:\n  url: ${url}\n${text}`, {
        mode: 0o600
      })
      const { code, said } = await update({ restarts: [9, 0] })
      assert.match(said, /anklet 3\.1\.0 does not come up: its start ended with 9; anklet 3\.0\.0 is back, and runs/)
      assert.strictEqual(code, 17)
      assert.strictEqual(installed(), OLD)
      let second = { code: 0, said: "" }
      const during = async () => {
        second = await update()
      }
      assert.deepStrictEqual(await update({ restarts: [0], during }), { code: 0, said: "" })
      assert.strictEqual(second.said, `another update is at work (pid ${process.pid}): wait until it has ended`)
      assert.strictEqual(second.code, 17)
      assert.strictEqual(installed(), programOf("3.1.0"))
      assert.isFalse(existsSync(`${program}.previous`))
    } finally {
      await lab.close()
    }
  })
})

describe("the program that Node runs", () => {
  it("does not replace itself", async () => {
    // the one file of a release has nothing to replace itself with where there is no release
    const words = process.env.ANKLET_BIN === undefined ? "this anklet is run by Node" : "no address of releases"
    const lab = await Lab.make()
    try {
      const { code, stderr } = await lab.anklet("update")
      assert.include(stderr, words)
      assert.strictEqual(code, 17)
    } finally {
      await lab.close()
    }
  })
})
