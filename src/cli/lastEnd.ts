/** How the last daemon of a config ended, from its PID file and its log. */
import { Path } from "@effect/platform/Path"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Daemon } from "../config/Config.ts"
import { LIFE } from "../daemon/Life.ts"
import { clock, span } from "../domain/Format.ts"
import * as Files from "../files/Files.ts"
import * as reader from "../services/Log/reader.ts"
import { FILE_NAME, filesOf } from "../services/Log.ts"
import * as PidFile from "../services/PidFile.ts"

/** The fields of a line that tell of a daemon's life; those of its services are about something else. */
const Line = Schema.parseJson(
  Schema.Struct({
    time: Schema.DateFromString,
    level: Schema.String,
    msg: Schema.String,
    serviceName: Schema.optional(Schema.Undefined)
  })
)
const decode = Schema.decodeOption(Line)
type Line = typeof Line.Type

/** Number of lines that may tell: what the daemon began, its end, and what it left behind. */
const LINES = 3
/** Maximum number of lines of the log that are looked at. */
const LOOKED_AT = 5000

const isOf =
  (event: string) =>
  ({ msg }: Line) =>
    msg.startsWith(event)

/** How a daemon ended whose life these lines tell; undefined if they do not. Pure. */
export const howEnded = (lines: ReadonlyArray<Line>): string | undefined => {
  const from = lines.findLastIndex(isOf(LIFE.up))
  const life = lines.slice(from + 1)
  const ways = [
    [LIFE.handingOver, "handed its jobs over"],
    [LIFE.stopping, "was stopped"],
    [LIFE.draining, "has drained"],
    [LIFE.ends, "ended"]
  ] as const
  const way = ways.find(([event]) => life.some(isOf(event)))?.[1]
  const last = life.at(-1)
  if (last === undefined) return undefined
  const error = last.level === "ERROR" ? last.msg : undefined
  if (way === undefined) return error === undefined ? undefined : `ended with an error: ${error}`
  return error === undefined ? way : `${way}; its last error: ${error}`
}

/** How and when the last daemon of a config ended, e.g. `was stopped 5 min ago (14:03:12 UTC)`; none if nothing tells. */
export const lastEnd = Effect.fn("lastEnd")(
  function* ({ pidFileDir, logDir }: Daemon) {
    const paths = yield* Path
    const tells = (text: string) =>
      Option.exists(
        decode(text),
        (line) => line.level === "ERROR" || Object.values(LIFE).some((event) => isOf(event)(line))
      )
    let looked = 0
    const { lines, place } = yield* reader.last(filesOf(paths.join(logDir, FILE_NAME)), {
      lines: LINES,
      follow: false,
      matches: (text) => ++looked > LOOKED_AT || tells(text)
    })
    if (Option.isSome(place.opened)) yield* place.opened.value.close
    const told = lines.filter(tells).flatMap((text) => Option.toArray(decode(text)))
    // a daemon removes its PID file as the last thing that it does
    const isKilled = Option.isSome(yield* Files.readText(yield* PidFile.pathOf(pidFileDir)))
    const how = isKilled ? "was killed, or this host went down with it" : howEnded(told)
    const at = told.at(-1)?.time.getTime()
    if (how === undefined || at === undefined) return Option.fromNullable(how)
    if (isKilled) return Option.some(how)
    const now = yield* Clock.currentTimeMillis
    return Option.some(`${how} ${span(now - at)} ago (${clock(at)})`)
  },
  Effect.orElseSucceed(() => Option.none<string>())
)
