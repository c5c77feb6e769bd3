/** Whether this host hears the store's messages: it sends one to itself. A connection may look open and receive nothing. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Store } from "./store.ts"

/** Timeout of a message that this host sends to itself. */
const ECHO_WITHIN = Duration.seconds(3)
/** Number of messages in a row that are missed before the connection is opened again. */
const MISSED = 2

/** For a host of a store. `heard` is to be run when the echo arrives; `watch` sends one in each interval, forever. */
export const make = Effect.fnUntraced(function* (store: Store, host: string, interval: Duration.Duration) {
  const echo = yield* Effect.makeLatch(false)
  const watch = Effect.gen(function* () {
    let missed = 0
    while (true) {
      yield* Effect.sleep(interval)
      yield* echo.close
      const sent = yield* Effect.exit(store.say(host, "echo"))
      if (sent._tag === "Failure") continue
      const heard = yield* Effect.timeoutOption(echo.await, ECHO_WITHIN)
      missed = Option.isSome(heard) ? 0 : missed + 1
      if (missed < MISSED) continue
      missed = 0
      yield* Effect.logWarning(`no messages arrive from ${store.name}: opening another connection to listen on`)
      yield* store.relisten
    }
  })
  return { heard: Effect.asVoid(echo.open), watch }
})
