import { execFile } from "node:child_process"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { createServer, type RequestListener, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { sha256 } from "./files.ts"

const SCRIPT = resolve("packaging/install.sh")
/** What stands in for the program: it only has to start. */
const ANKLET = "#!/bin/sh\necho 'anklet 9.9.9 (abc1234)'\n"
const TARGETS = ["macos-arm64", "macos-x64", "linux-arm64", "linux-x64"]

let folder: string
let server: Server
/** What the server has, by path. */
let files: Map<string, string>
let answer: RequestListener

const script = (path: string, text: string) => {
  writeFileSync(path, text)
  chmodSync(path, 0o755)
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "anklet-install-"))
  for (const name of ["home", "tmp", "fakes"]) mkdirSync(join(folder, name))
  files = new Map(TARGETS.map((target) => [`/anklet-9.9.9-${target}`, `${ANKLET}# ${target}\n`]))
  files.set("/SHA256SUMS", [...files].map(([path, text]) => `${sha256(text)}  ${path.slice(1)}\n`).join(""))
  answer = (request, response) => {
    const text = files.get(request.url ?? "")
    response.writeHead(text === undefined ? 404 : 200).end(text ?? "not found")
  }
  server = createServer((request, response) => answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
})

afterEach(async () => {
  await new Promise((resolve) => server.close(resolve))
  rmSync(folder, { recursive: true, force: true })
})

const bin = () => join(folder, "bin")

/** Run the script on a machine that calls itself so. */
const install = (system: string, processor: string, env: Record<string, string> = {}, file = SCRIPT) => {
  const fakes = join(folder, "fakes")
  script(join(fakes, "uname"), `#!/bin/sh\n[ "$1" = -s ] && echo ${system} || echo ${processor}\n`)
  return new Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>((resolve) => {
    execFile(
      "sh",
      [file],
      {
        env: {
          PATH: `${fakes}:${process.env.PATH}`,
          HOME: join(folder, "home"),
          TMPDIR: join(folder, "tmp"),
          ANKLET_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
          ANKLET_BIN_DIR: bin(),
          ...env
        }
      },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    )
  })
}

const nothingIsLeft = () => {
  assert.deepStrictEqual(readdirSync(join(folder, "tmp")), [])
  assert.deepStrictEqual(readdirSync(join(folder, "home")), [])
  assert.isFalse(existsSync(bin()))
}

describe("install.sh", () => {
  for (const [system, processor, target] of [
    ["Darwin", "arm64", "macos-arm64"],
    ["Darwin", "x86_64", "macos-x64"],
    ["Linux", "aarch64", "linux-arm64"],
    ["Linux", "x86_64", "linux-x64"]
  ] as const) {
    it(`installs the file for ${target}, and says where and which`, async () => {
      const ran = await install(system, processor)
      assert.strictEqual(ran.code, 0, ran.stderr)
      assert.deepStrictEqual(readdirSync(bin()), ["anklet"])
      assert.strictEqual(readFileSync(join(bin(), "anklet"), "utf8"), `${ANKLET}# ${target}\n`)
      assert.include(ran.stdout, `anklet 9.9.9 (abc1234) is installed: ${bin()}/anklet`)
      assert.include(ran.stdout, "is not in your PATH")
      assert.deepStrictEqual(readdirSync(join(folder, "tmp")), [])
    })
  }

  it("takes an Apple processor for what it is, also from a shell under Rosetta", async () => {
    script(join(folder, "fakes", "sysctl"), "#!/bin/sh\necho 1\n")
    assert.strictEqual((await install("Darwin", "x86_64")).code, 0)
    assert.include(readFileSync(join(bin(), "anklet"), "utf8"), "macos-arm64")
  })

  it("takes the mark of a download away before the file is started", async () => {
    script(join(folder, "fakes", "xattr"), `#!/bin/sh\necho "$@" >> ${join(folder, "xattr")}\n`)
    assert.strictEqual((await install("Darwin", "arm64")).code, 0)
    assert.match(readFileSync(join(folder, "xattr"), "utf8"), /^-d com\.apple\.quarantine \S+\/bin\/\.anklet\.\d+\n$/)
  })

  it("replaces an older one", async () => {
    mkdirSync(bin())
    script(join(bin(), "anklet"), "#!/bin/sh\necho old\n")
    assert.strictEqual((await install("Linux", "x86_64")).code, 0)
    assert.include(readFileSync(join(bin(), "anklet"), "utf8"), "9.9.9")
  })

  for (const [what, spoil, words] of [
    [
      "a file that has another sum",
      () => files.set("/anklet-9.9.9-linux-x64", `${ANKLET}# tampered with\n`),
      /has the SHA-256 [0-9a-f]{64}, not [0-9a-f]{64}: it is not installed/
    ],
    [
      "a file that is not there",
      () => files.delete("/anklet-9.9.9-linux-x64"),
      /anklet-9\.9\.9-linux-x64 cannot be downloaded/
    ],
    ["sums that are not there", () => files.delete("/SHA256SUMS"), /SHA256SUMS cannot be downloaded/],
    [
      "sums that are a page about something else",
      () => files.set("/SHA256SUMS", "<html>"),
      /no anklet for linux-x64 at http/
    ],
    [
      "half a file",
      () => {
        const whole = answer
        answer = (request, response) => {
          if (request.url === "/SHA256SUMS") return whole(request, response)
          response.writeHead(200, { "content-length": ANKLET.length * 2 }).write(ANKLET)
          response.destroy()
        }
      },
      /cannot be downloaded/
    ],
    [
      "a file that does not start",
      () => {
        const text = "#!/bin/sh\nexit 1\n"
        files.set("/anklet-9.9.9-linux-x64", text)
        files.set("/SHA256SUMS", `${sha256(text)}  anklet-9.9.9-linux-x64\n`)
      },
      /does not start here/
    ]
  ] as const) {
    it(`refuses ${what}, leaves nothing, and the older one as it was`, async () => {
      spoil()
      const ran = await install("Linux", "x86_64")
      assert.strictEqual(ran.code, 1)
      assert.match(ran.stderr, words)
      if (existsSync(bin())) assert.deepStrictEqual(readdirSync(bin()), [])
      rmSync(bin(), { recursive: true, force: true })
      nothingIsLeft()
      mkdirSync(bin())
      script(join(bin(), "anklet"), "#!/bin/sh\necho old\n")
      assert.strictEqual((await install("Linux", "x86_64")).code, 1)
      assert.deepStrictEqual(readdirSync(bin()), ["anklet"])
      assert.include(readFileSync(join(bin(), "anklet"), "utf8"), "echo old")
    })
  }

  it("names a system or processor that there is no file for, and asks for nothing", async () => {
    answer = () => assert.fail("asked")
    assert.include((await install("FreeBSD", "amd64")).stderr, "there is no anklet for FreeBSD")
    assert.include((await install("Linux", "riscv64")).stderr, "there is no anklet for riscv64")
    nothingIsLeft()
  })

  it("without the address of a release asks for it", async () => {
    const ran = await install("Linux", "x86_64", { ANKLET_URL: "" })
    assert.strictEqual(ran.code, 1)
    assert.include(ran.stderr, "set ANKLET_URL")
    nothingIsLeft()
  })

  it("installs into ~/.local/bin for somebody who is not root, making it", async () => {
    script(join(folder, "fakes", "id"), "#!/bin/sh\necho 501\n")
    const ran = await install("Linux", "x86_64", { ANKLET_BIN_DIR: "" })
    assert.strictEqual(ran.code, 0, ran.stderr)
    assert.deepStrictEqual(readdirSync(join(folder, "home", ".local", "bin")), ["anklet"])
  })

  it("is half a script that does nothing, however much of it comes through a pipe", async () => {
    const text = readFileSync(SCRIPT, "utf8")
    for (const part of [0.25, 0.5, 0.9]) {
      script(join(folder, "half.sh"), text.slice(0, text.length * part))
      await install("Linux", "x86_64", {}, join(folder, "half.sh"))
      nothingIsLeft()
    }
  })
})
