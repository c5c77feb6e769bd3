import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as schemas from "../../../src/services/GitHub/schemas.ts"

const require = createRequire(import.meta.url)
const json = (name: string) => JSON.parse(readFileSync(require.resolve(name), "utf8"))

interface Event {
  readonly name: string
  readonly examples: ReadonlyArray<Record<string, unknown>>
}

describe("GitHub's own samples are read", () => {
  const events: ReadonlyArray<Event> = json("@octokit/webhooks-examples/api.github.com/index.json")

  for (const [event, key, schema] of [
    ["workflow_job", "workflow_job", schemas.Job],
    ["workflow_run", "workflow_run", schemas.Run]
  ] as const) {
    const examples = events.find(({ name }) => name === event)?.examples ?? []
    it(`in all ${examples.length} payloads of ${event}`, () => {
      assert.isAbove(examples.length, 0)
      for (const example of examples) {
        const decoded = Schema.decodeUnknownSync(Schema.typeSchema(Schema.Unknown))(example[key])
        const read: { readonly id: number } = Schema.decodeUnknownSync<{ readonly id: number }, unknown>(
          schema as never
        )(decoded)
        assert.strictEqual(read.id, Reflect.get(Object(example[key]), "id"))
      }
    })
  }

  const { components } = json("@octokit/openapi/generated/api.github.com.json")
  for (const [name, schema] of [
    ["workflow-run-paginated", schemas.Runs],
    ["workflow-run", schemas.Run],
    ["job-paginated", schemas.Jobs],
    ["job", schemas.Job],
    ["runner-paginated", schemas.Runners],
    ["runner", schemas.Runner],
    ["runner-jitconfig", schemas.JitConfig],
    ["minimal-repository-items", schemas.Repositories],
    ["repository-paginated-2", schemas.InstallationRepositories]
  ] as const) {
    it(`in the description's example "${name}"`, () => {
      const example = components.examples[name]?.value
      assert.isDefined(example)
      assert.isDefined(Schema.decodeUnknownSync<unknown, unknown>(schema as never)(example))
    })
  }
})
