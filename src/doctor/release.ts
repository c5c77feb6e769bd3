/** Checks whether a newer release of Anklet is out. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Finding from "../domain/Finding.ts"
import type { Check } from "./HostFacts.ts"

/** What a server of releases offers to this Mac. */
export interface Offered {
  /** Version of this program. */
  readonly installed: string
  /** Version of the newest one, as a signed list has it. */
  readonly newest: string
  readonly isNewer: boolean
  /** How this program is updated: a command, or a sentence. */
  readonly remedy: string
}

export const KINDS = {
  "release-newer": {
    level: "note",
    why: "A newer version mends faults of this one, and follows what GitHub, Anka and macOS change.",
    remedy: "`anklet update`"
  }
} as const satisfies Finding.Kinds

const found = Finding.about("release", KINDS)

/** Timeout of the question for the newest release: a Mac without access to the internet waits no longer for it. */
const SOON = Duration.seconds(5)

/** The check of the version. It says nothing where no list of releases can be had, or none is signed. */
export const release: Check = {
  subject: "release",
  run: ({ offered }) =>
    Effect.map(
      Effect.option(Effect.timeout(offered, SOON)),
      Option.match({
        onNone: () => [],
        onSome: ({ installed, newest, isNewer, remedy }) => [
          isNewer
            ? found("release-newer", `anklet ${newest} is out, and ${installed} is installed`, { remedy })
            : Finding.ok("release", `anklet ${installed} is up to date`)
        ]
      })
    )
}
