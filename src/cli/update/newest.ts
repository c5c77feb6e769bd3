/** What is offered: the newest program of a release, by a list of checksums that the project has signed. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Download from "../../services/Download.ts"
import { Network } from "../../services/Network.ts"
import * as Release from "../../services/Release.ts"
import { Installed } from "./Installed.ts"
import { UpdateError } from "./UpdateError.ts"

/** Where a release is, and whose signature counts. */
export interface Source {
  /** Address of its folder, without a slash at its end. */
  readonly url: string
  /** Public keys as PEM. */
  readonly keys: string
}

/** The newest program for this machine. Fails if there is none, or if the list is not signed. */
export const newest = Effect.fn("update.newest")(function* ({ url, keys }: Source, within = "30 seconds") {
  const way = yield* Network
  const { target } = yield* Installed
  const bounds = { size: Release.LIST, within: within as "30 seconds" }
  const refuse = (detail: string) => new UpdateError({ detail })
  const list = yield* Download.bytes(way, `${url}/${Release.SUMS}`, bounds)
  const programs = Release.programsIn(new TextDecoder().decode(list), target)
  if (Option.isNone(programs))
    return yield* refuse(`${url}/${Release.SUMS} is no list of checksums: nothing is installed`)
  const signature = yield* Download.bytes(way, `${url}/${Release.SIGNATURE}`, bounds)
  if (!Release.isSigned(list, signature, keys))
    return yield* refuse(`${url}/${Release.SUMS} is not signed with a key of Anklet's: nothing is installed`)
  const [found] = programs.value
  return found === undefined ? yield* refuse(`there is no anklet for ${target} at ${url}: nothing is installed`) : found
})
