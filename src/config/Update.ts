/** Top-level key `update`: where `anklet update` finds releases, and whose signature it trusts. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { problemOf } from "./Address.ts"
import { checked, optional } from "./fields.ts"
import { expand, type Home } from "./Home.ts"

/** What is wrong with the address of a folder with a release. */
export const wrongAddress = (text: string): string | undefined =>
  problemOf(text, ["credentials", "parameters", "fragment"]) ??
  (text.startsWith("https://") ? undefined : "expected an address that begins with https://")

const keys = {
  url: optional(checked(wrongAddress)),
  keys: optional(Schema.NonEmptyString)
}

/** Names of the keys. */
export const KEYS = Object.keys(keys)

/** The keys as written. */
export const Written = Schema.Struct(keys)

/** Where releases come from. */
export interface Update {
  /** The folder with the newest release; none is that of the project. */
  readonly url: Option.Option<string>
  /** Absolute path of a file with public keys in PEM form; none are those that are built in. */
  readonly keys: Option.Option<string>
}

/** Defaults. */
export const UNWRITTEN: Update = { url: Option.none(), keys: Option.none() }

/** The settings of a config; a relative path begins in the `work_dir`. */
export const of = (written: typeof Written.Type, places: Home): Update => ({
  url: written.url,
  keys: Option.map(written.keys, (path) => expand(path, places))
})
