/** Formats sizes and times for people. Pure. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"

/** A number of bytes as `12.0 GiB`. */
export const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`

/**
 * A moment, in milliseconds since the epoch, as the log writes it: `14:03:12 UTC`; `an unknown time` if no date has
 * this number.
 */
export const clock = (at: number): string =>
  Option.match(DateTime.make(at), {
    onNone: () => "an unknown time",
    onSome: (at) => `${DateTime.formatIso(at).slice(11, 19)} UTC`
  })

/** The day and time of a moment in UTC, without seconds: `2026-01-31 14:03`. */
export const moment = (at: number): string =>
  Option.match(DateTime.make(at), {
    onNone: () => "an unknown time",
    onSome: (at) => DateTime.formatIso(at).slice(0, 16).replace("T", " ")
  })

/**
 * A duration (a number is in milliseconds) in one or two units: `3 s`, `4 min 10 s`, `2 h 5 min`. The page formats
 * durations the same way (ui/browser/labels.js).
 */
export const span = (duration: Duration.DurationInput): string => {
  const seconds = Math.max(0, Math.round(Duration.toMillis(duration) / 1000))
  if (seconds < 60) return `${seconds} s`
  const [minutes, hours] = [Math.floor(seconds / 60), Math.floor(seconds / 3600)]
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`
  if (hours < 1) return `${minutes} min`
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** A number of things: `1 job`, `2 jobs`, with the plural of a word that does not only add an s. */
export const counted = (number: number, thing: string, things = `${thing}s`): string =>
  `${number} ${number === 1 ? thing : things}`
