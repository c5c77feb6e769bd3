/** What is offered: the newest program of a release, by a list of checksums that the project has signed. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Update } from "../../config/Update.ts"
import * as Files from "../../files/Files.ts"
import { said } from "../../files/said.ts"
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

/** Timeout of the list of checksums, and of its signature. */
const LIST_WITHIN = Duration.seconds(30)

const refuse = (detail: string) => new UpdateError({ detail })

/** Where releases come from: the command line, then the config, then what is built in. */
export const sourceOf = Effect.fnUntraced(function* (from: Option.Option<string>, update: Update) {
  const { releases, keys } = yield* Installed
  const url = Option.firstSomeOf([from, update.url, Option.fromNullable(releases)])
  if (Option.isNone(url))
    return yield* refuse(
      "this build knows no address of releases: name one with --from, or as update.url in the config"
    )
  const text = Option.isNone(update.keys)
    ? keys
    : yield* Effect.mapError(Files.readGiven(update.keys.value), (error) =>
        refuse(`update.keys in the config: ${said(error)}`)
      )
  if (!text.includes("BEGIN PUBLIC KEY"))
    return yield* refuse(
      "there is no key to check a release with: this build has none, so update.keys in the config must name a file with one"
    )
  const source: Source = { url: url.value.replace(/\/+$/, ""), keys: text }
  return source
})

/** The newest program for this machine. Fails if there is none, or if the list is not signed. */
export const newest = Effect.fn("update.newest")(function* ({ url, keys }: Source) {
  const way = yield* Network
  const { target } = yield* Installed
  const bounds = { size: Release.LIST, within: LIST_WITHIN }
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
