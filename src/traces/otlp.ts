/** Jobs as traces, sent to a collector by OTLP over HTTP. Loaded only where the environment names one. */
import { hostname } from "node:os"
import * as OtlpSerialization from "@effect/opentelemetry/OtlpSerialization"
import * as OtlpTracer from "@effect/opentelemetry/OtlpTracer"
import * as HttpClient from "@effect/platform/HttpClient"
import { type HttpClientError, RequestError } from "@effect/platform/HttpClientError"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Clock from "effect/Clock"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import type * as Tracer from "effect/Tracer"
import { within } from "../interruption/Within.ts"
import { version } from "../process/version.ts"
import type { Ended } from "../services/Activity.ts"
import { visible } from "../text/Text.ts"

/** Texts by their names. */
export type Pairs = Readonly<Record<string, string>>

/** Where traces are sent, and how they describe this daemon. */
export interface Settings {
  readonly url: URL
  readonly headers: Redacted.Redacted<Pairs>
  readonly service: string
  readonly resource: Pairs
}

/** Interval between two batches of spans. */
const SEND_EVERY = "5 seconds"
/** Maximum number of spans that wait in memory: then they are sent at once. */
const BATCH = 500
/** Timeout of a request to the collector. */
const ANSWERS_WITHIN = "5 seconds"
/** Timeout of the last batch, when the daemon ends. */
const FLUSH_WITHIN = "1500 millis"
/** Timeout of the end of the sender, the last batch included: longest delay of the end of the daemon. */
const CLOSE_WITHIN = "2 seconds"

const nanoseconds = (ms: number) => BigInt(Math.round(ms)) * 1_000_000n

/** Make the spans of a job that ended: one for the job, and in it one for each stage. Times are in milliseconds since the epoch. */
const trace = (tracer: Tracer.Tracer, { service, job, outcome }: Ended, now: number): void => {
  const [first, ...stages] = job.stages
  // the CI's clock may be ahead of ours: a span never ends before it begins
  let at = first?.at ?? now
  const span = (name: string, parent: Option.Option<Tracer.Span>) =>
    tracer.span(name, parent, Context.empty(), [], nanoseconds(at), "internal")
  const whole = span("job", Option.none())
  const { key, name, template, attempt, adopted, fields } = job
  const told = { "job.key": key, "job.name": name, template, attempt, adopted, service, outcome, ...fields }
  for (const [name, value] of Object.entries(told))
    whole.attribute(`anklet.${name}`, typeof value === "string" ? visible(value) : value)
  for (const { stage, at: reached } of stages) {
    const way = span(adopted && stage === "started" ? "adopted" : stage, Option.some(whole))
    at = Math.max(at, reached)
    way.end(nanoseconds(at), Exit.void)
  }
  whole.end(nanoseconds(Math.max(at, now)), outcome === "finished" ? Exit.void : Exit.fail(outcome))
}

const why = (error: HttpClientError): string => {
  if (error._tag === "ResponseError") return `it answers ${error.response.status}`
  const { cause } = error
  if (!(cause instanceof Error)) return error.description ?? error.reason
  // a name with several addresses fails with a code alone
  return cause.message || ("code" in cause ? String(cause.code) : cause.name)
}

/** A client for which silence, and every answer but 2xx, is a failure. Logs the first failure in a row, and the recovery. */
const watched = (client: HttpClient.HttpClient, { url }: Settings) => {
  let isAway = false
  return client.pipe(
    // an answer that is not read would keep its connection
    HttpClient.tap(({ text }) => Effect.ignore(text)),
    HttpClient.filterStatusOk,
    HttpClient.transform((answer, request) =>
      Effect.timeoutFail(answer, {
        duration: ANSWERS_WITHIN,
        onTimeout: () => new RequestError({ request, reason: "Transport", description: "it does not answer" })
      })
    ),
    HttpClient.tapError((error) => {
      if (isAway) return Effect.void
      isAway = true
      return Effect.logWarning(
        `traces cannot be sent to ${url.origin}, and are lost until they can: ${why(error)}; check OTEL_EXPORTER_OTLP_ENDPOINT (OTLP over HTTP, usually on port 4318)`
      )
    }),
    HttpClient.tap(() => {
      if (!isAway) return Effect.void
      isAway = false
      return Effect.logInfo(`traces are sent to ${url.origin} again`)
    })
  )
}

/** A function that sends a trace of a job. When the scope closes, spans that still wait are sent. */
export const sender = Effect.fn("Traces.sender")(function* (settings: Settings) {
  const scope = yield* Scope.make()
  // in a fiber of its own: a stop must not cut it short
  yield* Effect.addFinalizer(() => Effect.ignore(within(CLOSE_WITHIN)(Scope.close(scope, Exit.void))))
  const client = Layer.effect(
    HttpClient.HttpClient,
    Effect.map(HttpClient.HttpClient, (client) => watched(client, settings))
  ).pipe(Layer.provide(NodeHttpClient.layer))
  const context = yield* Layer.buildWithScope(Layer.merge(client, OtlpSerialization.layerJson), scope)
  const tracer = yield* OtlpTracer.make({
    url: settings.url.href,
    headers: Redacted.value(settings.headers),
    resource: {
      serviceName: settings.service,
      serviceVersion: version,
      attributes: { "host.name": hostname(), ...settings.resource }
    },
    exportInterval: SEND_EVERY,
    maxBatchSize: BATCH,
    shutdownTimeout: FLUSH_WITHIN
  }).pipe(
    // it reads the same variables, less exactly
    Effect.withConfigProvider(ConfigProvider.fromMap(new Map())),
    Effect.provide(context),
    Scope.extend(scope)
  )
  return (ended: Ended) => Effect.map(Clock.currentTimeMillis, (now) => trace(tracer, ended, now))
})
