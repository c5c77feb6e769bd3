import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import { plan } from "../../../src/plugins/github/labels.ts"

const UUID = "d792c6f6-198c-470f-9526-9c998efe7ab4"
const planned = (...labels: ReadonlyArray<string>) => Option.getOrThrow(plan(labels, 7))
const accepted = (...labels: ReadonlyArray<string>) => Either.getOrThrow(planned(...labels))
const refused = (...labels: ReadonlyArray<string>) => Either.getOrThrow(Either.flip(planned(...labels)))

describe("labels", () => {
  it("of the usual job give template, tag and pin", () => {
    const { template, uniqueId } = accepted(
      "self-hosted",
      "anka",
      `anka-template:${UUID}`,
      "anka-template-tag:vanilla+port-forward-22+brew-git",
      "run-id:7",
      "unique-id:1"
    )
    assert.strictEqual(`${template}`, `${UUID}:vanilla+port-forward-22+brew-git`)
    assert.deepStrictEqual(uniqueId, Option.some("1"))
  })

  it("of the newer convention pin as well", () => {
    assert.deepStrictEqual(accepted(`anka-template:${UUID}`, "7-3").uniqueId, Option.some("7-3"))
    assert.deepStrictEqual(accepted(`anka-template:${UUID}`, "8-3").uniqueId, Option.none())
  })

  it("may name a priority from 0 to 9, and nothing else", () => {
    assert.deepStrictEqual(accepted("anka-template:a", "anklet-priority-2").priority, Option.some(2))
    assert.deepStrictEqual(accepted("anka-template:a").priority, Option.none())
    for (const wrong of ["anklet-priority-10", "anklet-priority-", "anklet-priority-high"]) {
      assert.include(refused("anka-template:a", wrong), "anklet-priority-0 (first) to anklet-priority-9 (last)")
    }
    assert.include(refused("anka-template:a", "anklet-priority-1", "anklet-priority-2"), "one label")
  })

  it("without a template are not ours", () => {
    assert.isTrue(Option.isNone(plan(["self-hosted", "macOS", "anka-template-tag:v1"], 7)))
  })

  it("match whatever their case; values stay as they are", () => {
    assert.strictEqual(`${accepted("Anka-Template:ABC", "ANKA-TEMPLATE-TAG:V1").template}`, "ABC:V1")
  })

  it("that contradict themselves are refused with the reason", () => {
    assert.include(refused("anka-template:a", "anka-template:b"), "2 templates")
    assert.include(refused("anka-template:a", "anka-template-tag:x", "anka-template-tag:y"), "2 tags")
    assert.include(refused("anka-template:a", "run-id:8"), "another run")
    assert.include(refused("anka-template:a", "unique-id:1", "unique-id:2"), "2 unique-id")
    assert.include(refused("anka-template:"), "cannot be a template")
    assert.include(refused("anka-template:--yes"), "cannot be a template")
    assert.include(refused("anka-template:a", "anka-template-tag:-f"), "cannot be a template's tag")
    assert.include(refused("anka-template:a\nb"), "cannot be a template")
  })

  it("whatever they hold never give an option to the hypervisor", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.array(
          FastCheck.oneof(
            FastCheck.string(),
            FastCheck.string().map((text) => `anka-template:${text}`),
            FastCheck.string().map((text) => `anka-template-tag:${text}`)
          )
        ),
        (labels) => {
          const result = Option.flatMap(plan(labels, 7), Either.getRight)
          if (Option.isNone(result)) return
          const { template } = result.value
          for (const word of [template.id, ...Option.toArray(template.tag)]) {
            assert.notStrictEqual(word, "")
            assert.notInclude(word[0] ?? "", "-")
          }
        }
      )
    )
  })
})
