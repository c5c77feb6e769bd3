/** The plugin's own keys of a service in the config. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { PrivateKey, Secret } from "../../Config.ts"
import { App, type Credential, Level, Token, Watched } from "../../services/GitHub.ts"

const optional = <A, I, R>(schema: Schema.Schema<A, I, R>) => Schema.optionalWith(schema, { as: "Option", exact: true })
const withDefault = <A, I, R>(schema: Schema.Schema<A, I, R>, value: A) =>
  Schema.optionalWith(schema, { exact: true, default: () => value })

/** Default time in which a started runner must come online and get its job, in seconds. */
export const REGISTRATION_TIMEOUT = 300

/** The version of GitHub's runner that is installed where a template has none (github.com/actions/runner/releases). */
export const RUNNER_VERSION = "2.338.0"

/** SHA-256 of that version's archives for macOS, as its release page states them. */
export const RUNNER_SHA256: Readonly<Record<string, string>> = {
  arm64: "df4cebda25c86a886ed204e49fee63f5c2e7cec5f447b5c98440a826bbdf9df2",
  x64: "dea7a58796ce215fc424a8b27c0fdd9b813fa5fc03d109a4a1d38131d6bfa1a3"
}

/** Where runner archives come from; `{arch}` and `{version}` are replaced. */
export const RUNNER_URL =
  "https://github.com/actions/runner/releases/download/v{version}/actions-runner-osx-{arch}-{version}.tar.gz"

/** Keys of a service whose `plugin` is `github`. */
export const GitHubConfig = Schema.Struct({
  token: optional(Secret),
  app_id: optional(Schema.Positive),
  installation_id: optional(Schema.Positive),
  private_key: optional(PrivateKey),
  registration: Schema.Literal("repo", "org"),
  owner: Schema.NonEmptyString,
  repo: optional(Schema.NonEmptyString),
  api_url: withDefault(Schema.String.pipe(Schema.pattern(/^https?:\/\/\S+$/)), "https://api.github.com"),
  registry_url: optional(Schema.NonEmptyString),
  runner_group: withDefault(Schema.Positive, 1),
  registration_timeout: withDefault(Schema.Number.pipe(Schema.between(1, 86_400)), REGISTRATION_TIMEOUT),
  runner_version: withDefault(Schema.String.pipe(Schema.pattern(/^\d+\.\d+\.\d+$/)), RUNNER_VERSION),
  runner_sha256: optional(Schema.String.pipe(Schema.pattern(/^[0-9a-f]{64}$/))),
  runner_url: withDefault(Schema.String.pipe(Schema.pattern(/^https?:\/\/\S+$/)), RUNNER_URL)
}).pipe(
  Schema.filter((config) => {
    const issues: Array<{ path: ReadonlyArray<string>; message: string }> = []
    const app: ReadonlyArray<Option.Option<unknown>> = [config.app_id, config.installation_id, config.private_key]
    if (Option.isNone(config.token) && !app.every(Option.isSome)) {
      issues.push({
        path: ["token"],
        message: "a token, or a GitHub App with app_id, installation_id and private_key, is needed"
      })
    }
    if (Option.isSome(config.token) && app.some(Option.isSome)) {
      issues.push({ path: ["token"], message: "give either a token or a GitHub App, not both" })
    }
    if (config.registration === "repo" && Option.isNone(config.repo)) {
      issues.push({ path: ["repo"], message: "registration: repo needs the repository's name" })
    }
    if (config.runner_version !== RUNNER_VERSION && Option.isNone(config.runner_sha256)) {
      issues.push({
        path: ["runner_sha256"],
        message: `runner_version ${config.runner_version} needs the SHA-256 of its archive, from its release page`
      })
    }
    return issues
  })
)
export type GitHubConfig = typeof GitHubConfig.Type

/** What the service signs in with. */
export const credentialOf = (config: GitHubConfig): Credential =>
  Option.match(Option.all([config.app_id, config.installation_id, config.private_key]), {
    onSome: ([appId, installationId, privateKey]) =>
      App.make({ apiUrl: config.api_url, appId, installationId, privateKey }),
    onNone: () => Token.make({ apiUrl: config.api_url, token: Option.getOrThrow(config.token) })
  })

/** What the service watches. */
export const watchedOf = ({ owner, repo }: GitHubConfig): Watched => Watched.make({ owner, repo })

/** Where its runners are registered. */
export const levelOf = ({ registration, owner, repo }: GitHubConfig): Level =>
  Level.make({ owner, repo: registration === "repo" ? repo : Option.none() })

/** What all hosts that watch one scope must do alike: a runner's name keeps a second one away only within one level and group. */
export const termsOf = ({ registration, runner_group }: GitHubConfig): string =>
  `registration: ${registration}${registration === "org" && runner_group !== 1 ? ` in runner_group ${runner_group}` : ""}`

/** Address and SHA-256 of the archive for a Mac of this architecture. */
export const archiveOf = (config: GitHubConfig, arch: string): { readonly url: string; readonly sha256: string } => ({
  url: config.runner_url.replaceAll("{version}", config.runner_version).replaceAll("{arch}", arch),
  sha256: Option.getOrElse(config.runner_sha256, () => RUNNER_SHA256[arch] ?? "")
})
