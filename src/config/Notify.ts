/** Top-level key `notify`: who hears of what a person must act on. */
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { optional, withDefault } from "./fields.ts"
import { expand, type Home } from "./Home.ts"
import { WebAddress } from "./Secret.ts"

/** Default time that a job waits before somebody hears of it, in minutes. */
export const WAITING = 30

const keys = {
  webhook: optional(WebAddress),
  command: optional(Schema.NonEmptyString),
  waiting: withDefault(Schema.Number.pipe(Schema.between(1, 10_080)), WAITING)
}

/** Names of the keys. */
export const KEYS = Object.keys(keys)

/** The keys as written. `waiting` is in minutes. */
export const Written = Schema.Struct(keys).pipe(
  Schema.filter(({ webhook, command }) => Option.isSome(webhook) || Option.isSome(command), {
    message: () => "expected `webhook`, `command` or both"
  })
)

/** Who hears, and of what. */
export interface Notify {
  readonly webhook: Option.Option<Redacted.Redacted<string>>
  /** Absolute path of a program. */
  readonly command: Option.Option<string>
  /** Time that a job waits before it is reported, in milliseconds. */
  readonly waiting: number
}

/** The settings of a config; a relative path begins in the `work_dir`. */
export const of = ({ webhook, command, waiting }: typeof Written.Type, places: Home): Notify => ({
  webhook,
  command: Option.map(command, (path) => expand(path, places)),
  waiting: waiting * 60_000
})
