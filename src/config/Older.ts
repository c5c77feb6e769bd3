/** Configs and environment variables of Anklet 1 and 2: recognised, so that a person reads in one line what to do about them. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"

/** Where the documents tell key by key what became of them. */
export const GUIDE = "docs/moving-in.md"

/** Kinds of service that only they had: both listened for webhooks. */
const OLDER_PLUGINS = ["github_controller", "github_receiver"]

/** A key at the top of a config that only they had, and that says alone that a config is one of theirs. */
const isOlderKey = (key: string) => key === "plugins" || key.startsWith("global_")

/** Whether a service of a config is one that only they had. */
const isOlderService = (service: unknown) =>
  Predicate.hasProperty(service, "plugin") && OLDER_PLUGINS.some((name) => name === service.plugin)

/** What is said of a config that is one of Anklet 1 or 2, and the path of what tells it; none where it is none of theirs. */
export const recognise = (
  content: Readonly<Record<string, unknown>>
): Option.Option<{ readonly path: ReadonlyArray<string | number>; readonly message: string }> => {
  const keys = Object.keys(content).filter(isOlderKey)
  const [first] = keys
  const services: ReadonlyArray<unknown> = Array.isArray(content.services) ? content.services : []
  const index = services.findIndex(isOlderService)
  const todo = (what: string) =>
    `${what}; this is Anklet 3. Write its services anew under \`services:\`, with \`registration: repo\` or \`org\` for each: ${GUIDE} says key by key what became of the others`
  if (first !== undefined) {
    const shown = keys.slice(0, 3).map((key) => `\`${key}\``)
    return Option.some({ path: [first], message: todo(`this is a config of Anklet 2 (${shown.join(", ")})`) })
  }
  return index === -1
    ? Option.none()
    : Option.some({
        path: ["services", index, "plugin"],
        message: todo("this is a config of Anklet 1, with a service that receives webhooks")
      })
}

/** Those of no service, after `ANKLET_`. */
const OF_THE_DAEMON = [
  ...["CONFIG_FILE_NAME", "WORK_DIR", "PID_FILE_DIR", "LOG_FILE_DIR", "PLUGINS_PATH", "JOB_RETRY_ATTEMPTS"],
  ...["PORT", "URLS", "SLEEP_INTERVAL", "AGGREGATOR"].map((key) => `METRICS_${key}`),
  ...["ENABLED", "URL", "PORT", "USER", "PASSWORD", "DATABASE"].map((key) => `METRICS_DATABASE_${key}`),
  ...["PRIVATE_KEY", "TOKEN", "RECEIVER_SECRET", "TEMPLATE_DISK_BUFFER"].map((key) => `GLOBAL_${key}`),
  ...["SKIP_CPU_AND_MEMORY_RESOURCE_CHECKS", "HOST_TO_GUEST_FOLDER_MOUNTS"].map((key) => `GLOBAL_${key}`),
  ...["URL", "PORT", "USER", "PASSWORD", "DATABASE", "CLUSTER_MODE", "TLS_ENABLED", "TLS_INSECURE"].map(
    (key) => `GLOBAL_DATABASE_${key}`
  ),
  ...["MAX_RETRIES", "RETRY_DELAY", "RETRY_BACKOFF_FACTOR"].map((key) => `GLOBAL_DATABASE_${key}`)
].map((key) => `ANKLET_${key}`)

/** Those of one service, after its name. */
const OF_A_SERVICE = [
  ...["PLUGIN", "SLEEP_INTERVAL", "OWNER", "REPO", "ENTERPRISE", "QUEUE_NAME", "TOKEN", "PRIVATE_KEY", "APP_ID"],
  ...["INSTALLATION_ID", "REGISTRATION", "REGISTRY_URL", "SKIP_PULL", "RUNNER_GROUP", "REGISTRATION_TIMEOUT_SECONDS"],
  ...["JOB_RETRY_ATTEMPTS", "TEMPLATE_DISK_BUFFER", "SKIP_CPU_AND_MEMORY_RESOURCE_CHECKS"],
  ...["HOST_TO_GUEST_FOLDER_MOUNTS", "PORT", "SECRET", "HOOK_ID", "SKIP_REDELIVER", "REDELIVER_HOURS"],
  ...["ENABLED", "URL", "PORT", "USER", "PASSWORD", "DATABASE"].map((key) => `DATABASE_${key}`),
  ...["CLUSTER_MODE", "TLS_ENABLED", "TLS_INSECURE"].map((key) => `DATABASE_${key}`)
]

/** A service's name as they wrote it in the names of variables. */
const prefixOf = (service: string) => service.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")

/**
 * Names of the variables of Anklet 1 and 2 that are set and that nothing reads: `services` are the names of the services,
 * `content` the config as it is written, which may name a variable itself. Their values are not looked at.
 */
export const ignoredVariables = (
  services: ReadonlyArray<string>,
  content: Readonly<Record<string, unknown>>
): Effect.Effect<ReadonlyArray<string>> => {
  const written = JSON.stringify(content)
  const names = new Set([
    ...OF_THE_DAEMON,
    ...services.flatMap((service) => OF_A_SERVICE.map((key) => `${prefixOf(service)}_${key}`))
  ])
  return Effect.filter(
    [...names].filter((name) => !written.includes(`\${${name}}`)),
    (name) =>
      Effect.map(
        Effect.option(Config.string(name)),
        Option.exists((value) => value !== "")
      )
  )
}

/** What a person is to know of them; none where none is set. */
export const warningOf = (names: ReadonlyArray<string>): Option.Option<string> =>
  names.length === 0
    ? Option.none()
    : Option.some(
        `${names.join(", ")} ${names.length === 1 ? "is" : "are"} set as for Anklet 1 or 2, and not read any more: write the value into the config, e.g. as \${${names[0]}} where it is a secret, or unset it; ${GUIDE} has the key of each`
      )
