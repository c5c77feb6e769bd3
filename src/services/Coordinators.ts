/** Which coordinator a service asks: its host's own, or the one of the store that its config names. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { Database } from "../config/Database.ts"
import * as embedded from "./Coordinator/embedded.ts"
import type { Coordinator, StoreState } from "./Coordinator.ts"
import { Host } from "./Host.ts"

/** A service, and the store that it shares. */
interface Sharing {
  readonly name: string
  readonly database: Option.Option<Database>
}

export class Coordinators extends Context.Tag("anklet/Coordinators")<
  Coordinators,
  {
    readonly of: (service: string) => Coordinator["Type"]
    /** Each coordinator that services ask. */
    readonly all: ReadonlyArray<Coordinator["Type"]>
    /** The stores that services share with other hosts. */
    readonly stores: Effect.Effect<ReadonlyArray<StoreState & { readonly services: ReadonlyArray<string> }>>
  }
>() {
  /** One for each store that the services name, and one for those that name none. A store is loaded and connected to only when it is named. */
  static readonly layer = (services: ReadonlyArray<Sharing>, stateDir: string) =>
    Layer.scoped(
      Coordinators,
      Effect.gen(function* () {
        const namesOf = (store: Option.Option<Database>) =>
          services.filter(({ database }) => Equal.equals(database, store)).map(({ name }) => name)
        const own = yield* embedded.make(namesOf(Option.none()))
        let shared = HashMap.empty<Database, Coordinator["Type"]>()
        const hostLayer = Host.layer(stateDir)
        for (const store of services.flatMap(({ database }) => Option.toArray(database))) {
          if (HashMap.has(shared, store)) continue
          const redis = yield* Effect.promise(() => import("./Coordinator/redis.ts"))
          const made = yield* redis.make(store, namesOf(Option.some(store))).pipe(Effect.provide(hostLayer))
          shared = HashMap.set(shared, store, made)
        }
        const stores = new Map(services.map(({ name, database }) => [name, database]))
        return Coordinators.of({
          all: [own, ...HashMap.values(shared)],
          stores: Effect.forEach(HashMap.toEntries(shared), ([store, { state }]) =>
            Effect.map(state, ({ name, isAway }) => ({ name, isAway, services: namesOf(Option.some(store)) }))
          ),
          of: (service) =>
            Option.getOrElse(
              Option.flatMap(stores.get(service) ?? Option.none(), (store) => HashMap.get(shared, store)),
              () => own
            )
        })
      })
    )
}
