import * as Schema from "effect/Schema"
import { assert, describe, it } from "vitest"
import { Level, nameOf, WrittenLevel } from "../../../src/services/GitHub.ts"

const repository = Level.Repository({ owner: "o", repo: "r" })
const organisation = Level.Organisation({ owner: "o" })
const enterprise = Level.Enterprise({ enterprise: "e" })

describe("where runners are registered", () => {
  for (const [level, written, name] of [
    [repository, { owner: "o", repo: "r" }, "o/r"],
    [organisation, { owner: "o" }, "o"],
    [enterprise, { enterprise: "e" }, "the enterprise e"]
  ] as const)
    it(`is in the ledger as it always was: ${name}`, () => {
      assert.deepStrictEqual(Schema.encodeSync(WrittenLevel)(level), written)
      assert.deepStrictEqual(Schema.decodeUnknownSync(WrittenLevel)(written), level)
      assert.strictEqual(nameOf(level), name)
    })
})
