/** Recognises configs and environment variables of Anklet 1 and 2, and says in one line what to do about them. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"

/** The page that says, key by key, what became of them. */
export const GUIDE = "docs/moving-in.md"

/** Plugins that only those versions had: both received webhooks. */
const OLDER_PLUGINS = ["github_controller", "github_receiver"]

/** Whether a top-level key existed only in those versions, so that it identifies their config by itself. */
const isOlderKey = (key: string) => key === "plugins" || key.startsWith("global_")

/** Whether a service uses a plugin that only those versions had. */
const isOlderService = (service: unknown) =>
  Predicate.hasProperty(service, "plugin") && OLDER_PLUGINS.some((name) => name === service.plugin)

/** The message for a config of Anklet 1 or 2, and the path that identifies it; none for any other config. */
export const recognise = (
  content: Readonly<Record<string, unknown>>
): Option.Option<{ readonly path: ReadonlyArray<string | number>; readonly message: string }> => {
  const keys = Object.keys(content).filter(isOlderKey)
  const [first] = keys
  const services: ReadonlyArray<unknown> = Array.isArray(content.services) ? content.services : []
  const index = services.findIndex(isOlderService)
  const todo = (what: string) =>
    `${what}; this is Anklet 3. Write its services again under \`services:\`, with \`registration: repo\` or \`org\` for each: ${GUIDE} says key by key what became of the others`
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

/** Variables that belong to no service; `ANKLET_` precedes each. */
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

/** Variables of one service; its name precedes each. */
const OF_A_SERVICE = [
  ...["PLUGIN", "SLEEP_INTERVAL", "OWNER", "REPO", "ENTERPRISE", "QUEUE_NAME", "TOKEN", "PRIVATE_KEY", "APP_ID"],
  ...["INSTALLATION_ID", "REGISTRATION", "REGISTRY_URL", "SKIP_PULL", "RUNNER_GROUP", "REGISTRATION_TIMEOUT_SECONDS"],
  ...["JOB_RETRY_ATTEMPTS", "TEMPLATE_DISK_BUFFER", "SKIP_CPU_AND_MEMORY_RESOURCE_CHECKS"],
  ...["HOST_TO_GUEST_FOLDER_MOUNTS", "PORT", "SECRET", "HOOK_ID", "SKIP_REDELIVER", "REDELIVER_HOURS"],
  ...["ENABLED", "URL", "PORT", "USER", "PASSWORD", "DATABASE"].map((key) => `DATABASE_${key}`),
  ...["CLUSTER_MODE", "TLS_ENABLED", "TLS_INSECURE"].map((key) => `DATABASE_${key}`)
]

/** A service's name as those versions wrote it in names of variables. */
const prefixOf = (service: string) => service.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")

/**
 * Names of the variables of Anklet 1 and 2 that are set but that nothing reads. `services` are the names of the
 * services, `content` the config as written, which may name a variable itself. Values are not examined.
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

/** The warning about them; none if none is set. */
export const warningOf = (names: ReadonlyArray<string>): Option.Option<string> =>
  names.length === 0
    ? Option.none()
    : Option.some(
        `${names.join(", ")} ${names.length === 1 ? "is" : "are"} set as for Anklet 1 or 2, but no longer read: write the value into the config, e.g. as \${${names[0]}} where it is a secret, or unset it; ${GUIDE} has the key of each`
      )
