/** What is kept for inspection on this host: asked for, listed, and ended. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { isCalled } from "../domain/Called.ts"
import { counted, span } from "../domain/Format.ts"
import * as Hold from "../job/Hold.ts"
import { FORGOTTEN_AFTER, Holds, Request, words } from "../services/Holds.ts"
import { isHeld, Ledger } from "../services/Ledger.ts"
import { type Answer, text } from "./Answer.ts"

/** The answer. Times are in milliseconds since the epoch. */
export const Holding = Schema.Struct({
  now: Schema.Number,
  held: Schema.Array(
    Schema.Struct({
      vm: Schema.String,
      /** Name of the job, and its address; empty where it has none. */
      name: Schema.String,
      url: Schema.String,
      /** Empty if the job has not run. */
      conclusion: Schema.String,
      since: Schema.Number,
      until: Schema.Number,
      firm: Schema.Boolean
    })
  ),
  /** What has been asked for, and has not happened yet. */
  requests: Schema.Array(Request)
})
export type Holding = typeof Holding.Type

/** Read it. */
export const read = Effect.fn("Holding.read")(function* () {
  const now = yield* Clock.currentTimeMillis
  const { vms } = yield* (yield* Ledger).state
  const held = [...HashMap.values(vms)].flatMap((it) =>
    it.held !== undefined && isHeld(it, now) ? [{ vm: it.vm, ...it.held }] : []
  )
  return { now, held, requests: yield* (yield* Holds).all } satisfies Holding
})

const decode = Schema.decodeUnknownOption(
  Schema.Struct({
    kind: Request.fields.kind,
    named: Schema.String.pipe(Schema.maxLength(1000)),
    keepFor: Schema.NumberFromString.pipe(
      Schema.between(Duration.toMillis(Hold.SHORTEST), Duration.toMillis(Hold.LONGEST))
    ),
    firm: Schema.String
  })
)

/** Note a request; says in words what will happen. */
export const ask = Effect.fn("Holding.ask")(function* (
  parameter: (name: "kind" | "named" | "keepFor" | "firm") => string
) {
  const given = decode({
    kind: parameter("kind"),
    named: parameter("named"),
    keepFor: parameter("keepFor"),
    firm: parameter("firm")
  })
  if (Option.isNone(given)) return text(400, "it cannot be kept like that")
  const request = { ...given.value, firm: given.value.firm !== "", at: yield* Clock.currentTimeMillis }
  return yield* (yield* Holds).add(request).pipe(
    Effect.zipRight(Effect.logInfo(`the VM of ${words(request)} is to be kept for ${span(request.keepFor)}`)),
    Effect.as(text(200, promise(request))),
    Effect.catchAll((error) => Effect.succeed(text(500, `it cannot be noted: ${error.message}`)))
  )
})

const promise = (request: Request): string =>
  [
    request.kind === "job"
      ? `if job ${request.named} fails on this Mac, its VM is kept for ${span(request.keepFor)}`
      : `the VM of ${words(request)} on this Mac is kept for ${span(request.keepFor)}`,
    request.firm ? ", even if another job needs its place" : ", or until another job needs its place",
    `. The request is forgotten after ${span(FORGOTTEN_AFTER)}`
  ].join("")

/** End what is called so; says in words what that was. */
export const end = Effect.fn("Holding.end")(function* (named: string) {
  const isMeant = isCalled(named)
  const requests = yield* (yield* Holds).forget(
    ({ kind, named: about }) => named === "all" || named === (kind === "next" ? "next" : about)
  )
  const ended = yield* Effect.either(Hold.release((vm) => named === "all" || isMeant(vm)))
  if (ended._tag === "Left") return text(500, `it cannot be noted: ${ended.left.message}`)
  const parts = [
    ...(ended.right.length > 0 ? [`${ended.right.join(", ")} will be removed within seconds`] : []),
    ...(requests > 0 ? [`${counted(requests, "request")} forgotten`] : [])
  ]
  return parts.length === 0 && named !== "all"
    ? text(404, `nothing is kept as ${named}`)
    : text(200, parts.join("; ") || "nothing was kept")
}) satisfies (named: string) => Effect.Effect<Answer, never, unknown>
