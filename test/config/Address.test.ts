import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { assert, describe, it } from "vitest"
import { Registry, withoutUsers } from "../../src/config/Address.ts"

const read = (text: string) => Schema.decodeUnknownEither(Registry)(text)

describe("the registry of a service", () => {
  it("is an address, or a name that Anka has for one", () => {
    for (const text of ["http://registry:8089", "https://me:p@registry/?key=k", "my-registry", "a registry of ours"])
      assert.deepStrictEqual(read(text), Either.right(text))
  })

  for (const [text, words] of [
    ["http://registry:8089/#CANARY", "behind #"],
    ["ftp://CANARY", "https:// or http://"],
    ["https://", "https:// or http://"],
    [" ", "the address of a registry"]
  ] as const)
    it(`is not "${text}"`, () => {
      const found = read(text)
      assert.include(Either.isLeft(found) ? found.left.message : "it is taken", words)
    })
})

describe("text with addresses in it", () => {
  for (const secret of ["https://u:CANARY@h/x", "https://CANARY@h/x", "https://:CANARY@h/x", "https://h/x?sig=CANARY"])
    it(`is shown without the secret of ${secret.replace("CANARY", "…")}`, () => {
      assert.notInclude(withoutUsers(`anka registry --remote ${secret} list: ${secret} refuses`), "CANARY")
    })

  it("stays as it is where there are none", () => {
    for (const text of ["a b@c d", "https://h/a@b", "at https://h:1/x, said u@h", "what? no"])
      assert.strictEqual(withoutUsers(text), text)
  })
})
