/** One request, or all pages of a list: through the gate, with a deadline, conditional, and with errors for people. */
import type { Octokit } from "@octokit/rest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { GitHubError } from "../GitHub.ts"
import { type Gate, isLimit, type Kind } from "./gate.ts"

/** After this a request is given up. */
const WITHIN = "30 seconds"
/** A read that got no answer is asked again: after 0.5 s and 1 s. */
const READ_RETRIES = Schedule.intersect(Schedule.exponential("500 millis"), Schedule.recurs(2))
/** Answers that are remembered for conditional requests; the oldest go first. */
const CACHE_CAPACITY = 5000
const PAGE = 100

type Parameters = Readonly<Record<string, unknown>>

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | number | undefined>>
  readonly data: unknown
}

interface Page<A> {
  readonly etag: string | undefined
  readonly items: A
  readonly next: boolean
}

/** Sends requests for one credential. */
export interface Requests {
  /** A request that is sent once, whatever happens. */
  readonly once: (kind: Kind, route: string, parameters: Parameters) => Effect.Effect<unknown, GitHubError>
  /** A read, conditional on what is remembered of it. */
  readonly get: <A, I>(
    kind: Kind,
    route: string,
    parameters: Parameters,
    schema: Schema.Schema<A, I>
  ) => Effect.Effect<A, GitHubError>
  /** Every page of a list. */
  readonly all: <A, I>(
    kind: Kind,
    route: string,
    parameters: Parameters,
    schema: Schema.Schema<A, I>
  ) => Effect.Effect<ReadonlyArray<A>, GitHubError>
}

/** Method and path, with the parameters filled in: what errors call a request. */
const nameOf = (route: string, parameters: Parameters) =>
  route.replace(/\{(\w+)\}/g, (_, name: string) => String(parameters[name]))

const Failure = Schema.Struct({
  status: Schema.Number,
  response: Schema.optional(
    Schema.Struct({
      headers: Schema.Record({
        key: Schema.String,
        value: Schema.Union(Schema.String, Schema.Number, Schema.Undefined)
      }),
      data: Schema.optional(Schema.Unknown)
    })
  )
})
const decodeFailure = Schema.decodeUnknownOption(Failure)

const messageOf = (data: unknown): string =>
  Predicate.hasProperty(data, "message") && typeof data.message === "string" ? data.message : ""

export const make = (octokit: Octokit, gate: Gate): Requests => {
  const remembered = new Map<string, Page<unknown>>()
  const remember = (key: string, page: Page<unknown>) => {
    remembered.delete(key)
    remembered.set(key, page)
    if (remembered.size > CACHE_CAPACITY) remembered.delete(remembered.keys().next().value ?? key)
  }

  /** An error of Octokit as ours; a 304 is an answer. */
  const explain = (request: string, error: unknown): Effect.Effect<Answer, GitHubError> =>
    Option.match(decodeFailure(error), {
      onNone: () => Effect.fail(unavailable(request, error)),
      onSome: ({ status, response }) => {
        if (response === undefined) return Effect.fail(unavailable(request, error))
        const { headers, data } = response
        if (status === 304) return Effect.as(gate.learn(headers), { status, headers, data })
        const message = messageOf(data)
        if ((status === 403 || status === 429) && isLimit(status, headers, message)) {
          return Effect.flatMap(gate.refused(headers), (until) =>
            Effect.fail(
              new GitHubError({
                reason: "RateLimited",
                request,
                status,
                until,
                detail: message || "the rate limit is reached"
              })
            )
          )
        }
        return Effect.zipRight(gate.learn(headers), Effect.fail(ofStatus(request, status, message, headers)))
      }
    })

  const send = (
    kind: Kind,
    route: string,
    parameters: Parameters,
    etag?: string
  ): Effect.Effect<Answer, GitHubError> => {
    const request = nameOf(route, parameters)
    return Effect.zipRight(
      gate.enter(kind, request),
      Effect.tryPromise((signal) =>
        octokit.request(route, {
          ...parameters,
          request: { signal },
          headers: {
            "x-github-api-version": "2022-11-28",
            ...(etag === undefined ? {} : { "if-none-match": etag })
          }
        })
      ).pipe(
        Effect.timeoutFail({
          duration: WITHIN,
          onTimeout: () => new Cause.UnknownException(new Error("no answer within 30 seconds"))
        }),
        Effect.matchEffect({
          onFailure: ({ error }) => explain(request, error),
          onSuccess: ({ status, headers, data }): Effect.Effect<Answer> =>
            Effect.as(gate.learn(headers), { status, headers, data })
        }),
        Effect.tap(({ status }) => Effect.logDebug(`${request} answered ${status}`))
      )
    )
  }

  const page = <A, I>(kind: Kind, route: string, parameters: Parameters, schema: Schema.Schema<A, I>) => {
    const key = JSON.stringify([route, parameters])
    const known = remembered.get(key)
    const request = nameOf(route, parameters)
    return send(kind, route, parameters, known?.etag).pipe(
      Effect.retry({ while: ({ reason }) => reason === "Unavailable", schedule: READ_RETRIES }),
      Effect.flatMap(({ status, headers, data }): Effect.Effect<Page<unknown>, GitHubError> => {
        if (status === 304 && known !== undefined) return Effect.succeed(known)
        return Schema.decodeUnknown(schema)(data).pipe(
          Effect.map(
            (items): Page<A> => ({
              etag: typeof headers.etag === "string" ? headers.etag : undefined,
              items,
              next: /<[^>]*>;\s*rel="next"/.test(String(headers.link ?? ""))
            })
          ),
          Effect.mapError(
            (error) =>
              new GitHubError({
                reason: "Protocol",
                request,
                status,
                detail: `the answer is not what GitHub's API describes; check that api_url is an API and not a web page (${error.message.slice(0, 500)})`
              })
          )
        )
      }),
      Effect.tap((page) => Effect.sync(() => remember(key, page))),
      Effect.flatMap((page) =>
        // what is remembered under a key was decoded with the key's own schema
        Effect.map(Schema.validate(Schema.typeSchema(schema))(page.items), (items) => ({ items, next: page.next }))
      ),
      Effect.catchTag("ParseError", Effect.die)
    )
  }

  return {
    once: (kind, route, parameters) => Effect.map(send(kind, route, parameters), ({ data }) => data),
    get: (kind, route, parameters, schema) => Effect.map(page(kind, route, parameters, schema), ({ items }) => items),
    all: <A, I>(kind: Kind, route: string, parameters: Parameters, schema: Schema.Schema<A, I>) => {
      const from = (number: number, before: ReadonlyArray<A>): Effect.Effect<ReadonlyArray<A>, GitHubError> =>
        Effect.flatMap(page(kind, route, { ...parameters, per_page: PAGE, page: number }, schema), ({ items, next }) =>
          next ? from(number + 1, [...before, items]) : Effect.succeed([...before, items])
        )
      return from(1, [])
    }
  }
}

const unavailable = (request: string, error: unknown) =>
  new GitHubError({
    reason: "Unavailable",
    request,
    detail: error instanceof Error ? error.message : String(error)
  })

const ofStatus = (request: string, status: number, message: string, headers: Answer["headers"]): GitHubError => {
  const of = (reason: GitHubError["reason"], detail: string) => new GitHubError({ reason, request, status, detail })
  const said = message === "" ? "" : ` (GitHub says: ${message})`
  const permissions = headers["x-accepted-github-permissions"]
  const needs = permissions === undefined ? "" : `; it needs ${permissions}`
  switch (status) {
    case 401:
      return of(
        "Unauthorized",
        `GitHub refuses the credential: check that the token is whole and has not expired${said}`
      )
    case 403:
      return of("Forbidden", `the credential may not do this${needs}: give the token or App that permission${said}`)
    case 404:
      return of(
        "NotFound",
        `GitHub does not know it, or the credential may not see it${needs}: check owner, repo and the token's access${said}`
      )
    case 409:
      return of("Conflict", `it is there already${said}`)
    case 422:
      return /running a job/i.test(message)
        ? of("Busy", `it runs a job${said}`)
        : of("Invalid", `GitHub finds the request invalid${said}`)
    default:
      return status >= 500
        ? of("Unavailable", `GitHub answers ${status}; it is tried again${said}`)
        : of("Protocol", `GitHub answers ${status}${said}`)
  }
}
