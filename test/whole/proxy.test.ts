/**
 * The built program on a host that reaches GitHub only through a proxy: github.test is a name that only the proxy
 * knows.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { request } from "node:http"
import { join } from "node:path"
import { afterEach, assert, describe, it } from "vitest"
import { type ProxyOptions, startProxy, startTls } from "../network/proxy.ts"
import { type Certificates, certificates } from "../store/server.ts"
import { type Lab, make } from "./lab.ts"

const PASSWORD = "pr0xy-CANARY"
const SIGN_IN = `jane:${PASSWORD}@`

let lab: Lab
let files: Certificates
const closing: Array<() => void> = []

afterEach(async () => {
  for (const close of closing.splice(0)) close()
  await lab.close()
})

/** The lab's GitHub is now https://github.test, to which a proxy connects. */
const behindProxy = async (options: ProxyOptions = { signIn: `jane:${PASSWORD}` }) => {
  lab = await make()
  lab.world.repositories.add("veertuinc/anklet")
  files = certificates(lab.folder, "github.test")
  const github = await startTls(files, (asked, answer) => {
    const passed = request(
      new URL(asked.url ?? "/", lab.github.url),
      { method: asked.method ?? "GET", headers: asked.headers },
      (response) => {
        answer.writeHead(response.statusCode ?? 502, response.headers)
        response.pipe(answer)
      }
    )
    asked.pipe(passed)
  })
  const proxy = await startProxy({ to: { "github.test:443": github.port }, ...options })
  closing.push(github.close, proxy.close)
  const config = readFileSync(lab.config, "utf8").replace(/api_url: .*/, "api_url: https://github.test")
  writeFileSync(lab.config, config, { mode: 0o600 })
  return proxy
}

const configure = (...lines: ReadonlyArray<string>) =>
  writeFileSync(lab.config, `${lines.join("\n")}\n${readFileSync(lab.config, "utf8")}`)

const run = (args: ReadonlyArray<string>, env: Record<string, string> = {}) =>
  lab.run(["-c", lab.config, ...args], { env }).done

/** One pass, with or without a job; its output and log contain no password. */
const pass = async (env: Record<string, string> = {}, steps: ReadonlyArray<string> = ["true"]) => {
  const { jobs } = lab.queue({ steps })
  const ran = await run(["--attach", "--once"], env)
  assert.notInclude(`${ran.stdout}${ran.stderr}${JSON.stringify(lab.log())}`, PASSWORD)
  return { ...ran, conclusion: lab.world.job(jobs[0]?.id ?? 0).conclusion }
}

const asked = (proxy: Awaited<ReturnType<typeof startProxy>>) =>
  proxy.asked.map(({ method, target }) => `${method} ${target}`)

describe("a host behind a proxy", () => {
  for (const name of ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]) {
    it(`runs a job by ${name}, on few connections`, async () => {
      const proxy = await behindProxy()
      const address = `http://${SIGN_IN}127.0.0.1:${proxy.port}`
      const ran = await pass({ [name]: address, NODE_EXTRA_CA_CERTS: files.ca })
      assert.strictEqual(ran.code, 0, ran.stderr)
      assert.strictEqual(ran.conclusion, "success")
      assert.deepStrictEqual([...new Set(asked(proxy))], ["CONNECT github.test:443"])
      assert.isAtMost(proxy.asked.length, 10)
    })
  }

  it("runs a job by `proxy` and `ca` in the config, also when the environment names another proxy", async () => {
    const proxy = await behindProxy()
    configure(`proxy: http://${SIGN_IN}127.0.0.1:${proxy.port}`, `ca: ${files.ca}`)
    const ran = await pass({ https_proxy: "http://127.0.0.1:1" })
    assert.strictEqual(ran.code, 0, ran.stderr)
    assert.strictEqual(ran.conclusion, "success")
  })

  it("takes the address from a variable or a file, as any secret", async () => {
    const proxy = await behindProxy()
    const file = join(lab.folder, "proxy.txt")
    writeFileSync(file, `http://${SIGN_IN}127.0.0.1:${proxy.port}\n`)
    configure(`proxy: file:${file}`, `ca: ${files.ca}`)
    assert.strictEqual((await pass()).conclusion, "success")
  })

  it("prefers the lower-case variable, and takes an empty one for none", async () => {
    const proxy = await behindProxy({})
    const address = `http://127.0.0.1:${proxy.port}`
    const trust = { NODE_EXTRA_CA_CERTS: files.ca }
    assert.strictEqual((await pass({ https_proxy: address, HTTPS_PROXY: "http://127.0.0.1:1", ...trust })).code, 0)
    assert.strictEqual((await pass({ https_proxy: "", HTTPS_PROXY: address, ...trust })).code, 0)
  })

  it("says which proxy fails, and where it is written", async () => {
    const proxy = await behindProxy()
    const ran = await pass({ HTTPS_PROXY: `http://jane:${PASSWORD}x@127.0.0.1:${proxy.port}` })
    assert.strictEqual(ran.code, 10)
    assert.include(
      ran.stderr + ran.stdout,
      `the proxy 127.0.0.1:${proxy.port} does not accept the user and password (407): check them in HTTPS_PROXY`
    )
  })
})

describe("a host that needs no proxy", () => {
  const dead = { https_proxy: "http://127.0.0.1:1", http_proxy: "http://127.0.0.1:1", ALL_PROXY: "127.0.0.1:1" }

  it("reaches a GitHub on this host, whatever proxy the environment names", async () => {
    lab = await make()
    assert.strictEqual((await pass(dead)).conclusion, "success")
  })

  it("goes past the proxy to what NO_PROXY or `no_proxy` lists, and everywhere with `proxy: none`", async () => {
    for (const [line, env] of [
      ["", { NO_PROXY: "github.test" }],
      ["no_proxy: [a.example.com, github.test]", { NO_PROXY: "b.example.com" }],
      ["proxy: none", {}],
      ["proxy: false", {}]
    ] as const) {
      await behindProxy({})
      if (line !== "") configure(line)
      const ran = await pass({ ...dead, ...env })
      // without the proxy there is no such name
      assert.match(ran.stdout + ran.stderr, /the name github\.test cannot be resolved/, line)
      for (const close of closing.splice(0)) close()
      await lab.close()
    }
    lab = await make()
  })
})

describe("a proxy that cannot be one", () => {
  for (const [name, value] of [
    ["HTTPS_PROXY", `http://jane:${PASSWORD}#@127.0.0.1:3128`],
    ["https_proxy", `ftp://jane:${PASSWORD}@127.0.0.1:21`],
    ["http_proxy", `http://jane:${PASSWORD}@:3128`],
    ["HTTP_PROXY", "http://127.0.0.1:99999"],
    ["ALL_PROXY", `socks5://jane:${PASSWORD}@127.0.0.1:1080`]
  ] as const) {
    it(`in ${name} ends the start with 3 and its name, and config check and the doctor tell of it`, async () => {
      lab = await make()
      const ran = await pass({ [name]: value })
      assert.strictEqual(ran.code, 3, ran.stderr)
      assert.include(ran.stderr, `environment variable ${name}: `)
      const checked = await run(["config", "check"], { [name]: value })
      assert.strictEqual(checked.code, 3)
      assert.include(checked.stderr, `environment variable ${name}: `)
      const examined = await run(["doctor"], { [name]: value })
      assert.strictEqual(examined.code, 12)
      assert.include(examined.stdout, `environment variable ${name}: `)
      for (const { stdout, stderr } of [checked, examined]) assert.notInclude(stdout + stderr, PASSWORD)
    })
  }

  for (const line of [
    `proxy: socks5://jane:${PASSWORD}@proxy.corp:1080`,
    `proxy: http://jane:${PASSWORD}#x@proxy.corp:3128`,
    "proxy: true",
    "proxy: 3128",
    "proxy: ${NO_SUCH_VARIABLE}",
    "vm_proxy: 3128",
    "vm_proxy: true",
    "vm_proxy: http://localhost:3128",
    "vm_ca: true",
    "ca: /no/such/file.pem"
  ]) {
    it(`as \`${line.replace(PASSWORD, "…")}\` ends the start with 3 at its key`, async () => {
      lab = await make()
      configure(line)
      const ran = await pass()
      assert.strictEqual(ran.code, 3, ran.stderr)
      assert.include(ran.stderr, line.split(":")[0] ?? "")
      const checked = await run(["config", "check"])
      assert.strictEqual(checked.code, 3)
      assert.notInclude(checked.stdout + checked.stderr, PASSWORD)
    })
  }
})

describe("anklet doctor", () => {
  it("tells which way requests go, and that they arrive", async () => {
    const proxy = await behindProxy()
    const env = { HTTPS_PROXY: `http://${SIGN_IN}127.0.0.1:${proxy.port}`, NODE_EXTRA_CA_CERTS: files.ca }
    const { stdout } = await run(["doctor", "--json"], env)
    assert.include(stdout, `requests to github.test go through the proxy 127.0.0.1:${proxy.port}, from HTTPS_PROXY`)
    assert.include(stdout, "the jobs of veertuinc/anklet can be listed")
    assert.notInclude(stdout, PASSWORD)
    configure("proxy: none")
    assert.include(
      (await run(["doctor", "--json"], env)).stdout,
      "requests to github.test go there directly, through no proxy"
    )
  })

  it("tells of a proxy that does not let them through", async () => {
    const proxy = await behindProxy()
    configure(`proxy: http://127.0.0.1:${proxy.port}`)
    const { code, stdout } = await run(["doctor", "--json"])
    assert.strictEqual(code, 12)
    const found = JSON.parse(stdout).findings.find(({ id }: { id: string }) => id === "github-unreachable")
    assert.include(found.what, `the proxy 127.0.0.1:${proxy.port} asks for a user and password (407)`)
    assert.include(found.what, "from `proxy` in the config")
    assert.include(found.remedy, `check the proxy 127.0.0.1:${proxy.port}`)
  })
})

describe("anklet config show", () => {
  it("shows where a proxy is, and not who signs in", async () => {
    lab = await make()
    configure(
      `proxy: http://${SIGN_IN}proxy.corp:3128`,
      "vm_proxy: ${VM_PROXY}",
      "no_proxy: ghe.corp, 10.0.0.0/8",
      "vm_ca: false"
    )
    const env = { VM_PROXY: `http://${SIGN_IN}192.168.64.1:3128` }
    const { stdout, stderr } = await run(["config", "show"], env)
    assert.match(stdout, /^proxy: http:\/\/<hidden>@proxy\.corp:3128 +# line 1$/m, stderr)
    assert.match(stdout, /^vm_proxy: http:\/\/<hidden>@192\.168\.64\.1:3128 +# environment VM_PROXY, line 2$/m)
    assert.match(stdout, /^no_proxy: ghe\.corp, 10\.0\.0\.0\/8 +# line 3$/m)
    const json = await run(["config", "show", "--json"], env)
    assert.notInclude(stdout + json.stdout, PASSWORD)
  })
})

describe("VMs", () => {
  const address = `http://jane:${PASSWORD}%27%22$(x)@192.168.64.1:3128`

  it("are told of no proxy and no authority unless the config says so", async () => {
    const proxy = await behindProxy()
    configure(`ca: ${files.ca}`)
    const steps = ['test -z "${https_proxy-}${HTTPS_PROXY-}${CURL_CA_BUNDLE-}"']
    const ran = await pass({ HTTPS_PROXY: `http://${SIGN_IN}127.0.0.1:${proxy.port}` }, steps)
    assert.strictEqual(ran.conclusion, "success", ran.stderr)
  })

  it("get proxy and authority where it does, also with an install script of an older Anklet, and not as an argument", async () => {
    lab = await make()
    files = certificates(lab.folder)
    configure(`vm_proxy: ${address}`, "no_proxy: ghe.corp,10.0.0.0/8", `ca: ${files.ca}`, "vm_ca: true")
    const scripts = join(lab.home, ".config/anklet/plugins/github")
    mkdirSync(scripts, { recursive: true })
    const older = readFileSync("src/plugins/github/install-runner.bash", "utf8")
    const record = '[ "$#" = 2 ] && printf "%s\\n" "$https_proxy" "$NO_PROXY" >"$HOME/seen"'
    writeFileSync(
      join(scripts, "install-runner.bash"),
      older.replace("set -euo pipefail", `set -euo pipefail\n${record}`)
    )
    const expected = address.replaceAll("'", "%27").replaceAll('"', "%22")
    const steps = [
      `test "$https_proxy" = '${expected}' && test "$HTTP_PROXY" = "$https_proxy"`,
      `test "$no_proxy" = "ghe.corp,10.0.0.0/8"`,
      `test "$(head -n 1 "$HOME/seen")" = "$https_proxy" && test "$(tail -n 1 "$HOME/seen")" = "$no_proxy"`,
      `grep -q "$(sed -n 2p '${files.ca}')" "$NODE_EXTRA_CA_CERTS"`,
      'test "$(grep -c BEGIN "$CURL_CA_BUNDLE")" -gt "$(grep -c BEGIN "$NODE_EXTRA_CA_CERTS")" || test ! -f /etc/ssl/certs/ca-certificates.crt'
    ]
    const ran = await pass({}, steps)
    assert.strictEqual(ran.conclusion, "success", JSON.stringify(lab.log().slice(-12), undefined, 1))
    assert.notInclude(readFileSync(join(lab.host, "calls.jsonl"), "utf8"), PASSWORD)
  })
})
