import { createHash, sign } from "node:crypto"
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
import { createServer, type Server } from "node:https"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { afterAll, afterEach, assert, beforeAll, beforeEach, describe, it } from "vitest"
import { Installed } from "../../src/cli/update/Installed.ts"
import { run } from "../../src/cli/update/run.ts"
import { exitCodeOf } from "../../src/process/ExitCode.ts"
import { Exec } from "../../src/services/Exec.ts"
import { keyPair } from "../release/keys.ts"
import { type Certificates, certificates } from "../store/server.ts"
import * as Lab from "../whole/lab.ts"

const programOf = (version: string) => `#!/bin/sh\necho 'anklet ${version} (abc1234)'\n`
const OLD = programOf("3.0.0")
const NAME = "anklet-3.1.0-linux-x64"
const ours = keyPair()

let authority: string
let tls: Certificates
beforeAll(() => {
  authority = mkdtempSync(join(tmpdir(), "anklet-authority-"))
  tls = certificates(authority)
})
afterAll(() => rmSync(authority, { recursive: true, force: true }))

let folder: string
let program: string
let server: Server
let url: string
/** What the server answers, by path: a file, or an answer of its own. */
let files: Map<string, string | Buffer | ((response: import("node:http").ServerResponse) => void)>
/** Paths that were asked for, and the headers of those requests. */
let asked: Array<{ readonly path: string; readonly headers: import("node:http").IncomingHttpHeaders }>

/** Offers these programs, with checksums signed by a key. */
const offer = (programs: Readonly<Record<string, string>>, key = ours.privateKey) => {
  const sum = (text: string) => createHash("sha256").update(text).digest("hex")
  const list = Object.entries(programs)
    .map(([name, text]) => `${sum(text)}  ${name}\n`)
    .join("")
  files = new Map<string, string | Buffer>([
    ...Object.entries(programs).map(([name, text]) => [`/${name}`, text] as const),
    ["/SHA256SUMS", list],
    ["/SHA256SUMS.sig", sign("sha256", Buffer.from(list), key)]
  ])
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "anklet-update-"))
  mkdirSync(join(folder, "bin"))
  program = join(folder, "bin", "anklet")
  writeFileSync(program, OLD)
  chmodSync(program, 0o755)
  asked = []
  offer({ [NAME]: programOf("3.1.0") })
  server = createServer({ key: readFileSync(tls.key), cert: readFileSync(tls.cert) }, (request, response) => {
    asked.push({ path: request.url ?? "", headers: request.headers })
    const found = files.get(request.url ?? "")
    if (found === undefined) response.writeHead(404).end()
    else if (typeof found === "function") found(response)
    else response.end(found)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  writeFileSync(join(folder, "config.yml"), configText())
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
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
}

/** Runs the command as an installed program of version 3.0.0 for Linux does; gives its exit code and its complaint. */
const update = ({ check = false, from, at = program, restarts = [] }: Asked = {}) =>
  run({ config: Option.some(join(folder, "config.yml")), check, from: Option.fromNullable(from), json: false }, () =>
    Effect.sync(() => restarts.shift() ?? 0)
  ).pipe(
    Effect.provideService(Installed, {
      program: at,
      version: "3.0.0",
      target: "linux-x64",
      releases: undefined,
      keys: ours.pem
    }),
    Effect.either,
    Effect.map(
      Either.match({
        onLeft: (error) => ({ code: exitCodeOf(error) as number, said: error.message }),
        onRight: (code) => ({ code: code as number, said: "" })
      })
    ),
    Effect.provide(
      Exec.layer.pipe(
        Layer.provideMerge(Layer.mergeAll(NodeFileSystem.layer, NodePath.layer)),
        Layer.provideMerge(Layer.setConfigProvider(ConfigProvider.fromMap(new Map([["HOME", folder]]))))
      )
    ),
    Effect.runPromise
  )

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
    offer({ [NAME]: programOf("3.1.0"), "anklet-3.0.9-linux-x64": programOf("3.0.9"), "install.sh": "" })
    assert.deepStrictEqual(await update(), { code: 0, said: "" })
    assert.strictEqual(installed(), programOf("3.1.0"))
    assert.strictEqual(statSync(program).mode & 0o777, 0o750)
    assert.deepStrictEqual(inBin(), ["anklet"])
  })

  it("sends no secret", async () => {
    await update()
    assert.isAbove(asked.length, 2)
    assert.notInclude(JSON.stringify(asked), "CANARY")
    for (const { headers } of asked) assert.notProperty(headers, "authorization")
  })

  it("replaces what a link leads to, and leaves the link", async () => {
    const link = join(folder, "link")
    symlinkSync(program, link)
    assert.strictEqual((await update({ at: link })).code, 0)
    assert.strictEqual(installed(), programOf("3.1.0"))
  })

  it("--check only says whether there is a newer one", async () => {
    assert.strictEqual((await update({ check: true })).code, 16)
    offer({ "anklet-3.0.0-linux-x64": OLD })
    assert.strictEqual((await update({ check: true })).code, 0)
    assert.strictEqual(installed(), OLD)
    assert.notInclude(
      asked.map(({ path }) => path),
      `/${NAME}`
    )
  })

  it("installs nothing that is not newer", async () => {
    for (const version of ["3.0.0", "2.9.9", "3.0.0-rc.1"]) {
      offer({ [`anklet-${version}-linux-x64`]: programOf(version) })
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
    offer({ [NAME]: programOf("3.1.0") }, keyPair().privateKey)
    await refused(/is not signed with a key of Anklet's: nothing is installed/)
    files.delete("/SHA256SUMS.sig")
    await refused(/SHA256SUMS\.sig cannot be downloaded: .* answers 404/)
  })

  it("a program with another checksum, or another version", async () => {
    files.set(`/${NAME}`, programOf("6.6.6"))
    await refused(/has the SHA-256 [0-9a-f]{64}, not [0-9a-f]{64}: it is not installed/)
    offer({ [NAME]: programOf("6.6.6") })
    await refused(/calls itself "anklet 6\.6\.6 \(abc1234\)": it is not installed/)
  })

  it("a program that does not start, and a release without one for this machine", async () => {
    offer({ [NAME]: "#!/bin/sh\nexit 3\n" })
    await refused(/does not start here: it exits with 3/)
    offer({ "anklet-3.1.0-macos-arm64": programOf("3.1.0") })
    await refused(/there is no anklet for linux-x64 at https:/)
  })

  it("a web page, with or without its type", async () => {
    files.set("/SHA256SUMS", "<html>sign in</html>")
    await refused(/is no list of checksums: nothing is installed/)
    files.set("/SHA256SUMS", (response) => response.setHeader("content-type", "text/html").end("<html>"))
    await refused(/it is a web page/)
  })

  it("a redirection to http, and one without an end", async () => {
    const to = (location: string) => (response: import("node:http").ServerResponse) =>
      void response.writeHead(302, { location }).end()
    files.set("/SHA256SUMS", to("http://127.0.0.1:1/SHA256SUMS"))
    await refused(/it leads to http:\/\/127\.0\.0\.1:1, which does not begin with https:\/\//)
    files.set("/SHA256SUMS", to("/SHA256SUMS"))
    await refused(/leads on more than 5 times/)
  })

  it("a download that is cut off, and a list that is too big", async () => {
    files.set(`/${NAME}`, (response) => {
      response.writeHead(200, { "content-length": 1000 }).write("half")
      setImmediate(() => response.destroy())
    })
    await refused(/broke the connection off/)
    files.set("/SHA256SUMS", "0".repeat(70_000))
    await refused(/it has more than 65536 bytes/)
  })

  it("where something else keeps the program up to date", async () => {
    const put = (path: string) => {
      const file = join(folder, path)
      mkdirSync(join(file, ".."), { recursive: true })
      writeFileSync(file, OLD)
      return file
    }
    await refused(/Homebrew installed this anklet: `brew upgrade anklet`/, {
      at: put("Cellar/anklet/3.0.0/bin/anklet")
    })
    await refused(/npm installed this anklet/, { at: put("node_modules/anklet/bin/anklet") })
    assert.deepStrictEqual(asked, [])
  })

  it("a server that is not there, and an address without https", async () => {
    await refused(/refuses connections/, { from: "https://127.0.0.1:1" })
    assert.deepStrictEqual(await update({ from: "http://127.0.0.1/x" }), {
      code: 2,
      said: "--from: expected an address that begins with https://"
    })
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
      assert.deepStrictEqual(await update({ restarts: [0] }), { code: 0, said: "" })
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
