/** The answer to a scrape: what was counted, and what is so now. */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import { counted, render, TYPE } from "./Exposition.ts"
import * as Gauges from "./Gauges.ts"
import { FAMILIES } from "./Metrics.ts"
import type { About } from "./Status.ts"
import type { Answer } from "./services/ControlSocket.ts"

/** All metrics, as text. */
export const answer = Effect.fn("Scrape.answer")(function* (about: About) {
  const gauges = yield* Gauges.read(about)
  const answer: Answer = {
    status: 200,
    type: TYPE,
    body: render([...counted(FAMILIES, yield* Metric.snapshot), ...gauges])
  }
  return answer
})
