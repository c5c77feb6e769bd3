/** Which coordinator a service uses: its host's own, or that of the store which its config names. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { Database } from "../config/Database.ts"
import * as embedded from "./Coordinator/embedded.ts"
import type { Coordinator } from "./Coordinator.ts"
import type { CoordinatorView, StoreState } from "./CoordinatorView.ts"
import { Host } from "./Host.ts"

/** A service, and the store that it shares, if any. */
interface Sharing {
  readonly name: string
  readonly database: Option.Option<Database>
}

/** The coordinators of this host's services. */
export class Coordinators extends Context.Tag("anklet/Coordinators")<
  Coordinators,
  {
    /** The one that a service uses. */
    readonly of: (service: string) => Coordinator["Type"]
    /** The same, as people see it. */
    readonly viewOf: (service: string) => CoordinatorView
    /** All of them, as people see them. */
    readonly views: ReadonlyArray<CoordinatorView>
    /** The stores that services share with other hosts. */
    readonly stores: Effect.Effect<ReadonlyArray<StoreState & { readonly services: ReadonlyArray<string> }>>
  }
>() {
  /** One for each store that services name, and one for those that name none. The client of a store is loaded only where one is named. */
  static readonly layer = (services: ReadonlyArray<Sharing>, stateDir: string) =>
    Layer.scoped(
      Coordinators,
      Effect.gen(function* () {
        const namesOf = (store: Option.Option<Database>) =>
          services.filter(({ database }) => Equal.equals(database, store)).map(({ name }) => name)
        const own = yield* embedded.make(namesOf(Option.none()))
        let shared = HashMap.empty<Database, typeof own>()
        const hostLayer = Host.layer(stateDir)
        for (const store of services.flatMap(({ database }) => Option.toArray(database))) {
          if (HashMap.has(shared, store)) continue
          const redis = yield* Effect.promise(() => import("./Coordinator/redis.ts"))
          const made = yield* redis.make(store, namesOf(Option.some(store))).pipe(Effect.provide(hostLayer))
          shared = HashMap.set(shared, store, made)
        }
        const stores = new Map(services.map(({ name, database }) => [name, database]))
        const of = (service: string) =>
          Option.getOrElse(
            Option.flatMap(stores.get(service) ?? Option.none(), (store) => HashMap.get(shared, store)),
            () => own
          )
        return Coordinators.of({
          of,
          viewOf: of,
          views: [own, ...HashMap.values(shared)],
          stores: Effect.forEach(HashMap.toEntries(shared), ([store, { state }]) =>
            Effect.map(state, ({ name, isAway }) => ({ name, isAway, services: namesOf(Option.some(store)) }))
          )
        })
      })
    )
}
