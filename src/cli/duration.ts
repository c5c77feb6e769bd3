/** Durations as people type them. Pure. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"

const UNITS = { s: Duration.seconds, m: Duration.minutes, h: Duration.hours, d: Duration.days, w: Duration.weeks }

/** Parses `90s`, `30m`, `12h`, `1d` or `2w`; none for anything else. */
export const durationOf = (text: string): Option.Option<Duration.Duration> => {
  const [, amount, unit] = text.match(/^(\d{1,6}) ?([smhdw])$/) ?? []
  return unit === undefined ? Option.none() : Option.some(UNITS[unit as keyof typeof UNITS](Number(amount)))
}
