/** Amounts and times, for people. Pure. */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"

/** A number of bytes as `12.0 GiB`. */
export const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`

/** A moment, in milliseconds since the epoch, as the log names it: `14:03:12 UTC`; `an unknown time` for a number that no date tells. */
export const clock = (at: number): string =>
  Option.match(DateTime.make(at), {
    onNone: () => "an unknown time",
    onSome: (at) => `${DateTime.formatIso(at).slice(11, 19)} UTC`
  })
