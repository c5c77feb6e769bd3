import { generateKeyPairSync } from "node:crypto"
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { AppKey, Password, PrivateKey, Secret, Token } from "../../src/config/Secret.ts"
import { misfits } from "../../src/text/Expected.ts"
import { NodeContext } from "../fakes/platform.ts"

const CANARY = "CANARYdeadbeef"
const TOKEN = `ghp_${CANARY}`
const folder = mkdtempSync(join(tmpdir(), "anklet-secret-"))

/** The decoded value, or the message about it; no message contains a part of the secret. */
const read = (kind: typeof Secret, text: unknown, env: Readonly<Record<string, string>> = {}) =>
  Schema.decodeUnknown(kind)(text).pipe(
    Effect.map(Redacted.value),
    Effect.mapError((error) => misfits(error)[0]?.message ?? ""),
    Effect.either,
    Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries({ HOME: folder, ...env })))),
    Effect.provide(NodeContext),
    Effect.tap((result) => {
      if (Either.isLeft(result)) assert.notInclude(result.left, CANARY)
    })
  )

const refuses = (kind: typeof Secret, cases: ReadonlyArray<readonly [text: unknown, words: string]>) =>
  Effect.forEach(cases, ([text, words]) =>
    Effect.map(read(kind, text), (result) =>
      assert.include(Either.isLeft(result) ? result.left : "it is taken", words, String(text))
    )
  )

const takes = (kind: typeof Secret, text: string, value: string, env: Readonly<Record<string, string>> = {}) =>
  Effect.map(read(kind, text, env), (result) => assert.deepStrictEqual(result, Either.right(value), text))

const file = (name: string, content: string | Uint8Array) => {
  writeFileSync(join(folder, name), content)
  return `file:${join(folder, name)}`
}

describe("a token", () => {
  it.effect("that no header can hold, or that is none, is refused with what is wrong", () =>
    refuses(Token, [
      [`\u201c${TOKEN}\u201d`, "contains quotes"],
      [`'${TOKEN}'`, "contains quotes"],
      [`"${TOKEN}"`, "contains quotes"],
      [`ghp_\n${CANARY}`, "line break"],
      [`ghp_\r\n${CANARY}`, "line break"],
      [`ghp_ ${CANARY}`, "white space"],
      [`ghp_\u00a0${CANARY}`, "white space"],
      [`ghp_\u200b${CANARY}`, "no token has"],
      [`ghp_é${CANARY}`, "no token has"],
      [`ghp_\u0007${CANARY}`, "no token has"],
      [`Bearer ${TOKEN}`, "the token alone"],
      [`token ${TOKEN}`, "the token alone"],
      [`GITHUB_TOKEN=${TOKEN}`, "NAME=value"],
      ["", "is empty"],
      [" \t", "is empty"],
      ["<token>", "stands for a token"],
      ["xxx", "stands for a token"],
      ["ghp_xxxxxxxx", "stands for a token"],
      ["your-github-token", "stands for a token"],
      ["~/token", "write file:PATH"],
      ["/etc/token", "write file:PATH"],
      [5, "text in quotes"],
      [null, "has no value"]
    ])
  )

  it.effect("is taken without the white space around it, wherever it comes from", () =>
    Effect.gen(function* () {
      for (const text of [TOKEN, ` ${TOKEN}\n`, `\ufeff${TOKEN}`, file("bom", `\ufeff${TOKEN}\r\n\r\n`)]) {
        yield* takes(Token, text, TOKEN)
      }
      yield* takes(Token, "${A}", TOKEN, { A: `${TOKEN}\n` })
      yield* takes(Token, " ${A} ", TOKEN, { A: TOKEN })
      // the sample of the README, and what GitHub's tokens look like
      for (const text of ["github_pat_1XXXXX", "ghs_1_eyJh.b-c.d_e", "0123456789abcdef0123456789abcdef01234567"]) {
        yield* takes(Token, text, text)
      }
    })
  )
})

describe("a reference to a secret", () => {
  it.effect("that is only half of one is refused, and not taken for the secret itself", () =>
    Effect.forEach([Token, Password, Secret], (kind) =>
      refuses(kind, [
        ["ghp_${X}", "only a whole value can be a reference"],
        ["${X}${Y}", "only a whole value can be a reference"],
        ["${X", "only a whole value can be a reference"],
        ["${X:-a}", "defaults and the like are not read"],
        [`\${X:-${CANARY}}`, "defaults and the like are not read"],
        ["${X?}", "defaults and the like are not read"],
        ["$X", "in braces"],
        ["$GITHUB_TOKEN", "in braces"],
        ["$(cat token)", "commands are not run"],
        ["`cat token`", "commands are not run"],
        ["${NO_SUCH}", "NO_SUCH is not set"],
        [`\${ghp_${CANARY}}`, "the name of an environment variable"],
        ["file:", "the path is missing"],
        [`file:ghp_${CANARY}`, "the file that it names"]
      ])
    )
  )

  it.effect("to a variable that is blank is refused", () =>
    Effect.map(read(Token, "${BLANK}", { BLANK: " " }), (result) =>
      assert.deepStrictEqual(result, Either.left("the environment variable BLANK is blank"))
    )
  )

  it.effect("to a file that cannot hold it is refused", () =>
    Effect.gen(function* () {
      mkdirSync(join(folder, "folder"), { recursive: true })
      const closed = file("closed", TOKEN)
      chmodSync(join(folder, "closed"), 0)
      yield* refuses(Token, [
        [`file:${folder}/folder`, "is a folder"],
        [file("huge", CANARY.repeat(10_000)), "larger than"],
        [file("binary", new Uint8Array([0xff, 0xfe, 0x00])), "not text in UTF-8"],
        [file("zeros", "a\u0000b"), "is not text"],
        [file("blank", " \n\n"), "is empty"],
        [file("env", `GITHUB_TOKEN=${TOKEN}\n`), "NAME=value"],
        [file("exported", `export TOKEN="${TOKEN}"\n`), "NAME=value"],
        [file("two", `${TOKEN}\n${TOKEN}\n`), "line break"],
        ["file:/dev/zero", "not a regular file"],
        ...(process.getuid?.() === 0 ? [] : [[closed, "cannot be read"] as const])
      ])
    })
  )
})

describe("a password", () => {
  it.effect("may be any text in one line", () =>
    Effect.forEach(["", "p w", "a=b", "pa$$word", "$ecret!", "\u201cx\u201d", "{}", "x"], (text) =>
      takes(Password, text, text)
    )
  )

  it.effect("with a line break or a control character in it is refused", () =>
    refuses(Password, [
      [`${CANARY}\nmore`, "line break"],
      [`${CANARY}\u0000`, "control character"],
      ["  ", "blank"],
      [file("redis", `REDIS_PASSWORD=${CANARY}`), "NAME=value"]
    ])
  )
})

describe("a private key", () => {
  const pair = (cipher = {}) =>
    generateKeyPairSync("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs8", format: "pem", ...cipher }
    })
  const { publicKey, privateKey } = pair()
  const secret = privateKey.split("\n").find((line) => /^\w{20}/.test(line)) ?? ""

  it.effect("is read whatever became of its line ends", () =>
    Effect.gen(function* () {
      for (const text of [
        privateKey,
        privateKey.replaceAll("\n", "\r\n"),
        privateKey.replaceAll("\n", "\\n"),
        privateKey.replaceAll("\n", " "),
        `\ufeff${privateKey}`,
        `"${privateKey}"`,
        privateKey.replaceAll("\n", "\n      "),
        `${publicKey}${privateKey}`
      ]) {
        yield* takes(PrivateKey, text, privateKey)
        yield* takes(PrivateKey, "${KEY}", privateKey, { KEY: text })
        yield* takes(PrivateKey, file("key.pem", text), privateKey)
        yield* takes(PrivateKey, join(folder, "key.pem"), privateKey)
      }
      yield* takes(PrivateKey, "~/key.pem", privateKey)
    })
  )

  it.effect("that is none, or not to be used, is refused with what it is", () =>
    Effect.gen(function* () {
      const sealed = pair({ cipher: "aes-256-cbc", passphrase: "p" }).privateKey
      const curve = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({
        type: "pkcs8",
        format: "pem"
      })
      yield* refuses(PrivateKey, [
        [publicKey, "public key"],
        ["-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "certificate"],
        ["-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----", "for SSH"],
        [sealed, "passphrase"],
        [privateKey.slice(0, -40), "incomplete"],
        [privateKey.replace(secret, ""), "damaged"],
        [Buffer.from(privateKey).toString("base64"), "cannot be read"],
        [file("encoded", Buffer.from(privateKey).toString("base64")), "base64"],
        [privateKey.split("\n").slice(1).join("\n"), "cannot be read"],
        ["/no/such.pem", "the file /no/such.pem cannot be read"]
      ])
      yield* refuses(AppKey, [[String(curve), "no RSA key"]])
      yield* takes(PrivateKey, String(curve), String(curve))
      for (const text of [
        privateKey.split("\n").slice(1).join("\n"),
        secret,
        `/${secret}`,
        `~/${secret}`,
        `./${secret}.pem`,
        `file:${secret}`,
        `file:/${secret}`,
        Buffer.from(privateKey).toString("base64")
      ]) {
        const result = yield* read(PrivateKey, text)
        assert.notInclude(JSON.stringify(result), text.slice(text.search(/\w{9}/), 20), text)
      }
    })
  )
})
