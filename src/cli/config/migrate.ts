/** `anklet config migrate`: what becomes of a config of Anklet 1 or 2, and the config of today; `--write` swaps them, `--scripts` sees to the scripts instead. */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { config, handle, json } from "../anklet.ts"

const file = Args.text({ name: "file" }).pipe(
  Args.withDescription("the config; default ~/.config/anklet/config.yml"),
  Args.optional
)
const write = Options.boolean("write").pipe(
  Options.withDescription("write the new config in its place, and keep the older one beside it")
)

const online = Options.boolean("online").pipe(
  Options.withDescription("ask GitHub, too, whether what the config names is there; without it nothing is asked")
)

const scripts = Options.boolean("scripts").pipe(
  Options.withDescription("move the scripts of Anklet 1 or 2 aside, and leave the config as it is")
)

/** `anklet config migrate`. */
export const migrate = Command.make(
  "migrate",
  { config, json, write, online, scripts, file },
  handle((given) =>
    given.scripts
      ? Effect.flatMap(
          Effect.promise(() => import("./olderScripts.ts")),
          ({ run }) => run({ json: given.json })
        )
      : Effect.flatMap(
          Effect.promise(() => import("./migrated.ts")),
          ({ run }) =>
            run({
              file: Option.orElse(given.file, () => given.config),
              write: given.write,
              online: given.online,
              json: given.json
            })
        )
  )
).pipe(Command.withDescription("show what becomes of the keys of a config of Anklet 1 or 2; with --write, rewrite it"))
