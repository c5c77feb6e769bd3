/** Metrics as text that Prometheus reads: text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats). Pure. */
import * as MetricKeyType from "effect/MetricKeyType"
import type * as MetricPair from "effect/MetricPair"
import * as MetricState from "effect/MetricState"
import type { Family } from "../../services/Metrics.ts"
import { excerpt, visible } from "../../text/Text.ts"

/** Maximum number of UTF-16 units of the value of a label. */
const LONGEST = 300

/** Labels of one time series. */
export type Labels = Readonly<Record<string, string>>

/** One value, with the labels of its time series. */
export interface Sample {
  readonly labels: Labels
  readonly value: number
  /** `_bucket` and the like. */
  readonly suffix?: string
}

/** A metric with its present values. */
export interface Reading {
  readonly name: string
  readonly type: "counter" | "gauge" | "histogram"
  readonly help: string
  readonly samples: ReadonlyArray<Sample>
}

/** Content type of the text. */
export const TYPE = "text/plain; version=0.0.4; charset=utf-8"

const escaped = (text: string) => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")
/** The value of a label, which may be a name that strangers chose. */
const safe = (text: string) =>
  excerpt(text, LONGEST)
    .split("\n")
    .map((line) => visible(line))
    .join("\n")
const quoted = (text: string) => `"${escaped(safe(text)).replaceAll('"', '\\"')}"`

const number = (value: number) =>
  Number.isNaN(value) ? "NaN" : Number.isFinite(value) ? `${value}` : value > 0 ? "+Inf" : "-Inf"

const labelled = (labels: Labels) => {
  const all = Object.entries(labels).map(([name, value]) => `${name}=${quoted(value)}`)
  return all.length === 0 ? "" : `{${all.join(",")}}`
}

/** Metrics as text. */
export const render = (readings: ReadonlyArray<Reading>): string =>
  readings
    .flatMap(({ name, type, help, samples }) => [
      `# HELP ${name} ${escaped(help)}`,
      `# TYPE ${name} ${type}`,
      // labels that differ may be equal once they are cut, and a series may appear only once
      ...[
        ...new Map(
          samples.map(
            ({ suffix = "", labels, value }) => [`${name}${suffix}${labelled(labels)}`, number(value)] as const
          )
        )
      ].map((sample) => sample.join(" "))
    ])
    .map((line) => `${line}\n`)
    .join("")

/** Every combination of the values that labels can have; of a label whose values the config decides, those that were seen. */
const combinations = (labels: Family["labels"], seen: ReadonlyArray<Labels>): ReadonlyArray<Labels> =>
  Object.entries(labels).reduce<ReadonlyArray<Labels>>(
    (sets, [name, values]) => {
      const all = values.length > 0 ? values : [...new Set(seen.map((labels) => labels[name] ?? ""))]
      return sets.flatMap((set) => all.map((value) => ({ ...set, [name]: value })))
    },
    [{}]
  )

const keyOf = (labels: Labels) => JSON.stringify(Object.entries(labels).sort())

const samplesOf = (state: MetricState.MetricState.Untyped, labels: Labels): ReadonlyArray<Sample> => {
  if (MetricState.isCounterState(state)) return [{ labels, value: Number(state.count) }]
  if (!MetricState.isHistogramState(state)) return []
  return [
    ...state.buckets.map(([le, value]) => ({ suffix: "_bucket", labels: { ...labels, le: number(le) }, value })),
    { suffix: "_sum", labels, value: state.sum },
    { suffix: "_count", labels, value: state.count }
  ]
}

/** What Effect counted of these; a counter that stands at nothing is there too, or its first increase would be missed. */
export const counted = (
  families: ReadonlyArray<Family>,
  snapshot: ReadonlyArray<MetricPair.MetricPair.Untyped>
): ReadonlyArray<Reading> =>
  families.map(({ name, type, help, labels }) => {
    const isOurs = type === "counter" ? MetricKeyType.isCounterKey : MetricKeyType.isHistogramKey
    const found = snapshot
      .filter(({ metricKey }) => metricKey.name === name && isOurs(metricKey.keyType))
      .map(({ metricKey, metricState }) => ({
        labels: Object.fromEntries(metricKey.tags.map(({ key, value }) => [key, value])),
        state: metricState
      }))
    const known = new Set(found.map(({ labels }) => keyOf(labels)))
    const seen = found.map(({ labels }) => labels)
    const unseen = type === "counter" ? combinations(labels, seen).filter((labels) => !known.has(keyOf(labels))) : []
    return {
      name,
      type,
      help,
      samples: [
        ...found.flatMap(({ state, labels }) => samplesOf(state, labels)),
        ...unseen.map((labels) => ({ labels, value: 0 }))
      ]
    }
  })
