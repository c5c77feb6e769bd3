/** The words of Anklet 1 and 2: their keys, their plugins, and the variables of the environment that they read. */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"

/** The page that says, key by key, what became of them. */
export const GUIDE = "docs/moving-in.md"

/** The version of Anklet that a config is for. */
export type Era = 1 | 2

/** Plugins that only those versions had: both received webhooks. */
export const RECEIVERS: ReadonlyArray<unknown> = ["github_controller", "github_receiver"]

/** Keys of a service that Anklet 2 had, and this one does not. */
const OF_2 = [
  ...["enterprise", "queue_name", "skip_pull", "registration_timeout_seconds", "job_retry_attempts"],
  ...["template_disk_buffer", "skip_cpu_and_memory_resource_checks", "host_to_guest_folder_mounts"]
]
/** Keys of a service that Anklet 1 had, and this one does not. */
const OF_1 = ["workflows", "hook_id", "skip_redeliver"]

const has = (value: unknown, keys: ReadonlyArray<string>) =>
  Predicate.isRecord(value) && keys.some((key) => Object.hasOwn(value, key))

/** Which older version a config is for; none for a config of today, or for what is no config. */
export const eraOf = (content: unknown): Option.Option<Era> => {
  if (!Predicate.isRecord(content)) return Option.none()
  if (Object.keys(content).some((key) => key === "plugins" || key.startsWith("global_"))) return Option.some(2)
  const services = (Array.isArray(content.services) ? content.services : []).filter(Predicate.isRecord)
  const ours = services.filter(({ plugin }) => plugin === "github")
  if (ours.some((service) => has(service, OF_2) || has(service.database, DATABASE_OF_2))) return Option.some(2)
  const isOf1 =
    services.some(({ plugin }) => RECEIVERS.includes(plugin)) ||
    ours.some((service) => has(service, OF_1)) ||
    has(content, ["log_file_dir"]) ||
    has(content.metrics, METRICS_OF_1)
  return isOf1 ? Option.some(1) : Option.none()
}

const DATABASE_OF_2 = ["cluster_mode", "tls_enabled", "tls_insecure"]
const METRICS_OF_1 = ["aggregator", "metrics_urls", "sleep_interval", "database"]

/** What a variable's text means. */
export type Sort = "text" | "secret" | "number" | "flag" | "list"

/** Keys of a store, with what a variable for each holds. */
export const DATABASE: Readonly<Record<string, Sort>> = {
  enabled: "flag",
  url: "secret",
  port: "number",
  user: "text",
  password: "secret",
  database: "number",
  cluster_mode: "flag",
  tls_enabled: "flag",
  tls_insecure: "flag"
}

/** Keys of a service that a variable can set: the service's name precedes each. */
export const SERVICE: Readonly<Record<string, Sort>> = {
  plugin: "text",
  sleep_interval: "number",
  owner: "text",
  repo: "text",
  enterprise: "text",
  queue_name: "text",
  token: "secret",
  private_key: "secret",
  app_id: "text",
  installation_id: "number",
  registration: "text",
  registry_url: "text",
  skip_pull: "flag",
  runner_group: "text",
  registration_timeout_seconds: "number",
  job_retry_attempts: "number",
  template_disk_buffer: "number",
  skip_cpu_and_memory_resource_checks: "flag",
  host_to_guest_folder_mounts: "list",
  port: "number",
  secret: "secret",
  hook_id: "number",
  skip_redeliver: "flag",
  redeliver_hours: "number"
}

/** Keys for all services that a variable can set: `ANKLET_` precedes each. */
export const GLOBAL: Readonly<Record<string, Sort>> = {
  global_private_key: "secret",
  global_token: "secret",
  global_receiver_secret: "secret",
  global_template_disk_buffer: "number",
  global_skip_cpu_and_memory_resource_checks: "flag",
  global_host_to_guest_folder_mounts: "list",
  ...Object.fromEntries(
    Object.entries(DATABASE)
      .filter(([key]) => key !== "enabled")
      .map(([key, sort]) => [`global_database_${key}`, sort])
  )
}

/** Names of keys that are longer than most words. */
export const KEYS: ReadonlyArray<string> = [
  ...Object.keys(SERVICE),
  ...Object.keys(GLOBAL),
  "global_database_retry_backoff_factor"
]

/** Other variables of the daemon that were read, and that this one has no use for. */
const OF_THE_DAEMON = [
  ...["JOB_RETRY_ATTEMPTS", "METRICS_URLS", "METRICS_SLEEP_INTERVAL"],
  ...["ENABLED", "URL", "PORT", "USER", "PASSWORD", "DATABASE"].map((key) => `METRICS_DATABASE_${key}`)
].map((key) => `ANKLET_${key}`)

/** Variables that the documents named, and that no version read. */
const NEVER_READ = [
  ...["PID_FILE_DIR", "LOG_FILE_DIR", "PLUGINS_PATH"],
  ...["MAX_RETRIES", "RETRY_DELAY", "RETRY_BACKOFF_FACTOR"].map((key) => `GLOBAL_DATABASE_${key}`)
].map((key) => `ANKLET_${key}`)

/** Variables without a use now, with the reason. */
export const USELESS: ReadonlyMap<string, string> = new Map([
  ...OF_THE_DAEMON.map(
    (name) =>
      [
        name,
        name.includes("METRICS")
          ? "each daemon reports the whole queue"
          : "a run is never cancelled after a number of tries"
      ] as const
  ),
  ...NEVER_READ.map((name) => [name, "no version of Anklet read it"] as const)
])

/** Variables that replace keys of the daemon. */
export const DAEMON = {
  workDir: "ANKLET_WORK_DIR",
  port: "ANKLET_METRICS_PORT",
  aggregator: "ANKLET_METRICS_AGGREGATOR"
} as const

/** The variable of a key for all services. */
export const globalVariable = (key: string) => `ANKLET_${key.toUpperCase()}`

/** The variable of a service's key; the service's name as those versions wrote it precedes it. */
export const serviceVariable = (service: string, key: string) =>
  `${service.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")}_${key.toUpperCase()}`

/** All variables that Anklet 1 and 2 read for these services, or were said to read. */
export const variablesOf = (services: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...new Set([
    ...Object.values(DAEMON),
    ...USELESS.keys(),
    ...Object.keys(GLOBAL).map(globalVariable),
    ...services.flatMap((service) => [
      ...Object.keys(SERVICE).map((key) => serviceVariable(service, key)),
      ...Object.keys(DATABASE).map((key) => serviceVariable(service, `database_${key}`))
    ])
  ])
]

/** The names of the services in a config of any version. */
export const namesIn = (content: unknown): ReadonlyArray<string> =>
  !Predicate.isRecord(content)
    ? []
    : [content.plugins, content.services]
        .flatMap((list): ReadonlyArray<unknown> => (Array.isArray(list) ? list : []))
        .flatMap((service) => (Predicate.isRecord(service) && service.name != null ? [String(service.name)] : []))
