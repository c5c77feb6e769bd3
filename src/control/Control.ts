/** The control socket of a running daemon: answers the routes of Api.ts. */
import { FileSystem } from "@effect/platform/FileSystem"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Struct from "effect/Struct"
import * as Files from "../files/Files.ts"
import { Handover } from "../interruption/Handover.ts"
import { lazy } from "../interruption/Lazy.ts"
import { Activity, type ServiceActivity } from "../services/Activity.ts"
import type { Anka } from "../services/Anka.ts"
import type { Capacity } from "../services/Capacity.ts"
import type { Coordinators } from "../services/Coordinators.ts"
import { Drain, STILL } from "../services/Drain.ts"
import type { Ledger } from "../services/Ledger.ts"
import * as Shared from "../services/Shared.ts"
import type { Templates } from "../services/Templates.ts"
import { Wake } from "../services/Wake.ts"
import { type Answer, json, text } from "./Answer.ts"
import { API, type JsonRoute, type RouteName } from "./Api.ts"
import type { DaemonInfo } from "./DaemonInfo.ts"
import { isLoopback, isMeant } from "./Loopback.ts"
import { type Question, serve, serveTcp } from "./Server.ts"

/** What answering takes. */
type Asked = Activity | Anka | Capacity | Coordinators | DaemonInfo | Drain | FileSystem | Ledger | Templates | Wake

/** How a daemon is asked. */
export interface Options {
  /** Path of the control socket. */
  readonly socket: string
  /** Exists while the host is paused, so that a reboot does not put it to work. */
  readonly pauseFile: string
  /** Where metrics are served over TCP, if anywhere. */
  readonly metrics: Option.Option<{ readonly host: string; readonly port: number }>
}

/** A route's part of the daemon. */
type Handler = (question: Question) => Effect.Effect<Answer, never, Asked>

/** Interval between two attempts to get a port: another daemon may have it, or the address may come up later than the daemon. */
const PORT_AGAIN = "5 seconds"
/** Interval between two checks whether jobs can be handed over. */
const CHECK_EVERY = "200 millis"
/** What is answered over TCP: nothing that changes anything, or says something about jobs. */
const OPEN: ReadonlyArray<RouteName> = ["metrics", "healthz"]

/** Paths of Anklet 2, and those that have taken their place. */
const MOVED: ReadonlyMap<string, string> = new Map([
  ["/metrics/v1", API.metrics.path],
  ["/healthcheck", API.healthz.path]
])

/** Said to a page in a browser of this Mac that asks here by a host name of its own. */
const ELSEWHERE =
  "metrics.host is this Mac itself: ask for 127.0.0.1 or localhost, and let a proxy before it send that as Host"

/** Accept no new jobs on this host, or accept jobs again; a restart does not change that. */
const setPause = Effect.fnUntraced(function* (paused: boolean, file: string) {
  const fs = yield* FileSystem
  const drain = yield* Drain
  const wake = yield* Wake
  yield* drain.pause(paused)
  const [other] = paused ? [] : yield* drain.pauses
  const still = other === undefined ? undefined : `${STILL} by ${other.by}; to take work again: ${other.ends}`
  yield* Effect.logInfo(
    still ?? (paused ? "paused: nothing new is taken on this host" : "resumed: work is taken again")
  )
  yield* wake.all
  return yield* (paused ? Files.replace(file, "") : Effect.ignore(fs.remove(file))).pipe(
    Effect.as(text(200, still ?? (paused ? "paused" : "resumed"))),
    Effect.catchAll((error) =>
      Effect.succeed(text(200, `paused until the daemon ends; it cannot be kept: ${error.message}`))
    )
  )
})

/** Whether the next daemon can continue what this service does: it has no job, or one whose runner runs in its VM. */
const canBeLeft = ({ doing }: ServiceActivity): boolean => {
  switch (doing._tag) {
    case "Looking":
      return false
    case "Working":
      return doing.job.stages.at(-1)?.stage === "started"
    default:
      return true
  }
}

/**
 * Leave running jobs to the daemon that asks. Waits until every job in preparation has a running runner or has ended. If
 * the caller disconnects, nothing is handed over.
 */
const handOver: Effect.Effect<Answer, never, Activity | Drain> = Effect.gen(function* () {
  const activity = yield* Activity
  const drain = yield* Drain
  const handover = yield* Handover
  let isAnnounced = false
  // read again each time: the host may be resumed during the wait
  while (!(yield* drain.open)) {
    const ready = (yield* activity.services).every(canBeLeft)
    if (ready && (yield* handover.begin)) return text(200, "handed over")
    if (!isAnnounced)
      yield* Effect.logInfo("another daemon waits to take over: it gets each job whose runner has started")
    isAnnounced = true
    yield* Effect.sleep(CHECK_EVERY)
  }
  return text(409, "this host takes work: nothing is handed over")
})

const nameOf = ({ method, path }: Pick<Question, "method" | "path">) => `${method} ${path}`

/** Answer a route with JSON. */
const inJson =
  <A, I, Query extends string>(
    route: JsonRoute<A, I, Query>,
    read: (parameter: (name: Query) => string) => Effect.Effect<A, never, Asked>
  ): Handler =>
  ({ query }) =>
    Effect.zipWith(
      route.schema,
      read((name) => query.get(name) ?? ""),
      (schema, value) => json(schema, value)
    )

/** What answers each route. */
const handlersOf = ({ pauseFile }: Options): Readonly<Record<RouteName, Handler>> => ({
  status: inJson(API.status, () =>
    Effect.flatMap(
      lazy(() => import("./Status.ts")),
      ({ read }) => read()
    )
  ),
  fleet: inJson(API.fleet, () =>
    Effect.flatMap(
      lazy(() => import("./Fleet.ts")),
      ({ read }) => read()
    )
  ),
  jobs: inJson(API.jobs, () =>
    Effect.flatMap(
      lazy(() => import("./Jobs.ts")),
      ({ read }) => read()
    )
  ),
  why: inJson(API.why, (parameter) =>
    Effect.flatMap(
      lazy(() => import("./why/ask.ts")),
      ({ ask }) => ask(parameter("job"))
    )
  ),
  holds: inJson(API.holds, () =>
    Effect.flatMap(
      lazy(() => import("./Holding.ts")),
      ({ read }) => read()
    )
  ),
  hold: ({ query }) =>
    Effect.flatMap(
      lazy(() => import("./Holding.ts")),
      ({ ask }) => ask((name) => query.get(name) ?? "")
    ),
  unhold: ({ query }) =>
    Effect.flatMap(
      lazy(() => import("./Holding.ts")),
      ({ end }) => end(query.get("named") ?? "")
    ),
  metrics: () =>
    Effect.flatMap(
      lazy(() => import("./metrics/Scrape.ts")),
      ({ answer }) => answer()
    ),
  healthz: () =>
    Effect.flatMap(
      lazy(() => import("./Health.ts")),
      ({ answer }) => answer()
    ),
  // these are not loaded later: the files of this version may have been replaced by those of the next one
  handover: () => handOver,
  pause: () => setPause(true, pauseFile),
  resume: () => setPause(false, pauseFile)
})

/** Answer questions on the control socket, and on a port where metrics are configured, as long as the scope lives. */
export const open = Effect.fn("Control.open")(function* (options: Options) {
  const drain = yield* Drain
  const context = yield* Effect.context<Asked>()
  const shared = yield* Shared.make
  // the host was paused while an earlier daemon ran
  yield* drain.pause(yield* Files.isThere(options.pauseFile))

  const handlers = handlersOf(options)
  const among = (names: ReadonlyArray<RouteName>) => {
    const routes = new Map(names.map((name) => [nameOf(API[name]), handlers[name]]))
    return (question: Question): Effect.Effect<Answer> => {
      const name = nameOf(question)
      const handler = routes.get(name)
      const moved = question.method === "GET" ? MOVED.get(question.path) : undefined
      if (moved !== undefined) return Effect.succeed(text(301, `this is ${moved} now`, { location: moved }))
      return handler === undefined
        ? Effect.succeed(text(404, `nothing is known as ${name}`))
        : handler(question).pipe(
            Effect.provide(context),
            Effect.provideService(Shared.Shared, shared),
            Effect.catchAllDefect((defect) => Effect.succeed(text(500, Cause.pretty(Cause.die(defect)))))
          )
    }
  }
  yield* Option.match(options.metrics, {
    onNone: () => Effect.void,
    onSome: ({ host, port }) => {
      const answer = among(OPEN)
      const listen = serveTcp(host, port, (question) =>
        isLoopback(host) && !isMeant(question.headers.host) ? Effect.succeed(text(403, ELSEWHERE)) : answer(question)
      )
      // a Mac without monitoring is better than one that runs no jobs
      return Effect.catchAll(listen, (error) =>
        Effect.zipRight(
          Effect.logWarning(`metrics are not served, and this is tried again every ${PORT_AGAIN}: ${error.message}`),
          listen.pipe(
            Effect.retry(Schedule.spaced(PORT_AGAIN)),
            Effect.zipRight(Effect.logInfo(`metrics are served on ${host}:${port} now`)),
            Effect.forkScoped
          )
        )
      )
    }
  })
  return yield* serve(options.socket, among(Struct.keys(API)))
})
