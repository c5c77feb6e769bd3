/** Anklet's folder in the home of its user: everything that is not in the config has its place there. */
import { isAbsolute, resolve } from "node:path"
import { Path } from "@effect/platform/Path"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { userHome } from "./UserHome.ts"

/** Places under `~/.config/anklet`. */
export interface Home {
  readonly user: string
  /** Where relative paths of the config begin; empty: where the process is. */
  readonly base: string
  readonly config: string
  readonly plugins: string
  /** Locks between the daemons of this user. */
  readonly locks: string
  /** Where the daemons of this user say which their ledgers are. */
  readonly ledgers: string
  readonly state: string
  readonly pid: string
  /** Its presence pauses all daemons of this user, as it did those of Anklet 1 and 2. */
  readonly drainFile: string
}

/** The folder that a config's relative paths begin in: its `work_dir`. Provided while the config is read. */
export class Base extends Context.Reference<Base>()("anklet/Base", { defaultValue: () => "" }) {}

/** The places in the user's home. */
export const home = Effect.gen(function* () {
  const paths = yield* Path
  const HOME = yield* Effect.orElseSucceed(Config.string("HOME"), () => "")
  const user = userHome(HOME) ?? "/"
  const base = paths.join(user, ".config", "anklet")
  const places: Home = {
    user,
    base: yield* Base,
    config: paths.join(base, "config.yml"),
    plugins: paths.join(base, "plugins"),
    locks: paths.join(base, "locks"),
    ledgers: paths.join(base, "ledgers"),
    state: paths.join(base, "state"),
    pid: base,
    drainFile: paths.join(base, ".drain")
  }
  return places
})

/** A path of the config, with `~` spelled out, and relative ones from where they begin. */
export const expand = (path: string, { user, base = "" }: Pick<Home, "user"> & Partial<Pick<Home, "base">>): string =>
  path === "~" || path.startsWith("~/")
    ? `${user}${path.slice(1)}`
    : path === "" || base === "" || isAbsolute(path)
      ? path
      : resolve(base, path)
