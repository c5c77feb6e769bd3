/** What is read of GitHub's answers, and how much of it. Unknown states, missing runner names and extra fields are all right. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { without } from "../../secrets/Secrets.ts"
import * as Limits from "../../text/Limits.ts"
import { each } from "../Each.ts"

/** A word that may be missing, null or empty: none in all three cases. */
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

/** A text that may be missing or null: empty then. As much of it is taken as `keep` leaves. */
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
/** What is only told, and never asked for. */
const Title = text((text) => Limits.kept(without(text), Limits.NAME))
const Address = text(Limits.address)

/** Labels as they are, since a runner is registered for exactly these; more of them, and longer ones, than can be right are cut. */
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

/** A workflow run, as much of it as we need. */
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

/** What is told of an installation's token besides the token. */
export const Granted = Schema.Struct({ permissions: Schema.Record({ key: Schema.String, value: Schema.String }) })

/** What GitHub lets an account or a repository be called, so that it is one part of a path. */
const Name = Schema.String.pipe(
  Schema.filter((name) => /^[\w.-]{1,100}$/.test(name) && !/^\.+$/.test(name), {
    description: "a name of GitHub's: letters, digits, _ . -"
  })
)

/** A repository. Its number stays when its names change. */
export const Repository = Schema.Struct({
  id: Limits.Id,
  name: Name,
  owner: Schema.Struct({ login: Name }),
  archived: Flag,
  disabled: Flag,
  /** Whether not everybody may see it; so where a server does not tell. */
  private: Schema.optionalWith(Schema.Boolean, { default: () => true, nullable: true }),
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
