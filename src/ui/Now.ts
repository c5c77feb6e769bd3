/** What the page of `anklet ui` shows of one moment. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { API, type JsonRoute } from "../control/Api.ts"
import { Fleet } from "../control/Fleet.ts"
import { Status } from "../control/Status.ts"

/** All of it. */
export const Now = Schema.Struct({
  /** Name of this host. */
  host: Schema.String,
  status: Status,
  fleet: Fleet
})
export type Now = typeof Now.Type

/** A daemon that can be asked. */
export interface Daemon<R> {
  readonly get: <A, I, Query extends string>(
    route: JsonRoute<A, I, Query>,
    values: Readonly<Record<Query, string>>
  ) => Effect.Effect<A, { readonly message: string }, R>
}

/** Read everything now. */
export const read = <R>(daemon: Daemon<R>, host: string) =>
  Effect.map(
    Effect.all([daemon.get(API.status, {}), daemon.get(API.fleet, {})], { concurrency: 2 }),
    ([status, fleet]): Now => ({ host, status, fleet })
  )
