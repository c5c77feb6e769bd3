/** What the doctor tells of releases: which one is the newest, and how this program is updated. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Daemon } from "../../config/Config.ts"
import { UNWRITTEN } from "../../config/Update.ts"
import type { Offered } from "../../doctor/release.ts"
import * as Release from "../../services/Release.ts"
import { Installed } from "./Installed.ts"
import { newest, sourceOf } from "./newest.ts"
import { place } from "./place.ts"

/** Asks the server of releases that this config names. Fails where there is none, or it does not answer. */
export const offered = Effect.fn("update.offered")(function* (daemon: Option.Option<Daemon>) {
  const { version } = yield* Installed
  const update = Option.match(daemon, { onNone: () => UNWRITTEN, onSome: ({ update }) => update })
  const found = yield* newest(yield* sourceOf(Option.none(), update))
  const offered: Offered = {
    installed: version,
    newest: found.version,
    isNewer: Release.compare(found.version, version) > 0,
    // where something else keeps the program up to date, its command is in the refusal
    remedy: yield* Effect.match(place, { onSuccess: () => "`anklet update`", onFailure: ({ message }) => message })
  }
  return offered
})
