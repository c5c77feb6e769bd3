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
    assert.isTrue(Option.isNone(plan(["self-hosted", "macOS", "run-id:7"], 7)))
  })

  it("with a tag and no template are refused: the tag is meant for us", () => {
    assert.include(refused("self-hosted", "anka-template-tag:v1"), "names no template: add anka-template:<uuid>")
    assert.include(refused("self-hosted", "anka-template-tag:"), "names no template")
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

  it("are read without the space around them, and without what nobody sees", () => {
    for (const template of [` ${UUID}`, `${UUID} `, `\u200b${UUID}\u00a0`, `${UUID}\n`]) {
      assert.strictEqual(`${accepted(`anka-template:${template}`, "anka-template-tag: v1 ").template}`, `${UUID}:v1`)
    }
    assert.strictEqual(accepted(` anka-template :${UUID}`).template.id, UUID)
    assert.deepStrictEqual(
      accepted(`anka-template:${UUID}`, " anklet-priority-2 ", "run-id: 7").priority,
      Option.some(2)
    )
    assert.strictEqual(accepted("anka-template:macOS 15 vanilla").template.id, "macOS 15 vanilla")
  })

  const mistypedLabels = [
    `anka_template:${UUID}`,
    `anka-template=${UUID}`,
    `ankatemplate:${UUID}`,
    `anka-templates:${UUID}`,
    `anka template:${UUID}`,
    `Anka-Tempalte:${UUID}`,
    `anklet-template:${UUID}`,
    `anka-template：${UUID}`,
    `anka–template:${UUID}`,
    `"anka-template:${UUID}"`,
    "anka-template",
    "ANKA_TEMPLATE=x",
    "anka-templates-tag:v1"
  ]
  for (const label of mistypedLabels) {
    it(`such as ${label} are told, for they were meant to name a template`, () => {
      const why = refused("self-hosted", label)
      assert.include(why, JSON.stringify(label))
      assert.include(why, 'should be "anka-template')
    })
  }

  it("that others use are not ours, whatever they remind of", () => {
    for (const label of [
      "template:x",
      "my-template",
      "anka",
      "banana-plate:1",
      "macos-template",
      "run_id:7",
      "x".repeat(999)
    ]) {
      assert.isTrue(Option.isNone(plan(["self-hosted", label], 7)), label)
    }
  })

  it("of which several are written as one are told as that", () => {
    for (const label of [
      `self-hosted,anka,anka-template:${UUID}`,
      `self-hosted anka anka-template:${UUID}`,
      `[self-hosted, "anka-template:${UUID}"]`,
      `anka-template:${UUID},anka-template-tag:v1`,
      `anka-template:${UUID} run-id:7`,
      "anka-template:macos,self-hosted"
    ]) {
      assert.include(refused(label), "several labels in one", label)
    }
    assert.include(refused(`anka-template:${UUID}:v1`), "goes on behind the UUID")
  })

  it("that cannot be meant as they are written are refused, and shown in quotes", () => {
    assert.include(refused(`anka-template:"${UUID}"`), "quotes or brackets")
    assert.include(refused("anka-template:a", "anka-template-tag:“v1”"), "quotes or brackets")
    assert.include(refused("anka-template:<uuid>"), "quotes or brackets")
    assert.include(refused("anka-template:${{ env.TEMPLATE }}"), "did not replace")
    assert.include(refused("anka-template:a", "run-id:${{ github.run_id }}"), "did not replace")
    assert.include(refused("anka-template:  "), '"" cannot be a template')
  })

  it("that are near one of ours are doubted, and the job runs", () => {
    const doubted = (label: string) => accepted(`anka-template:${UUID}`, "self-hosted", "7-1", label).doubts
    for (const [label, right] of [
      ["anka_template_tag:v1", "anka-template-tag:<tag>"],
      ["anka-tag:v1", "anka-template-tag:<tag>"],
      ["runid:7", "run-id:<run id>"],
      ["unique_id=1", "unique-id:<id>"],
      ["anklet-priority:2", "anklet-priority-<0 to 9>"],
      ["anka-priority-2", "anklet-priority-<0 to 9>"],
      ["anka_template:x", "anka-template:<uuid>"]
    ] as const) {
      const [doubt = "none"] = doubted(label)
      assert.include(doubt, right)
      assert.include(doubt, JSON.stringify(label))
    }
    assert.lengthOf(doubted("unique-id:${{ x }}"), 1)
    for (const label of [
      "macOS",
      "anka",
      "run",
      "anka-template-tag:v1",
      "unique-id:1",
      "anklet-priority-3",
      "xcode-16"
    ]) {
      assert.deepStrictEqual(doubted(label), [], label)
    }
  })

  it("that GitHub gives no runner are refused: more than 100, or one of more than 256 characters", () => {
    const many = (count: number) => [`anka-template:${UUID}`, ...Array.from({ length: count - 1 }, (_, n) => `x${n}`)]
    assert.isTrue(Either.isRight(planned(...many(100))))
    assert.include(refused(...many(101)), "101 labels")
    assert.isTrue(Either.isRight(planned(`anka-template:${UUID}`, "x".repeat(256))))
    const why = refused(`anka-template:${UUID}`, "x".repeat(300))
    assert.include(why, "300 characters")
    assert.isBelow(why.length, 300)
    assert.include(refused(`anka-template:${"x".repeat(300)}`), "314 characters")
  })

  it("that name what no template and no tag can be called are refused with the value in quotes", () => {
    for (const wrong of [
      "../../x",
      "$(touch x)",
      "x`id`",
      "<img src=x",
      "__proto__",
      "\ud800x",
      "a/b",
      "a?b",
      "anklet-vm-1"
    ]) {
      assert.include(refused(`anka-template:${wrong}`), `${JSON.stringify(wrong)} cannot be a template's UUID`)
    }
    for (const wrong of ["../x", "$(touch x)", "x`id`", "<img", "\ud800x", "a/b", "x\udc00"]) {
      const why = refused("anka-template:a", `anka-template-tag:${wrong}`)
      assert.include(why, `${JSON.stringify(wrong)} cannot be a template's tag`)
    }
    for (const broken of ["unique-id:\ud800", "7-\ud800"]) {
      assert.include(refused("anka-template:a", broken), "half a character")
    }
    assert.isTrue(Either.isRight(planned("anka-template:a", "other-\ud800")), "it is none of ours to judge")
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
