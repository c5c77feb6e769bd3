/** What a scrape says of the Mac itself: processors, memory, and the volume of the templates. */
import { cpus, freemem, totalmem } from "node:os"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { volumeOf } from "../../files/Volume.ts"
import { Anka } from "../../services/Anka.ts"
import type { Reading } from "./Exposition.ts"

/** Timeout of `anka config`, which may hang. */
const ANSWER_WITHIN = "5 seconds"

/** The folder of the templates, once `anka` has said it: it changes with Anka's settings only. */
let images = Option.none<string>()

const folder = Effect.gen(function* () {
  if (Option.isNone(images))
    images = yield* Effect.option(
      Effect.timeout(
        Effect.flatMap(Anka, ({ imageDirectory }) => imageDirectory),
        ANSWER_WITHIN
      )
    )
  return images
})

const gauge = (name: string, help: string, value: Option.Option<number>): Reading => ({
  name,
  type: "gauge",
  help,
  samples: Option.toArray(Option.map(value, (value) => ({ labels: {}, value })))
})

/** Reads everything now; nothing is read while nobody asks. */
export const read = Effect.gen(function* () {
  const volume = yield* Effect.flatMap(folder, Option.match({ onNone: () => Effect.succeedNone, onSome: volumeOf }))
  const times = cpus().map(({ times }) => times)
  const modes = ["user", "nice", "sys", "idle", "irq"] as const
  const readings: ReadonlyArray<Reading> = [
    {
      name: "anklet_host_cpu_seconds_total",
      type: "counter",
      help: "Time of all processors of this host, by what they did.",
      samples: modes.map((mode) => ({
        labels: { mode },
        value: times.reduce((sum, time) => sum + time[mode], 0) / 1000
      }))
    },
    gauge("anklet_host_cpus", "Processors of this host.", Option.some(times.length)),
    gauge("anklet_host_memory_bytes", "Memory of this host.", Option.some(totalmem())),
    gauge(
      "anklet_host_memory_free_bytes",
      "Memory of this host that nothing uses, not even as a cache.",
      Option.some(freemem())
    ),
    gauge(
      "anklet_template_volume_bytes",
      "Size of the volume that the templates are on.",
      Option.map(volume, ({ size }) => size)
    ),
    gauge(
      "anklet_template_volume_free_bytes",
      "Free part of the volume that the templates are on.",
      Option.map(volume, ({ free }) => free)
    )
  ]
  return readings
})
