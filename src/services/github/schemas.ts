/** What is read of GitHub's answers. Unknown states, missing runner names and extra fields are all right. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { each } from "../../Each.ts"

/** A word that may be missing, null or empty: none in all three cases. */
const Word = Schema.optionalWith(
  Schema.transform(Schema.NullishOr(Schema.String), Schema.OptionFromSelf(Schema.String), {
    strict: true,
    decode: (word) => Option.filter(Option.fromNullable(word), (word) => word !== ""),
    encode: Option.getOrNull
  }),
  { default: () => Option.none<string>() }
)

/** A text that may be missing or null: empty then. */
const Text = Schema.optionalWith(
  Schema.transform(Schema.NullishOr(Schema.String), Schema.String, {
    strict: true,
    decode: (text) => text ?? "",
    encode: (text) => text
  }),
  { default: () => "" }
)

const Flag = Schema.optionalWith(Schema.Boolean, { default: () => false, nullable: true })
const Attempt = Schema.optionalWith(Schema.Number, { default: () => 1, nullable: true })

/** A workflow run, as much of it as we need. */
export const Run = Schema.Struct({
  id: Schema.Number,
  name: Text,
  display_title: Text,
  status: Text,
  conclusion: Word,
  run_attempt: Attempt
})
/** A page of runs. */
export const Runs = Schema.pluck(Schema.Struct({ workflow_runs: each(Run) }), "workflow_runs")

/** A job of a run. */
export const Job = Schema.Struct({
  id: Schema.Number,
  run_id: Schema.Number,
  run_attempt: Attempt,
  name: Text,
  workflow_name: Text,
  head_sha: Text,
  html_url: Text,
  status: Text,
  conclusion: Word,
  labels: Schema.optionalWith(Schema.Array(Schema.String), { default: () => [], nullable: true }),
  runner_name: Word,
  created_at: Text,
  started_at: Text
})
/** A page of jobs. */
export const Jobs = Schema.pluck(Schema.Struct({ jobs: each(Job) }), "jobs")

/** A registered runner. */
export const Runner = Schema.Struct({
  id: Schema.Number,
  name: Schema.String,
  status: Text,
  busy: Flag
})
/** A page of runners. */
export const Runners = Schema.pluck(Schema.Struct({ runners: each(Runner) }), "runners")
/** A page of an organisation's runner groups. */
export const RunnerGroups = Schema.pluck(
  Schema.Struct({ runner_groups: each(Schema.Struct({ id: Schema.Number, name: Text })) }),
  "runner_groups"
)
/** A just-in-time runner, with the secret that starts it. */
export const JitConfig = Schema.Struct({ runner: Runner, encoded_jit_config: Schema.Redacted(Schema.NonEmptyString) })

/** An App's installation. */
export const Installation = Schema.Struct({ id: Schema.Number })

/** What is told of an installation's token besides the token. */
export const Granted = Schema.Struct({ permissions: Schema.Record({ key: Schema.String, value: Schema.String }) })

/** A repository. Its number stays when its names change. */
export const Repository = Schema.Struct({
  id: Schema.Number,
  name: Schema.String,
  owner: Schema.Struct({ login: Schema.String }),
  archived: Flag,
  disabled: Flag,
  /** When somebody pushed to it last. */
  pushed_at: Text
})
/** A page of an organisation's repositories. */
export const Repositories = each(Repository)
/** A page of the repositories that an App's installation may see. */
export const InstallationRepositories = Schema.pluck(Schema.Struct({ repositories: Repositories }), "repositories")

/** Whether Actions is switched on in a repository. */
export const Permissions = Schema.Struct({ enabled: Schema.Boolean })
/** A user or an organisation; `type` says which. */
export const Account = Schema.Struct({ type: Text })
