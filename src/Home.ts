/** Anklet's folder in the home of its user: everything that is not in the config has its place there. */
import { Path } from "@effect/platform/Path"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import { userHome } from "./UserHome.ts"

/** Places under `~/.config/anklet`. */
export interface Home {
  readonly user: string
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

/** The places in the user's home. */
export const home = Effect.gen(function* () {
  const paths = yield* Path
  const HOME = yield* Effect.orElseSucceed(Config.string("HOME"), () => "")
  const user = userHome(HOME) ?? "/"
  const base = paths.join(user, ".config", "anklet")
  const places: Home = {
    user,
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

/** A path with `~` spelled out. */
export const expand = (path: string, { user }: Pick<Home, "user">): string =>
  path === "~" || path.startsWith("~/") ? `${user}${path.slice(1)}` : path
