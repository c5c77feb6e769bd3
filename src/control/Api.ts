/** The routes of the control socket: one table, for the daemon that answers and for the commands and the page that ask. */
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import { lazy } from "../interruption/Lazy.ts"

/** A question that can be asked; `Query` names its parameters. */
export interface Route<Query extends string = never> {
  readonly method: "GET" | "POST"
  readonly path: string
  readonly query: ReadonlyArray<Query>
}

/** A route that is answered with JSON. */
export interface JsonRoute<A, I, Query extends string = never> extends Route<Query> {
  /** Schema of the answer, loaded when it is needed. */
  readonly schema: Effect.Effect<Schema.Schema<A, I>>
}

const text = (method: Route["method"], path: string): Route => ({ method, path, query: [] })

const ordered = <Query extends string>(path: string, query: ReadonlyArray<Query>): Route<Query> => ({
  method: "POST",
  path,
  query
})

const json = <A, I, Query extends string = never>(
  path: string,
  schema: Effect.Effect<Schema.Schema<A, I>>,
  query: ReadonlyArray<Query> = []
): JsonRoute<A, I, Query> => ({ method: "GET", path, query, schema })

/** All routes, by their names. */
export const API = {
  /** What this daemon does. */
  status: json(
    "/status",
    Effect.map(
      lazy(() => import("./Status.ts")),
      ({ Status }) => Status
    )
  ),
  /** What all hosts that share a queue with this one do. */
  fleet: json(
    "/fleet",
    Effect.map(
      lazy(() => import("./Fleet.ts")),
      ({ Fleet }) => Fleet
    )
  ),
  /** The jobs that wait and run. */
  jobs: json(
    "/jobs",
    Effect.map(
      lazy(() => import("./Jobs.ts")),
      ({ Jobs }) => Jobs
    )
  ),
  /** Why a job waits, by its address or number. */
  why: json(
    "/why",
    Effect.map(
      lazy(() => import("./why/explain.ts")),
      ({ Why }) => Why
    ),
    ["job"]
  ),
  /** The VMs that are kept for inspection, and what else is to be kept. */
  holds: json(
    "/holds",
    Effect.map(
      lazy(() => import("./Holding.ts")),
      ({ Holding }) => Holding
    )
  ),
  /** Keep the VM of a failure: `kind` and `named` as in a request, `keepFor` in milliseconds, `firm` is empty for no. */
  hold: ordered("/hold", ["kind", "named", "keepFor", "firm"]),
  /** Keep it no longer: a VM or job by its name, a template, `next`, or `all`. */
  unhold: ordered("/unhold", ["named"]),
  /** Metrics for Prometheus. */
  metrics: text("GET", "/metrics"),
  /** Whether the daemon is fit to do its work: 200 or 503. */
  healthz: text("GET", "/healthz"),
  /** Leave running jobs to the daemon that asks. Answered when nothing stands in the way; 409 while this host accepts jobs. */
  handover: text("POST", "/handover"),
  /** Accept no new jobs on this host. */
  pause: text("POST", "/pause"),
  /** Accept jobs again. */
  resume: text("POST", "/resume")
} as const

/** Name of a route. */
export type RouteName = keyof typeof API

/** What a request for this route names: its path, with its parameters. */
export const targetOf = <Query extends string>(
  { path, query }: Route<Query>,
  values: Readonly<Record<Query, string>>
): string => {
  const parameters = query.map((name) => `${name}=${encodeURIComponent(values[name])}`)
  return parameters.length === 0 ? path : `${path}?${parameters.join("&")}`
}
