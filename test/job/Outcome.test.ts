import { assert, describe, it } from "@effect/vitest"
import { causeOf } from "../../src/job/Outcome.ts"
import { RegistrationError } from "../../src/job/RegistrationError.ts"
import { ciErrorOf } from "../../src/plugins/github/errors.ts"
import { AnkaError } from "../../src/services/Anka.ts"
import { GitHubError } from "../../src/services/GitHub.ts"
import { CAUSES } from "../../src/services/Metrics.ts"
import { TemplateError } from "../../src/services/Templates.ts"

describe("a failure", () => {
  it("is counted under its own cause, whatever its reason", () => {
    const failures = [
      ...AnkaError.fields.reason.literals.map((reason) => new AnkaError({ reason, command: "", detail: "" })),
      ...GitHubError.fields.reason.literals.map((reason) =>
        ciErrorOf(new GitHubError({ reason, request: "", detail: "" }))
      ),
      ...TemplateError.fields.reason.literals.map((reason) => new TemplateError({ reason, template: "", detail: "" })),
      ...RegistrationError.fields.reason.literals.map((reason) => new RegistrationError({ reason, detail: "" }))
    ]
    const causes = failures.map(causeOf)
    assert.strictEqual(new Set(causes).size, failures.length)
    for (const cause of causes) assert.include(CAUSES, cause)
    assert.include(causes, "anka_capacity_exceeded")
  })
})
