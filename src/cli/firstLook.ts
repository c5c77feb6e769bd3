/** What a daemon that has just started found at its first look at the CI: what it watches and what waits, or its trouble. */
import { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type { Daemon } from "../config/Config.ts"
import { API, type JsonRoute } from "../control/Api.ts"
import type { Fleet } from "../control/Fleet.ts"
import { FILE_NAME } from "../control/Server.ts"
import type { Status } from "../control/Status.ts"
import { counted } from "../domain/Format.ts"
import * as Advice from "../text/Advice.ts"
import * as Socket from "./socket.ts"

/** Timeout of the wait for the services. */
const WITHIN = "5 seconds"
/** Timeout of the question for the queues, whose store may be away. */
const FLEET_WITHIN = "500 millis"
/** Interval between two questions. */
const ASK_EVERY = "100 millis"

/** What the daemon answered: its status, and its queues if it could be asked for them. */
export interface FirstLook {
  readonly status: Status
  readonly fleet: Option.Option<Fleet>
}

/** What is said of the first look. */
export interface Said {
  /** One line for each scope, such as `acme/app: 3 jobs waiting`. */
  readonly watching: ReadonlyArray<string>
  /** What keeps the daemon from running jobs, with its remedy. */
  readonly trouble: ReadonlyArray<string>
}

/** Whether a service has looked: it then waits, works, or has failed. */
const hasLooked = ({ services }: Status) => services.every(({ doing }) => doing._tag !== "Looking")

/** What a scope is called where no other CI is meant: `acme/app` of `github:github.com/acme/app`. */
const named = (scope: string) => scope.replace(/^\w+:(github\.com\/)?/, "")

const watchingOf = ({ status, fleet }: FirstLook): ReadonlyArray<string> => {
  const running = status.services.filter(({ doing }) => doing._tag === "Working").length
  const scopes = Option.match(fleet, { onNone: () => [], onSome: ({ scopes }) => scopes })
  // before the first look that succeeds, a queue is empty whatever waits
  const isKnown = status.services.some(({ doing }) => doing._tag === "Waiting" || doing._tag === "Working")
  return scopes
    .filter(({ problem }) => problem === "")
    .map(({ scope, classes }, n) => {
      if (!isKnown) return named(scope)
      const waiting = classes.reduce((sum, { jobs }) => sum + jobs, 0)
      const ours = n === 0 && running > 0 ? `${counted(running, "job")} taken, ` : ""
      return `${named(scope)}: ${ours}${waiting === 0 ? "no jobs" : counted(waiting, "job")} waiting`
    })
}

const list = (names: ReadonlyArray<string>) =>
  names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`

const troubleOf = ({ status }: FirstLook): ReadonlyArray<string> => {
  const failing = new Map<string, Array<string>>()
  for (const { name, doing } of status.services)
    if (doing._tag === "Failing") failing.set(doing.why, [...(failing.get(doing.why) ?? []), name])
  const failures = [...failing].map(
    ([why, names]) => `${list(names)} ${names.length === 1 ? "is" : "are"} failing: ${why}`
  )
  const late = status.services.filter(({ doing }) => doing._tag === "Looking").map(({ name }) => name)
  return [
    ...failures,
    ...(failures.length > 0
      ? [`the daemon stays up and tries again; "${Advice.anklet("doctor")}" checks everything`]
      : []),
    ...(late.length > 0
      ? [
          `${list(late)} ${late.length === 1 ? "has" : "have"} no answer yet; "${Advice.anklet("status")}" shows what comes of it`
        ]
      : []),
    ...status.pauses.map(({ by, ends }) => `paused by ${by}: no new jobs are accepted until "${ends}"`)
  ]
}

/** What to say of a first look. Pure, apart from the config that advised commands name. */
export const said = (look: Option.Option<FirstLook>): Said =>
  Option.match(look, {
    onNone: () => ({
      watching: [],
      trouble: [`the daemon does not answer yet; "${Advice.anklet("status")}" asks it again`]
    }),
    onSome: (look) => ({ watching: watchingOf(look), trouble: troubleOf(look) })
  })

/** Wait until every service of the daemon has looked once, at most 5 s, then ask for the queues; gives the last answers, if there were any. */
export const wait = Effect.fn("firstLook.wait")(function* ({ pidFileDir }: Daemon) {
  const socket = (yield* Path).join(pidFileDir, FILE_NAME)
  const get = <A, I>(route: JsonRoute<A, I>) =>
    Effect.flatMap(
      Effect.zip(route.schema, Socket.ask(socket, route, {}), { concurrent: true }),
      ([schema, { body }]) => Schema.decode(Schema.parseJson(schema))(body)
    )
  let last = Option.none<Status>()
  const looked = Effect.gen(function* () {
    const status = yield* get(API.status)
    last = Option.some(status)
    return hasLooked(status)
  })
  yield* Effect.orElseSucceed(looked, () => false).pipe(
    Effect.repeat({ until: (done) => done, schedule: Schedule.spaced(ASK_EVERY) }),
    Effect.timeoutOption(WITHIN)
  )
  if (Option.isNone(last)) return Option.none<FirstLook>()
  // asked only now: the daemon gives an answer to several who ask shortly one after the other
  const fleet = yield* Effect.option(Effect.timeout(get(API.fleet), FLEET_WITHIN))
  return Option.some<FirstLook>({ status: last.value, fleet })
})
