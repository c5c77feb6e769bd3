/** Traces of jobs for OpenTelemetry, configured by the environment variables of every OTLP exporter. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { lazy } from "../interruption/Lazy.ts"
import * as Secrets from "../secrets/Secrets.ts"
import { hiding } from "../secrets/Secrets.ts"
import { Activity } from "../services/Activity.ts"
import type { Pairs, Settings } from "./otlp.ts"

/** A variable that cannot be used. Its value is not shown: it may be a secret. */
export class TracesError extends hiding(
  Schema.TaggedError<TracesError>()("TracesError", {
    variable: Schema.String,
    detail: Schema.String
  })
) {
  override get message() {
    return `environment variable ${this.variable}: ${this.detail}`
  }
}

const ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
const HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"
const RESOURCE = "OTEL_RESOURCE_ATTRIBUTES"

const read = (name: string) => Effect.orElseSucceed(Config.string(name), () => "")

const decoded = Option.liftThrowable(decodeURIComponent)

/** Reads `name=value,name=value`, percent-encoded. */
const pairs = (variable: string, text: string): Either.Either<Pairs, TracesError> => {
  const found: Array<readonly [string, string]> = []
  for (const pair of text.split(",").filter((pair) => pair.trim() !== "")) {
    const [, name, value] = pair.match(/^\s*([^=\s]+)\s*=\s*(.*?)\s*$/s) ?? []
    const plain = Option.getOrUndefined(decoded(value ?? ""))
    if (name === undefined || plain === undefined) {
      const detail = `expected name=value,name=value, with %2C for a comma (pair ${found.length + 1} is none)`
      return Either.left(new TracesError({ variable, detail }))
    }
    found.push([name, plain])
  }
  return Either.right(Object.fromEntries(found))
}

const address = (text: string): Either.Either<URL, TracesError> => {
  const refuse = (detail: string) => Either.left(new TracesError({ variable: ENDPOINT, detail }))
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) {
    return refuse("expected the address of a collector that takes OTLP over HTTP, such as http://127.0.0.1:4318")
  }
  const url = new URL(text)
  if (url.username !== "" || url.password !== "") return refuse(`credentials do not belong there, but into ${HEADERS}`)
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/v1/traces`
  return Either.right(url)
}

/** The settings in the environment; none when no endpoint is set. Fails with `TracesError`. */
export const settings: Effect.Effect<Option.Option<Settings>, TracesError> = Effect.gen(function* () {
  const endpoint = yield* read(ENDPOINT)
  if (endpoint === "") return Option.none()
  const url = yield* address(endpoint)
  const headers = yield* pairs(HEADERS, yield* read(HEADERS))
  // `authorization: Bearer TOKEN` is a word and a secret
  for (const value of Object.values(headers)) for (const word of value.split(/\s+/)) Secrets.keep(word)
  const { "service.name": named = "anklet", ...resource } = yield* pairs(RESOURCE, yield* read(RESOURCE))
  const service = (yield* read("OTEL_SERVICE_NAME")) || named
  return Option.some({ url, headers: Redacted.make(headers), service, resource })
})

/** Send a trace of each job that ends, as long as the scope lives. Fails with `TracesError`. */
export const start = Effect.gen(function* () {
  const activity = yield* Activity
  const found = yield* settings
  if (Option.isNone(found)) return
  const { sender } = yield* lazy(() => import("./otlp.ts"))
  yield* activity.onEnd(yield* sender(found.value))
})
