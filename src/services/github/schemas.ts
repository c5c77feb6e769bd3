/** What is read of GitHub's answers. Unknown states, missing runner names and extra fields are all right. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** A word that may be missing, null or empty: none in all three cases. */
const Word = Schema.optionalWith(
  Schema.transform(Schema.NullishOr(Schema.String), Schema.OptionFromSelf(Schema.String), {
    strict: true,
    decode: (word) => Option.filter(Option.fromNullable(word), (word) => word !== ""),
    encode: Option.getOrNull
  }),
  { default: () => Option.none<string>() }
)

const Text = Schema.optionalWith(
  Schema.transform(Schema.NullishOr(Schema.String), Schema.String, {
    strict: true,
    decode: (text) => text ?? "",
    encode: (text) => text
  }),
  { default: () => "" }
)

export const Run = Schema.Struct({
  id: Schema.Number,
  name: Text,
  display_title: Text,
  status: Text,
  run_attempt: Schema.optionalWith(Schema.Number, { default: () => 1 })
})
export const Runs = Schema.Struct({ workflow_runs: Schema.Array(Run) })

export const Job = Schema.Struct({
  id: Schema.Number,
  run_id: Schema.Number,
  run_attempt: Schema.optionalWith(Schema.Number, { default: () => 1 }),
  name: Text,
  workflow_name: Text,
  head_sha: Text,
  html_url: Text,
  status: Schema.String,
  conclusion: Word,
  labels: Schema.optionalWith(Schema.Array(Schema.String), { default: () => [] }),
  runner_name: Word,
  created_at: Text,
  started_at: Text
})
export const Jobs = Schema.Struct({ jobs: Schema.Array(Job) })

export const Runner = Schema.Struct({
  id: Schema.Number,
  name: Schema.String,
  status: Text,
  busy: Schema.optionalWith(Schema.Boolean, { default: () => false })
})
export const Runners = Schema.Struct({ runners: Schema.Array(Runner) })
export const JitConfig = Schema.Struct({ runner: Runner, encoded_jit_config: Schema.Redacted(Schema.NonEmptyString) })

export const Repository = Schema.Struct({
  name: Schema.String,
  owner: Schema.Struct({ login: Schema.String }),
  archived: Schema.optionalWith(Schema.Boolean, { default: () => false }),
  disabled: Schema.optionalWith(Schema.Boolean, { default: () => false }),
  pushed_at: Text
})
export const Repositories = Schema.Array(Repository)
export const InstallationRepositories = Schema.Struct({ repositories: Repositories })
