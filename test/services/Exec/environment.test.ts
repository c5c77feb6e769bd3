/** Which variables of this process's environment its programs get. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { afterEach, vi } from "vitest"
import * as Secrets from "../../../src/secrets/Secrets.ts"
import { type Kind, of } from "../../../src/services/Exec/environment.ts"
import { Exec } from "../../../src/services/Exec.ts"
import { NodeContext } from "../../fakes/platform.ts"

const OWN = {
  PATH: "/opt/homebrew/bin:/usr/bin",
  HOME: "/Users/me",
  LC_ALL: "C",
  XDG_RUNTIME_DIR: "/run/user/1",
  GITHUB_TOKEN: "ghp_canary",
  T: "named in the config",
  ANKA_T: "named in the config",
  ANKA_DEFAULT_USER: "anka",
  OTEL_EXPORTER_OTLP_HEADERS: "authorization=canary",
  NODE_OPTIONS: "--report-on-fatalerror",
  LD_PRELOAD: "/tmp/x.so",
  DYLD_INSERT_LIBRARIES: "/tmp/x.dylib",
  BASH_ENV: "/tmp/x",
  HTTPS_PROXY: "http://user:pass%40word@proxy.example.com:3128",
  https_proxy: "user:torn@pass@proxy.example.com:3128",
  http_proxy: "http://proxy.example.com:3128",
  NO_PROXY: "localhost",
  UNSET: undefined
}
const named = (name: string) => name === "T" || name === "ANKA_T"
const seen = (kind: Kind) => of(kind, OWN, named)

describe("the environment", () => {
  it("of the system's programs is what they need, and nothing else", () => {
    assert.deepStrictEqual(Object.keys(seen("system")).sort(), ["HOME", "LC_ALL", "PATH", "XDG_RUNTIME_DIR"])
  })

  it("of anka has its settings and the proxy without what signs in there, and no variable that the config names", () => {
    assert.deepStrictEqual(seen("anka"), {
      PATH: OWN.PATH,
      HOME: OWN.HOME,
      LC_ALL: OWN.LC_ALL,
      ANKA_DEFAULT_USER: "anka",
      HTTPS_PROXY: "http://proxy.example.com:3128",
      https_proxy: "proxy.example.com:3128",
      http_proxy: OWN.http_proxy,
      NO_PROXY: "localhost"
    })
  })

  it("of anka at its registry has the proxy as it is, unless the config names the variable as a secret", () => {
    assert.strictEqual(seen("registry").HTTPS_PROXY, OWN.HTTPS_PROXY)
    assert.isUndefined(of("registry", OWN, (name) => name === "HTTPS_PROXY").HTTPS_PROXY)
  })

  it("has no secret that is known, in a variable of whatever name", () => {
    Secrets.keep("s3cret-of-the-config")
    assert.isUndefined(of("anka", { ANKA_X: "a s3cret-of-the-config b" }, () => false).ANKA_X)
  })

  it("keeps the way to programs, also where a password is a word of it", () => {
    Secrets.keep("homebrew")
    assert.strictEqual(seen("system").PATH, OWN.PATH)
  })
})

afterEach(() => {
  vi.unstubAllEnvs()
})

it.live("a process has what its kind is given, what its call adds, and nothing else of ours", () =>
  Effect.gen(function* () {
    vi.stubEnv("GITHUB_TOKEN", "ghp_canary")
    vi.stubEnv("ANKA_X", "y")
    vi.stubEnv("NODE_OPTIONS", "--max-old-space-size=4000")
    const exec = yield* Exec
    const variables = (kind?: Kind) =>
      Effect.map(
        exec.run("env", [], { timeout: "20 seconds", env: { ADDED: "1" }, ...(kind === undefined ? {} : { kind }) }),
        ({ stdout }) => Object.fromEntries(stdout.split("\n").map((line) => line.split("=")))
      )
    for (const kind of ["system", "anka", "registry", undefined] as const) {
      const { PATH, ADDED, ANKA_X, GITHUB_TOKEN, NODE_OPTIONS } = yield* variables(kind)
      assert.isString(PATH)
      assert.strictEqual(ADDED, "1")
      assert.strictEqual(ANKA_X, kind === "anka" || kind === "registry" ? "y" : undefined)
      assert.isUndefined(GITHUB_TOKEN)
      assert.isUndefined(NODE_OPTIONS)
    }
  }).pipe(Effect.provide(Exec.layer.pipe(Layer.provide(NodeContext))))
)
