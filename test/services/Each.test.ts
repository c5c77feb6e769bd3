/** An unreadable item does not affect the others, and is reported once. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import { each, readable, told } from "../../src/services/Each.ts"
import { Once } from "../../src/services/Once.ts"

const Item = Schema.Struct({ name: Schema.String, size: Schema.optional(Schema.NumberFromString) })
const read = Schema.decodeUnknownSync(each(Item))

describe("a list of which each item is decoded by itself", () => {
  it("keeps all that can be read, in its order, among anything else", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.array(FastCheck.oneof(FastCheck.string(), FastCheck.anything())), (given) => {
        const list = given.map((it) => (typeof it === "string" ? { name: it } : it))
        const { items, unreadable } = read(list)
        const isItem = Schema.is(Schema.encodedSchema(Item))
        assert.deepStrictEqual(
          items.map(({ name }) => name),
          list.filter(isItem).map(({ name }) => name)
        )
        assert.strictEqual(items.length + unreadable.length, list.length)
        assert.deepStrictEqual(Schema.decodeUnknownSync(readable(Item))(list), items)
      })
    )
  })

  it("says of what is left out which it is and what is wrong with it", () => {
    const { unreadable } = read([{ name: "a" }, { name: null }, {}, 7, { name: "b", size: "x" }])
    assert.deepStrictEqual(
      unreadable.map(({ place, why }) => [place, why]),
      [
        [2, '"name" is null'],
        [3, '"name" is missing'],
        [4, "it is something else"],
        [5, '"size" is "x"']
      ]
    )
  })

  it("refuses what is no list", () => {
    for (const wrong of [{}, "[]", null, 7]) assert.throws(() => read(wrong))
  })

  it("is told once for each entry, whatever changes in it", () =>
    Effect.gen(function* () {
      const once = Once.make()
      let lines = 0
      const logger = Logger.make(() => void lines++)
      const seen = (day: number) => read([{ uuid: "a", name: null, day }, { uuid: "b", name: null, day }, { day }])
      for (const day of [1, 2, 3]) {
        yield* Effect.provide(told(once, "some list", seen(day)), Logger.replace(Logger.defaultLogger, logger))
      }
      assert.strictEqual(lines, 3)
    }).pipe(Effect.runPromise))

  it("is told at WARN once, on one line, without anything that moves a cursor", () =>
    Effect.gen(function* () {
      const once = Once.make()
      const list = read([{ name: "a" }, { name: 1, note: "\u001b[2J\n\u202eevil\u0085" }])
      const logged: Array<string> = []
      const logger = Logger.make(({ logLevel, message }) => void logged.push(`${logLevel.label} ${message}`))
      const value = yield* Effect.zipRight(told(once, "some list", list), told(once, "some list", list)).pipe(
        Effect.provide(Logger.replace(Logger.defaultLogger, logger))
      )
      assert.deepStrictEqual(value, [{ name: "a" }])
      assert.strictEqual(logged.length, 1)
      const [line = ""] = logged
      assert.match(line, /^WARN some list: entry 2 cannot be read, "name" is 1; it is left out: \{/)
      assert.match(line, /^[\x20-\x7e]*$/)
    }).pipe(Effect.runPromise))
})
