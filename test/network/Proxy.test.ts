import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { assert, describe, it } from "vitest"
import { nameOf, parse } from "../../src/network/Proxy.ts"

const read = (text: string) => {
  const proxy = parse(text, "HTTPS_PROXY")
  if (typeof proxy === "string") return proxy
  const signIn = Option.map(proxy.authorization, (value) =>
    Buffer.from(Redacted.value(value).replace(/^Basic /, ""), "base64").toString()
  )
  return { at: `${proxy.isSecure ? "https" : "http"} ${nameOf(proxy)}`, signIn: Option.getOrUndefined(signIn) }
}

describe("a proxy's address", () => {
  for (const [text, at, signIn] of [
    ["http://proxy.corp:3128", "http proxy.corp:3128"],
    ["http://proxy.corp:3128/", "http proxy.corp:3128"],
    ["  http://proxy.corp:3128\n", "http proxy.corp:3128"],
    ["proxy.corp:3128", "http proxy.corp:3128"],
    ["proxy.corp", "http proxy.corp:80"],
    ["HTTP://proxy.corp", "http proxy.corp:80"],
    ["https://proxy.corp", "https proxy.corp:443"],
    ["10.0.0.1:8080", "http 10.0.0.1:8080"],
    ["http://[fd00::1]:3128", "http [fd00::1]:3128"],
    ["[fd00::1]:3128", "http [fd00::1]:3128"],
    ["http://jane:s3cret@proxy.corp:3128", "http proxy.corp:3128", "jane:s3cret"],
    ["jane:s3cret@proxy.corp:3128", "http proxy.corp:3128", "jane:s3cret"],
    ["http://CORP%5Cjane:p%40ss%3A%2F%23%25@proxy.corp:3128", "http proxy.corp:3128", "CORP\\jane:p@ss:/#%"],
    ["http://token@proxy.corp:3128", "http proxy.corp:3128", "token:"]
  ] as const) {
    it(`${JSON.stringify(text)} is understood`, () => {
      assert.deepStrictEqual(read(text), { at, signIn })
    })
  }

  for (const text of [
    "http://",
    "http://:3128",
    "http://proxy.corp:99999",
    "http://proxy corp:3128",
    "ftp://proxy.corp:21",
    "socks5://CANARY:CANARY@proxy.corp:1080",
    "file:///CANARY",
    "http://CANARY:57#CANARY@proxy.corp:3128",
    "http://CANARY:CANARY#CANARY@proxy.corp:3128",
    "http://CANARY:CANARY%zz@proxy.corp:3128",
    "http://CANARY:CAN/ARY@proxy.corp:3128",
    "http://proxy.corp:3128/CANARY.pac",
    "http://proxy.corp:3128?user=CANARY"
  ]) {
    it(`${JSON.stringify(text)} is refused with what was expected, and nothing of it is told`, () => {
      const wrong = read(text)
      assert.isString(wrong)
      assert.match(String(wrong), /http:\/\/proxy\.example\.com:3128|%25/)
      assert.notMatch(String(wrong), /CANARY|CAN\b|corp/)
    })
  }

  it("is in no text that is made of it", () => {
    const proxy = parse("http://jane:CANARY@proxy.corp:3128", "HTTPS_PROXY")
    assert.notMatch(JSON.stringify(proxy), /CANARY|jane|SmFuZTp|amFuZ/)
  })
})
