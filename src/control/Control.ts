/** What can be asked of a running daemon, and told to it, over its control socket. */
import { FileSystem } from "@effect/platform/FileSystem"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Files from "../files/Files.ts"
import { Handover } from "../interruption/Handover.ts"
import { Activity, type ServiceActivity } from "../services/Activity.ts"
import type { Anka } from "../services/Anka.ts"
import type { Coordinators } from "../services/Coordinators.ts"
import { Drain, STILL } from "../services/Drain.ts"
import type { GitHub } from "../services/GitHub.ts"
import type { Ledger } from "../services/Ledger.ts"
import * as Shared from "../services/Shared.ts"
import type { Templates } from "../services/Templates.ts"
import { Wake } from "../services/Wake.ts"
import { type Answer, json, text } from "./Answer.ts"
import { isLoopback, isMeant } from "./Loopback.ts"
import { type Question, serve, serveTcp } from "./Server.ts"
import type { Finder } from "./Why.ts"

/** What answering takes. */
export type Asked = Activity | Anka | Coordinators | Drain | GitHub | Ledger | Templates | Wake

/** What the daemon knows of itself besides. */
export interface About<R> {
  readonly config: string
  readonly services: ReadonlyArray<Finder<R>>
  /** Whether the host is paused is kept in this file, so that a reboot does not put it to work. */
  readonly pauseFile: string
  /** Path of the ledger. */
  readonly ledger: string
  /** Where metrics are served over TCP, if anywhere. */
  readonly metrics: Option.Option<{ readonly host: string; readonly port: number }>
}

/** A port that cannot be had is asked for again: another daemon may have it, or its address may come later than we do. */
const PORT_AGAIN = "5 seconds"
/** A daemon that is asked to hand its jobs over looks so often whether it can. */
const LOOK_EVERY = "200 millis"
/** What may be asked over TCP: nothing that changes anything, or tells of jobs. */
const OPEN = ["GET /metrics", "GET /healthz"]

/** A page that a user of this Mac opens may have its browser ask here, by a name of its own. */
const ELSEWHERE =
  "metrics.host is this Mac itself: ask for 127.0.0.1 or localhost, and let a proxy before it send that as Host"

/** Take nothing new on this host, or take work again; outlives the daemon. */
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

/** Whether the next daemon would see through what this service does: nothing, or a job whose runner runs in its VM. */
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
 * Leave what runs to the daemon that asks. A job that is not there yet is waited for until its runner runs, or it is
 * over; whoever stops waiting has asked for nothing.
 */
const handOver: Effect.Effect<Answer, never, Activity | Drain> = Effect.gen(function* () {
  const activity = yield* Activity
  const drain = yield* Drain
  const handover = yield* Handover
  let isAnnounced = false
  // looked at each time: what was paused may be resumed meanwhile
  while (!(yield* drain.open)) {
    const ready = (yield* activity.services).every(canBeLeft)
    if (ready && (yield* handover.begin)) return text(200, "handed over")
    if (!isAnnounced)
      yield* Effect.logInfo("another daemon waits to take over: it gets each job whose runner has started")
    isAnnounced = true
    yield* Effect.sleep(LOOK_EVERY)
  }
  return text(409, "this host takes work: nothing is handed over")
})

/** Answer questions on this socket for as long as the scope lives. */
export const open = Effect.fn("Control.open")(function* <R>(path: string, about: About<R>) {
  const drain = yield* Drain
  const startedAt = yield* Clock.currentTimeMillis
  const context = yield* Effect.context<Asked | FileSystem | R>()
  const shared = yield* Shared.make
  // the host was told to take nothing, in an earlier life of its daemon
  yield* drain.pause(yield* Files.isThere(about.pauseFile))

  // what answers is loaded when somebody asks
  const routes: Record<string, (question: Question) => Effect.Effect<Answer, never, Asked | FileSystem | R>> = {
    "GET /status": () =>
      Effect.flatMap(
        Effect.promise(() => import("./Status.ts")),
        ({ read, Status }) => Effect.map(read({ config: about.config, startedAt }), (status) => json(Status, status))
      ),
    "GET /fleet": () =>
      Effect.flatMap(
        Effect.promise(() => import("./Fleet.ts")),
        ({ read, Fleet }) => Effect.map(read(), (fleet) => json(Fleet, fleet))
      ),
    "GET /why": ({ query }) =>
      Effect.flatMap(
        Effect.promise(() => import("./Why.ts")),
        ({ ask, Why }) =>
          Effect.map(ask(query.get("job") ?? "", about.services, { config: about.config, startedAt }), (why) =>
            json(Why, why)
          )
      ),
    "GET /metrics": () =>
      Effect.flatMap(
        Effect.promise(() => import("./metrics/Scrape.ts")),
        ({ answer }) => answer({ config: about.config, startedAt })
      ),
    "GET /healthz": () =>
      Effect.flatMap(
        Effect.promise(() => import("./Health.ts")),
        ({ answer }) => answer({ ledger: about.ledger, startedAt })
      ),
    // of what is loaded already: its files may be the next version's by now
    "POST /handover": () => handOver,
    "POST /pause": () => setPause(true, about.pauseFile),
    "POST /resume": () => setPause(false, about.pauseFile)
  }
  const among =
    (known: ReadonlyArray<string>) =>
    (question: Question): Effect.Effect<Answer> => {
      const name = `${question.method} ${question.path}`
      const route = known.includes(name) ? routes[name] : undefined
      return route === undefined
        ? Effect.succeed(text(404, `nothing is known as ${name}`))
        : route(question).pipe(
            Effect.provide(context),
            Effect.provideService(Shared.Shared, shared),
            Effect.catchAllDefect((defect) => Effect.succeed(text(500, Cause.pretty(Cause.die(defect)))))
          )
    }
  yield* Option.match(about.metrics, {
    onNone: () => Effect.void,
    onSome: ({ host, port }) => {
      const answer = among(OPEN)
      const listen = serveTcp(host, port, (question) =>
        isLoopback(host) && !isMeant(question.headers.host) ? Effect.succeed(text(403, ELSEWHERE)) : answer(question)
      )
      // a Mac that runs jobs unwatched is worth more than one that runs none
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
  return yield* serve(path, among(Object.keys(routes)))
})
