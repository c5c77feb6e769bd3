/** What counts as an echo of a secret, and what does not. Secrets belong to the process, so each test has its own. */
import { randomBytes } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Redacted from "effect/Redacted"
import { during, latest } from "../../src/secrets/held.ts"
import * as Secrets from "../../src/secrets/Secrets.ts"
import { bounded, excerpt } from "../../src/text/Text.ts"

/** Runs while this secret is known. */
const knowing = <A>(secret: string, see: () => A): A =>
  Effect.runSync(Effect.scoped(Effect.zipRight(during(Redacted.make(secret)), Effect.sync(see))))

const hexOf = (text: string) => Buffer.from(text).toString("hex")

/** Ways in which a server, a shell or a library writes what it was sent. */
const WAYS: Readonly<Record<string, (secret: string) => string>> = {
  "as it is": (it) => it,
  "in an address": encodeURIComponent,
  "as the password of a URL": (it) => {
    const url = new URL("http://h")
    url.password = it
    return url.href
  },
  "as a form's field": (it) => new URLSearchParams({ it }).toString(),
  "percent-encoded wholly": (it) => hexOf(it).replace(/../g, "%$&"),
  "in JSON": JSON.stringify,
  "in JSON in JSON": (it) => JSON.stringify({ message: JSON.stringify({ it }) }),
  "in hex": hexOf,
  "in upper-case hex": (it) => hexOf(it).toUpperCase(),
  "by \\x": (it) => hexOf(it).replace(/../g, "\\x$&"),
  "in base64": (it) => Buffer.from(it).toString("base64"),
  "in base64, behind one byte": (it) => Buffer.from(`:${it}`).toString("base64"),
  "in base64, behind two bytes": (it) => Buffer.from(`u:${it}`).toString("base64"),
  "as Git signs in": (it) => `basic ${Buffer.from(`x-access-token:${it}`).toString("base64")}`,
  "in base64 for addresses": (it) => Buffer.from(`${it}:`).toString("base64url"),
  "as bash quotes it": (it) => `'${it.replaceAll("'", "'\\''")}'`,
  "in HTML": (it) => it.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/"/g, "&quot;"),
  "with white space in it": (it) => it.replace(/.{5}/gu, "$&\n "),
  "in capitals": (it) => it.toUpperCase(),
  "with invisible characters in it": (it) => it.replace(/.{4}/gu, "$&\u200b")
}

const MEMBERS = [
  "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVW",
  "ghs_16C7e42F292c6912E7710c838347Ae178B4a",
  "p&ss/w+rd=<1>\"2'3 4",
  "correct horse battery staple",
  "pässwörd-🔑-geheim",
  randomBytes(1500).toString("base64")
]

describe("a secret", () => {
  for (const [how, write] of Object.entries(WAYS)) {
    it(`is hidden ${how}`, () => {
      for (const secret of MEMBERS) {
        const written = write(secret)
        const hidden = knowing(secret, () => Secrets.without(`GitHub says: ${written}, and more`))
        assert.include(hidden, Secrets.HIDDEN, `${written} of ${secret}`)
        assert.notInclude(hidden, written)
        assert.match(hidden, /^GitHub says: /)
        assert.match(hidden, /, and more$/)
      }
    })
  }

  it("is hidden where it is cut, at either end", () => {
    for (const secret of MEMBERS) {
      const half = Math.ceil(secret.length / 2)
      if (half < 20) continue
      for (const write of [WAYS["as it is"]!, WAYS["in base64"]!, WAYS["in hex"]!]) {
        const written = write(secret)
        for (const part of [written.slice(0, written.length / 2), written.slice(-written.length / 2)]) {
          const hidden = knowing(secret, () => Secrets.without(`before ${part} behind`))
          assert.include(hidden, Secrets.HIDDEN)
          assert.notInclude(hidden, part)
        }
      }
    }
  })

  it("that is a key is hidden by each of its lines, and not by those that all keys have", () => {
    const body = randomBytes(600).toString("base64").replace(/.{64}/g, "$&\n")
    const pem = `-----BEGIN RSA PRIVATE KEY-----\n${body}\n-----END RSA PRIVATE KEY-----\n`
    knowing(pem, () => {
      for (const line of body.split("\n").slice(0, -1)) assert.strictEqual(Secrets.without(line), Secrets.HIDDEN)
      const words = "expected -----BEGIN RSA PRIVATE KEY----- first"
      assert.strictEqual(Secrets.without(words), words)
      assert.notInclude(Secrets.without(JSON.stringify(pem)), body.slice(70, 90))
    })
  })

  it("of few characters is hidden as a word, if it is none", () => {
    knowing("hunter2", () => {
      assert.strictEqual(Secrets.without("args: 'hunter2'"), "args: '<redacted>'")
      assert.strictEqual(Secrets.without("hunter21 xhunter2"), "hunter21 xhunter2")
      assert.notInclude(Secrets.without(WAYS["in base64, behind two bytes"]!("hunter2")), "aHVudGVyMg")
    })
    for (const sign of "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ \u00e4\u2028")
      knowing(`p4${sign}w`, () => assert.notInclude(Secrets.without(`says (p4${sign}w) back`), `p4${sign}w`))
    for (const word of ["ci", "main", "redis", "12345"])
      knowing(word, () => assert.strictEqual(Secrets.without(`the ${word} of ${word}`), `the ${word} of ${word}`))
  })

  it("is forgotten with the last scope that knew it", () => {
    const secret = MEMBERS[1]!
    knowing(secret, () => {
      knowing(secret, () => {})
      assert.strictEqual(Secrets.without(secret), Secrets.HIDDEN)
    })
    assert.strictEqual(Secrets.without(secret), secret)
  })

  it("that others follow is hidden until so many did", () => {
    const tokens = Array.from({ length: 4 }, () => `ghs_${randomBytes(20).toString("hex")}`)
    Effect.runSync(
      Effect.scoped(
        Effect.map(latest(3), (next) => {
          for (const token of [...tokens, ...tokens.slice(1)]) next(token)
          assert.deepStrictEqual(
            tokens.map((token) => Secrets.without(token) === Secrets.HIDDEN),
            [false, true, true, true]
          )
        })
      )
    )
    for (const token of tokens) assert.strictEqual(Secrets.without(token), token)
  })

  it("of an address is its password, or its user alone, whether it is an address by the book or not", () => {
    for (const [address, secret] of [
      ["redis://:pw-of-no-user@host:6379/2", "pw-of-no-user"],
      ["http://user:pw%40first@proxy:3128", "pw@first"],
      ["user:pw-without-scheme@proxy:3128", "pw-without-scheme"],
      ["http://token-alone-1@proxy", "token-alone-1"],
      ["redis://u:torn/pass#wor?d@host", "torn/pass#wor?d"],
      ["https://archive.example.com/x?v=1&sig=a%2Fsignature", "a/signature"]
    ] as const) {
      Secrets.keepIn(address)
      assert.strictEqual(Secrets.without(secret), Secrets.HIDDEN, address)
      assert.notInclude(Secrets.without(address), secret)
    }
    for (const address of ["redis.example.com", "redis://redis.example.com:6379", "http://proxy.example.com:3128"]) {
      Secrets.keepIn(address)
      assert.strictEqual(Secrets.without(address), address)
    }
  })
})

it("is no reason to call something by another name: only what is told is without it", () => {
  knowing("completed", () => {
    assert.strictEqual(bounded("completed", 20), "completed")
    assert.strictEqual(excerpt("completed", 20), Secrets.HIDDEN)
  })
})

describe("a text", () => {
  it("without a secret in it stays as it is, whatever it is", () => {
    knowing(MEMBERS[0]!, () =>
      FastCheck.assert(
        FastCheck.property(FastCheck.fullUnicodeString({ maxLength: 300 }), (text) => {
          assert.strictEqual(Secrets.without(text), text)
        })
      )
    )
  })

  it("loses each secret, wherever it stands in it", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.string(),
        FastCheck.string({ minLength: 16, maxLength: 40 }).filter((it) => it.replace(/\s/g, "").length >= 12),
        FastCheck.string(),
        (before, secret, behind) => {
          const hidden = knowing(secret, () => Secrets.without(`${before}${secret}${behind}${secret}`))
          assert.notInclude(hidden, secret.trim())
        }
      )
    )
  })
})
