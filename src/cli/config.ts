/** `anklet config check | show | migrate`: whether the config is valid, its effective values, and older ones. */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Raw } from "../config/Config.ts"
import { config as configFlag, handle, json } from "./anklet.ts"
import { migrate } from "./config/migrate.ts"
import { configFile } from "./configFile.ts"
import { json as asJson, line } from "./shown.ts"
import { complain, say, screen } from "./terminal.ts"

const load = Effect.promise(() => import("../config/Config.ts"))

/** What is wrong with the network settings in the config or the environment. */
const network = Effect.fnUntraced(function* ({ daemon }: Raw) {
  const { Problem } = yield* load
  const { settle } = yield* Effect.promise(() => import("../services/Network.ts"))
  return yield* Effect.match(settle(daemon.network), {
    onFailure: ({ where, detail }) => [Problem.make({ path: where, message: detail })],
    onSuccess: () => []
  })
})

/** What is wrong with the scripts and variables that go into the VMs. */
const files = Effect.fnUntraced(function* (services: ReadonlyArray<{ readonly plugin: string }>) {
  const { Problem } = yield* load
  const Plugins = yield* Effect.promise(() => import("../plugins/Plugins.ts"))
  return (yield* Plugins.wrongFiles(services)).map(({ message }) => Problem.make({ path: "", message }))
})

/** A config without problems, and its services. */
const right = Effect.fnUntraced(function* (file: string) {
  const Config = yield* load
  const Plugins = yield* Effect.promise(() => import("../plugins/Plugins.ts"))
  const raw = yield* Config.read(file)
  return { raw, services: yield* Plugins.resolve(raw) }
})

const check = Command.make(
  "check",
  { config: configFlag, json },
  handle((given) =>
    Effect.gen(function* () {
      const { ConfigError, olderConfig, olderEnvironment } = yield* load
      const { resolved } = yield* Effect.promise(() => import("../plugins/resolved.ts"))
      const Open = yield* Effect.promise(() => import("../config/Open.ts"))
      const { problemsOf } = yield* Effect.promise(() => import("./config/folders.ts"))
      const file = yield* configFile(given.config)
      const checked = Effect.gen(function* () {
        const { raw, services } = yield* right(file)
        const problems = [...(yield* problemsOf(raw)), ...(yield* network(raw)), ...(yield* files(services))]
        if (problems.length > 0) return yield* new ConfigError({ file, problems })
        const open = yield* Open.warnings(file, yield* resolved(raw))
        return {
          services: services.map(({ name, plugin }) => ({ name, plugin })),
          older: olderConfig(raw),
          warnings: [...Option.toArray(yield* olderEnvironment(raw)), ...open]
        }
      })
      if (given.json) {
        const result = yield* Effect.match(checked, {
          onFailure: ({ problems }) => ({ file, ok: false, problems }),
          onSuccess: ({ services, warnings, older }) => ({
            file,
            ok: true,
            problems: [],
            ...Option.match(older, { onNone: () => ({}), onSome: (note) => ({ notes: [note] }) }),
            ...(warnings.length > 0 ? { warnings } : {}),
            services
          })
        })
        yield* say(asJson(JSON.stringify(result, undefined, 2)))
        return result.ok ? 0 : 3
      }
      const { services, warnings, older } = yield* checked
      yield* Option.match(older, { onNone: () => Effect.void, onSome: complain })
      for (const warning of warnings) yield* complain(`warning: ${warning}`)
      const names = services.map(({ name, plugin }) => `${name} (${plugin})`).join(", ")
      yield* say(`${file} is valid: ${services.length === 1 ? "one service" : `${services.length} services`}, ${names}`)
      return 0
    })
  )
).pipe(
  Command.withDescription("report everything that is wrong with the config, including missing secrets and folders")
)

const show = Command.make(
  "show",
  { config: configFlag, json },
  handle((given) =>
    Effect.gen(function* () {
      const { resolved } = yield* Effect.promise(() => import("../plugins/resolved.ts"))
      const yaml = yield* Effect.promise(() => import("./config/yaml.ts"))
      const file = yield* configFile(given.config)
      const { raw } = yield* right(file)
      const settings = yield* resolved(raw)
      yield* say(
        given.json ? asJson(yaml.asJson(file, settings)) : line`# ${file}\n${yaml.asYaml(settings, yield* screen)}`
      )
      return 0
    })
  )
).pipe(
  Command.withDescription(
    "show the effective config: every value, including defaults, with its origin; secrets are hidden"
  )
)

/** `anklet config`. */
export const config = Command.make("config").pipe(
  Command.withDescription("check the config, show its effective values, or rewrite one of Anklet 1 or 2"),
  Command.withSubcommands([check, show, migrate])
)
