/** Anklet's folder in its user's home, where everything that the config does not place elsewhere is kept. */
import { isAbsolute, resolve } from "node:path"
import { Path } from "@effect/platform/Path"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { userHome } from "./UserHome.ts"

/** Paths under `~/.config/anklet`. */
export interface Home {
  readonly user: string
  /** Where relative paths of the config begin; empty: in the current directory. */
  readonly base: string
  readonly config: string
  readonly plugins: string
  /** Locks between this user's daemons. */
  readonly locks: string
  /** Where this user's daemons register their ledgers. */
  readonly ledgers: string
  readonly state: string
  readonly pid: string
  /** While it exists, all of this user's daemons are paused, as those of Anklet 1 and 2 were. */
  readonly drainFile: string
}

/** The folder in which a config's relative paths begin: its `work_dir`. Provided while the config is read. */
export class Base extends Context.Reference<Base>()("anklet/Base", { defaultValue: () => "" }) {}

/** The paths in the user's home. */
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

/** A path of the config as an absolute one, with `~` expanded. */
export const expand = (path: string, { user, base = "" }: Pick<Home, "user"> & Partial<Pick<Home, "base">>): string =>
  path === "~" || path.startsWith("~/")
    ? `${user}${path.slice(1)}`
    : path === "" || base === "" || isAbsolute(path)
      ? path
      : resolve(base, path)
