/** The built-in plugin for GitHub Actions. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { GitHub } from "../../services/GitHub.ts"
import type { Plugin } from "../Plugin.ts"
import { look, run } from "./ci.ts"
import { GitHubConfig } from "./config.ts"
import installRunner from "./install-runner.bash"
import { refuse } from "./older.ts"
import registerRunner from "./register-runner.bash"
import { rule } from "./rule.ts"
import startRunner from "./start-runner.bash"
import { words } from "./words.ts"

/** Queued jobs of a repository or organisation, each in a VM of its own. */
export const github = {
  name: "github",
  config: GitHubConfig,
  rule,
  files: {
    "install-runner.bash": installRunner,
    "register-runner.bash": registerRunner,
    "start-runner.bash": startRunner
  },
  refuse,
  run,
  look,
  words,
  rateLimits: Effect.flatMap(GitHub, ({ limits }) => limits),
  // what people ask is loaded when they do: a daemon does not pay for it
  find: (service, config, job) =>
    Effect.flatMap(
      Effect.promise(() => import("./find.ts")),
      ({ find }) => find(service, config, job)
    ),
  missing: (config, text) =>
    Effect.map(
      Effect.promise(() => import("./missing.ts")),
      ({ missing }) => Option.some(missing(config, text))
    ),
  examine: (service, config, context) =>
    Effect.flatMap(
      Effect.promise(() => import("./examine.ts")),
      ({ examine }) => examine(service, config, context)
    )
} satisfies Plugin<typeof GitHubConfig.Type, typeof GitHubConfig.Encoded, unknown>
