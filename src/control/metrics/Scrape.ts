/** The answer to a scrape: counters, and gauges of this moment. */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import { FAMILIES } from "../../services/Metrics.ts"
import { text } from "../Answer.ts"
import { counted, render, TYPE } from "./Exposition.ts"
import * as Gauges from "./Gauges.ts"

/** All metrics, as text. */
export const answer = Effect.fn("Scrape.answer")(function* () {
  const gauges = yield* Gauges.read()
  return text(200, render([...counted(FAMILIES, yield* Metric.snapshot), ...gauges]), { "content-type": TYPE })
})
