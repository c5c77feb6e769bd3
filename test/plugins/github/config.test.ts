import { generateKeyPairSync } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { credentialOf, GitHubConfig, partsOf } from "../../../src/plugins/github/config.ts"
import { rule } from "../../../src/plugins/github/rule.ts"
import { misfits } from "../../../src/text/Expected.ts"
import { NodeContext } from "../../fakes/platform.ts"

const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" }
})

const read = (written: Readonly<Record<string, unknown>>) =>
  Schema.decodeUnknown(GitHubConfig)({ registration: "repo", owner: "o", repo: "r", ...written }).pipe(
    Effect.mapError((error) => misfits(error)[0]?.message ?? ""),
    Effect.either,
    Effect.provide(NodeContext)
  )

const refuses = (key: string, cases: ReadonlyArray<readonly [value: unknown, words: string]>) =>
  Effect.forEach(cases, ([value, words]) =>
    Effect.map(read({ [key]: value }), (result) => {
      const said = Either.isLeft(result) ? result.left : "it is taken"
      assert.include(said, words, String(value))
      assert.notInclude(said, "CANARY")
    })
  )

const takes = (key: string, values: ReadonlyArray<unknown>) =>
  Effect.forEach(values, (value) =>
    Effect.map(read({ [key]: value }), (result) => assert.isTrue(Either.isRight(result), `${value}: ${result}`))
  )

const app = (written: Readonly<Record<string, unknown>>) =>
  Effect.map(read({ private_key: privateKey, ...written }), (result) =>
    credentialOf(partsOf(Either.getOrThrow(result))[0])
  )

describe("a GitHub App", () => {
  it.effect("is named by its number, also in quotes, or by its Client ID", () =>
    Effect.gen(function* () {
      for (const [written, appId] of [
        [77, 77],
        ["77", 77],
        ["Iv23liABCDEFGHIJKLMN", "Iv23liABCDEFGHIJKLMN"],
        ["Iv1.8a61f9b3a7aba766", "Iv1.8a61f9b3a7aba766"]
      ] as const) {
        const credential = yield* app({ app_id: written, installation_id: "9" })
        assert.deepInclude(credential, { _tag: "App", appId, installationId: 9 })
      }
      yield* refuses("app_id", [
        [77.5, "the App's number, or its Client ID"],
        ["77.5", "the App's number, or its Client ID"],
        [0, "the App's number, or its Client ID"],
        [-1, "the App's number, or its Client ID"],
        ["CANARY", "the App's number, or its Client ID"],
        ["${APP}", "the App's number, or its Client ID"],
        [true, "the App's number, or its Client ID"]
      ])
      yield* refuses("installation_id", [
        [77.5, "left out, it is looked up"],
        ["CANARY", "left out, it is looked up"],
        [-1, "left out, it is looked up"]
      ])
    })
  )

  it.effect("is looked up where its installation is not told", () =>
    Effect.gen(function* () {
      for (const written of [{}, { installation_id: null }, { installation_id: 0 }]) {
        assert.deepInclude(yield* app({ app_id: 7, ...written }), { _tag: "InstalledApp", appId: 7, owner: "o" })
      }
      assert.deepStrictEqual(rule({ owner: "o", app_id: 7, private_key: "x" }), [])
      assert.strictEqual(rule({ owner: "o", app_id: 7 }).length, 1)
      assert.strictEqual(rule({ owner: "o", token: "x", installation_id: 7 }).length, 1)
    })
  )
})

describe("an address of GitHub's or the registry's", () => {
  it.effect("with a part that would not be used is refused, and the part is not told", () =>
    Effect.gen(function* () {
      yield* refuses("api_url", [
        ["https://me:CANARY@ghe.example/api/v3", "user or password"],
        ["https://ghe.example/api/v3?token=CANARY", "behind ?"],
        ["https://ghe.example/api/v3#CANARY", "behind #"],
        ["https://github.com", "https://api.github.com"],
        ["https://github.com/veertuinc", "https://api.github.com"],
        ["https://api.github.com/repos/o/r", "nothing behind it"],
        ["https://octo.ghe.com", "https://api.octo.ghe.com"],
        ["https://ghe.example/api", "/api/v3"],
        ["https://ghe.example/api/graphql", "/api/v3"],
        ["ghe.example/api/v3", "https:// or http://"],
        ["https://ghe .example", "https:// or http://"],
        ["https://", "https:// or http://"],
        ["ftp://ghe.example", "https:// or http://"]
      ])
      yield* refuses("runner_url", [
        ["https://h/{version}.tar.gz#CANARY", "behind #"],
        ["https://h/{os}.tar.gz", "only {version} and {arch}"],
        ["h/{version}.tar.gz", "https:// or http://"]
      ])
      yield* refuses("owner", [
        ["https://github.com/CANARY", "the name of a user or an organisation alone"],
        ["o/r", "the name of a user or an organisation alone"],
        ["", "the name of a user or an organisation alone"]
      ])
      yield* refuses("repo", [["o/r", "the name of a repository alone"]])
    })
  )

  it.effect("with all its parts in use is taken", () =>
    Effect.gen(function* () {
      yield* takes("api_url", [
        "https://api.github.com",
        "https://api.github.com/",
        "https://ghe.example/api/v3",
        "https://ghe.example/api/v3/",
        "https://api.octo.ghe.com",
        "http://127.0.0.1:8080"
      ])
      yield* takes("runner_url", ["https://h/{version}/{arch}.tar.gz?signature=x", "https://u:p@h/a.tar.gz"])
    })
  )
})
