/**
 * The parts of GitHub's answers that are read, and how much of each. Unknown states, missing runner names and extra
 * fields are accepted.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { without } from "../../secrets/Secrets.ts"
import * as Limits from "../../text/Limits.ts"
import { each } from "../Each.ts"

/** A word; none if it is missing, null or empty. */
const Word = Schema.optionalWith(
  Schema.transform(Schema.NullishOr(Schema.String), Schema.OptionFromSelf(Schema.String), {
    strict: true,
    decode: (word) =>
      Option.map(
        Option.filter(Option.fromNullable(word), (word) => word !== ""),
        (word) => Limits.kept(word, Limits.NAME)
      ),
    encode: Option.getOrNull
  }),
  { default: () => Option.none<string>() }
)

/** A text; empty if it is missing or null. `keep` limits it. */
const text = (keep: (text: string) => string) =>
  Schema.optionalWith(
    Schema.transform(Schema.NullishOr(Schema.String), Schema.String, {
      strict: true,
      decode: (text) => keep(text ?? ""),
      encode: (text) => text
    }),
    { default: () => "" }
  )
const Text = text((text) => Limits.kept(text, Limits.NAME))
/** A text that is only displayed, never sent back. */
const Title = text((text) => Limits.kept(without(text), Limits.NAME))
const Address = text(Limits.address)

/**
 * Labels verbatim, because a runner is registered with exactly these; more or longer ones than can be valid are cut.
 */
const Labels = Schema.optionalWith(
  Schema.transform(Schema.Array(Schema.String), Schema.Array(Schema.String), {
    strict: true,
    decode: (labels) => labels.slice(0, Limits.SEEN).map((label) => label.slice(0, Limits.SEEN)),
    encode: (labels) => labels
  }),
  { default: () => [], nullable: true }
)

const Flag = Schema.optionalWith(Schema.Boolean, { default: () => false, nullable: true })
const Attempt = Schema.optionalWith(Limits.Count, { default: () => 1, nullable: true })

/** A workflow run, as far as it is needed. */
export const Run = Schema.Struct({
  id: Limits.Id,
  name: Title,
  display_title: Title,
  status: Text,
  conclusion: Word,
  run_attempt: Attempt
})
/** A page of runs. */
export const Runs = Schema.pluck(Schema.Struct({ workflow_runs: each(Run) }), "workflow_runs")

/** A job of a run. */
export const Job = Schema.Struct({
  id: Limits.Id,
  run_id: Limits.Id,
  run_attempt: Attempt,
  name: Title,
  workflow_name: Title,
  head_sha: Text,
  html_url: Address,
  status: Text,
  conclusion: Word,
  labels: Labels,
  runner_name: Word,
  created_at: Text,
  started_at: Text
})
/** A page of jobs. */
export const Jobs = Schema.pluck(Schema.Struct({ jobs: each(Job) }), "jobs")

/** A registered runner. */
export const Runner = Schema.Struct({
  id: Limits.Id,
  name: Limits.Kept(Limits.NAME),
  status: Text,
  busy: Flag
})
/** A page of runners. */
export const Runners = Schema.pluck(Schema.Struct({ runners: each(Runner) }), "runners")
/** A page of an organisation's runner groups. */
export const RunnerGroups = Schema.pluck(
  Schema.Struct({
    runner_groups: each(Schema.Struct({ id: Limits.Id, name: Text, allows_public_repositories: Flag }))
  }),
  "runner_groups"
)
/** A just-in-time runner, with the secret that starts it. */
export const JitConfig = Schema.Struct({ runner: Runner, encoded_jit_config: Schema.Redacted(Schema.NonEmptyString) })

/** An App's installation. */
export const Installation = Schema.Struct({ id: Limits.Id })

/** What GitHub reports about an installation's token, without the token. */
export const Granted = Schema.Struct({ permissions: Schema.Record({ key: Schema.String, value: Schema.String }) })

/** A valid name of an account or a repository, which is one segment of a path. */
const Name = Schema.String.pipe(
  Schema.filter((name) => /^[\w.-]{1,100}$/.test(name) && !/^\.+$/.test(name), {
    description: "a name of GitHub's: letters, digits, _ . -"
  })
)

/** A repository. Its number does not change with its names. */
export const Repository = Schema.Struct({
  id: Limits.Id,
  name: Name,
  owner: Schema.Struct({ login: Name }),
  archived: Flag,
  disabled: Flag,
  /** Whether the repository is not public; true if the server does not say. */
  private: Schema.optionalWith(Schema.Boolean, { default: () => true, nullable: true }),
  /** Time of the last push. */
  pushed_at: Text
})
/** A page of an organisation's repositories. */
export const Repositories = each(Repository)
/** A page of the repositories that an App's installation may see. */
export const InstallationRepositories = Schema.pluck(Schema.Struct({ repositories: Repositories }), "repositories")

/** Whether Actions is enabled in a repository. */
export const Permissions = Schema.Struct({ enabled: Schema.Boolean })
/** A user or an organisation; `type` says which. */
export const Account = Schema.Struct({ type: Text })
