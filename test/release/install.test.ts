import { execFile } from "node:child_process"
import { type KeyObject, sign } from "node:crypto"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { createServer as createPlainServer, type RequestListener } from "node:http"
import { createServer, type Server } from "node:https"
import type { AddressInfo, Server as NetServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { afterAll, afterEach, assert, beforeAll, beforeEach, describe, it } from "vitest"
import { type Certificates, certificates } from "../store/server.ts"
import { sha256 } from "./files.ts"
import { type Keys, keyPair, packaged, SOURCE } from "./keys.ts"

/** Replaces the program: it only has to start, and print its version. */
const programOf = (version: string) => `#!/bin/sh\necho 'anklet ${version} (abc1234)'\n`
const ANKLET = programOf("9.9.9")
const NOT_SIGNED = /SHA256SUMS is not signed with a key of Anklet's: nothing is installed/
const TARGETS = ["macos-arm64", "macos-x64", "linux-arm64", "linux-x64"]

let authority: string
let tls: Certificates
beforeAll(() => {
  authority = mkdtempSync(join(tmpdir(), "anklet-authority-"))
  tls = certificates(authority)
})
afterAll(() => rmSync(authority, { recursive: true, force: true }))

let folder: string
let server: Server
/** The files of the server, by path. */
let files: Map<string, string | Buffer>
let answer: RequestListener
let ours: Keys

const script = (path: string, text: string) => {
  writeFileSync(path, text)
  chmodSync(path, 0o755)
}

/** A release of these programs, with checksums and signature. */
const release = (programs: ReadonlyMap<string, string>, key: KeyObject = ours.privateKey) => {
  const sums = [...programs].map(([path, text]) => `${sha256(text)}  ${path.slice(1)}\n`).join("")
  return new Map<string, string | Buffer>([
    ...programs,
    ["/SHA256SUMS", sums],
    ["/SHA256SUMS.sig", sign("sha256", Buffer.from(sums), key)]
  ])
}

const programs = (version = "9.9.9", text = programOf(version)) =>
  new Map(TARGETS.map((target): [string, string] => [`/anklet-${version}-${target}`, `${text}# ${target}\n`]))

const listening = async (server: NetServer) => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return (server.address() as AddressInfo).port
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "anklet-install-"))
  for (const name of ["home", "tmp", "fakes"]) mkdirSync(join(folder, name))
  ours = keyPair()
  files = release(programs())
  answer = (request, response) => {
    const content = files.get(request.url ?? "")
    response.writeHead(content === undefined ? 404 : 200).end(content ?? "not found")
  }
  server = createServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) }, (request, response) =>
    answer(request, response)
  )
  await listening(server)
  script(join(folder, "install.sh"), packaged("9.9.9", [ours.pem]))
})

afterEach(async () => {
  await new Promise((resolve) => server.close(resolve))
  rmSync(folder, { recursive: true, force: true })
})

const urlOf = () => `https://127.0.0.1:${(server.address() as AddressInfo).port}`

const bin = () => join(folder, "bin")

/** Runs the script on a machine that reports this system and processor. */
const install = (
  system: string,
  processor: string,
  env: Record<string, string> = {},
  file = join(folder, "install.sh"),
  shell = "sh"
) => {
  const fakes = join(folder, "fakes")
  script(join(fakes, "uname"), `#!/bin/sh\n[ "$1" = -s ] && echo ${system} || echo ${processor}\n`)
  return new Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>((resolve) => {
    execFile(
      shell,
      [file],
      {
        env: {
          PATH: `${fakes}:${process.env.PATH}`,
          HOME: join(folder, "home"),
          TMPDIR: join(folder, "tmp"),
          CURL_CA_BUNDLE: tls.ca,
          ANKLET_URL: urlOf(),
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
    assert.match(readFileSync(join(folder, "xattr"), "utf8"), /^-d com\.apple\.quarantine \S+\/bin\/\.anklet\.\w+\n$/)
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
      "a signature that is not there",
      () => files.delete("/SHA256SUMS.sig"),
      /without its signature nothing is installed/
    ],
    ["an empty signature", () => files.set("/SHA256SUMS.sig", ""), NOT_SIGNED],
    ["a signature that is a page about something else", () => files.set("/SHA256SUMS.sig", "<html>"), NOT_SIGNED],
    [
      "a cut signature",
      () => files.set("/SHA256SUMS.sig", Buffer.from(files.get("/SHA256SUMS.sig") ?? "").subarray(0, 40)),
      NOT_SIGNED
    ],
    [
      "the signature of other sums",
      () => files.set("/SHA256SUMS.sig", release(programs("9.9.9", "other")).get("/SHA256SUMS.sig") ?? ""),
      NOT_SIGNED
    ],
    [
      "all of a release that somebody else has signed",
      () => {
        files = release(programs("9.9.9", `${ANKLET}# tampered with\n`), keyPair().privateKey)
      },
      NOT_SIGNED
    ],
    [
      "sums that were changed with the file",
      () => {
        const text = `${ANKLET}# tampered with\n`
        files.set("/anklet-9.9.9-linux-x64", text)
        files.set("/SHA256SUMS", `${sha256(text)}  anklet-9.9.9-linux-x64\n`)
      },
      NOT_SIGNED
    ],
    [
      "sums with a line more than is signed",
      () => files.set("/SHA256SUMS", `${files.get("/SHA256SUMS")}${sha256("x")}  anklet-9.9.9-linux-x64\n`),
      NOT_SIGNED
    ],
    ["sums that are a page about something else", () => files.set("/SHA256SUMS", "<html>"), NOT_SIGNED],
    [
      "an older release in its place",
      () => {
        files = release(programs("9.9.8"))
      },
      /there is no anklet-9\.9\.9-linux-x64 at https:\S+, only anklet-9\.9\.8-/
    ],
    [
      "an older program under the new name",
      () => files.set("/anklet-9.9.9-linux-x64", `${programOf("9.9.8")}# linux-x64\n`),
      /has the SHA-256 [0-9a-f]{64}, not [0-9a-f]{64}: it is not installed/
    ],
    [
      "an older program that was signed under the new name",
      () => {
        files = release(programs("9.9.9", programOf("9.9.8")))
      },
      /anklet-9\.9\.9-linux-x64 calls itself anklet 9\.9\.8 \(abc1234\): it is not installed/
    ],
    [
      "the program of another system under its name",
      () => files.set("/anklet-9.9.9-linux-x64", files.get("/anklet-9.9.9-macos-x64") ?? ""),
      /has the SHA-256/
    ],
    ["a cut file", () => files.set("/anklet-9.9.9-linux-x64", ANKLET.slice(0, -9)), /has the SHA-256/],
    [
      "half a file",
      () => {
        const whole = answer
        answer = (request, response) => {
          if (request.url?.startsWith("/SHA256SUMS")) return whole(request, response)
          response.writeHead(200, { "content-length": ANKLET.length * 2 }).write(ANKLET)
          response.destroy()
        }
      },
      /cannot be downloaded/
    ],
    [
      "a file that does not start",
      () => {
        files = release(programs("9.9.9", "#!/bin/sh\nexit 1\n"))
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

  it("takes the next key of two as well, while one follows the other", async () => {
    const next = keyPair()
    script(join(folder, "install.sh"), packaged("9.9.9", [ours.pem, next.pem]))
    files = release(programs(), next.privateKey)
    const ran = await install("Linux", "x86_64")
    assert.strictEqual(ran.code, 0, ran.stderr)
  })

  it("installs another version, for who asks for it, if it knows the key", async () => {
    files = release(programs("10.0.0"))
    assert.strictEqual((await install("Linux", "x86_64", { ANKLET_VERSION: "10.0.0" })).code, 0)
    assert.include(readFileSync(join(bin(), "anklet"), "utf8"), "10.0.0")
    files = release(programs("10.0.0"), keyPair().privateKey)
    assert.match((await install("Linux", "x86_64", { ANKLET_VERSION: "10.0.0" })).stderr, NOT_SIGNED)
    assert.include((await install("Linux", "x86_64", { ANKLET_VERSION: "../x" })).stderr, "../x is no version")
  })

  it("takes a release from a folder of this machine", async () => {
    mkdirSync(join(folder, "release"))
    for (const [path, content] of files) writeFileSync(join(folder, "release", path), content)
    const ran = await install("Linux", "x86_64", { ANKLET_URL: pathToFileURL(join(folder, "release")).href })
    assert.strictEqual(ran.code, 0, ran.stderr)
  })

  for (const url of [
    "http://127.0.0.1:1",
    "HTTP://127.0.0.1:1",
    "ftp://127.0.0.1",
    "127.0.0.1",
    "//127.0.0.1",
    "-K/x",
    "https://"
  ])
    it(`refuses the address ${url}, and asks for nothing`, async () => {
      answer = () => assert.fail("asked")
      const ran = await install("Linux", "x86_64", { ANKLET_URL: url })
      assert.strictEqual(ran.code, 1)
      assert.include(ran.stderr, `${url}: the address of a release begins with https:// or file:///`)
      nothingIsLeft()
    })

  for (const path of ["/SHA256SUMS", "/SHA256SUMS.sig", "/anklet-9.9.9-linux-x64"])
    it(`follows no redirect of ${path} to http or to a file, and one to https`, async () => {
      let asked = 0
      const plain = createPlainServer((request, response) => {
        asked += 1
        response.end(files.get(request.url ?? ""))
      })
      const port = await listening(plain)
      mkdirSync(join(folder, "release"))
      for (const [path, content] of files) writeFileSync(join(folder, "release", path), content)
      const usual = answer
      const leadTo = (to: string) => {
        answer = (request, response) =>
          request.url === path ? response.writeHead(302, { location: to }).end() : usual(request, response)
      }
      for (const to of [`http://127.0.0.1:${port}${path}`, `file://${folder}/release${path}`]) {
        leadTo(to)
        const ran = await install("Linux", "x86_64")
        assert.strictEqual(ran.code, 1)
        assert.include(ran.stderr, `${path} cannot be downloaded`)
        nothingIsLeft()
      }
      assert.strictEqual(asked, 0)
      files.set("/elsewhere", files.get(path) ?? "")
      leadTo(`${urlOf()}/elsewhere`)
      const ran = await install("Linux", "x86_64")
      assert.strictEqual(ran.code, 0, ran.stderr)
      await new Promise((resolve) => plain.close(resolve))
    })

  it("refuses a server whose certificate nobody vouches for", async () => {
    const ran = await install("Linux", "x86_64", { CURL_CA_BUNDLE: "" })
    assert.strictEqual(ran.code, 1)
    assert.match(ran.stderr, /SHA256SUMS cannot be downloaded/)
    nothingIsLeft()
  })

  it("does nothing as it lies in the repository, without a key", async () => {
    answer = () => assert.fail("asked")
    const ran = await install("Linux", "x86_64", {}, SOURCE)
    assert.strictEqual(ran.code, 1)
    assert.include(ran.stderr, "knows no key")
    nothingIsLeft()
  })

  for (const program of ["curl", "openssl"])
    it(`says that ${program} is missing where it is`, async () => {
      const few = ["awk", "cut", "chmod", "cp", "id", "mkdir", "mktemp", "mv", "rm", "sha256sum", "curl", "openssl"]
      for (const name of few.filter((name) => name !== program)) {
        const at = (process.env.PATH ?? "")
          .split(":")
          .map((part) => join(part, name))
          .find(existsSync)
        if (at !== undefined) symlinkSync(at, join(folder, "fakes", name))
      }
      const shell =
        (process.env.PATH ?? "")
          .split(":")
          .map((part) => join(part, "sh"))
          .find(existsSync) ?? "sh"
      const ran = await install("Linux", "x86_64", { PATH: join(folder, "fakes") }, undefined, shell)
      assert.strictEqual(ran.code, 1)
      assert.include(ran.stderr, `${program} is missing`)
      nothingIsLeft()
    })

  it("installs into ~/.local/bin for somebody who is not root, making it", async () => {
    script(join(folder, "fakes", "id"), "#!/bin/sh\necho 501\n")
    const ran = await install("Linux", "x86_64", { ANKLET_BIN_DIR: "" })
    assert.strictEqual(ran.code, 0, ran.stderr)
    assert.deepStrictEqual(readdirSync(join(folder, "home", ".local", "bin")), ["anklet"])
  })

  it("is half a script that does nothing, however much of it comes through a pipe", async () => {
    const text = readFileSync(join(folder, "install.sh"), "utf8")
    for (const part of [0.25, 0.5, 0.9]) {
      script(join(folder, "half.sh"), text.slice(0, text.length * part))
      await install("Linux", "x86_64", {}, join(folder, "half.sh"))
      nothingIsLeft()
    }
  })
})
