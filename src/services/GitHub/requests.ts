/** One request, or all pages of a list: through the gate, with a timeout, conditional, and with errors for people. */
import type { Octokit } from "@octokit/rest"
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { without } from "../../secrets/Secrets.ts"
import { inOneLine } from "../../text/Expected.ts"
import * as Limits from "../../text/Limits.ts"
import { type Each, told } from "../Each.ts"
import type { GitHubError } from "../GitHub.ts"
import * as Metrics from "../Metrics.ts"
import { Once } from "../Once.ts"
import * as errors from "./errors.ts"
import * as remembered from "./etagCache.ts"
import type { Gate, Kind } from "./gate.ts"
import { isLimit } from "./limits.ts"
import { isForAll } from "./parts.ts"

/** Timeout of a request. */
const WITHIN = "30 seconds"
/** A read that got no answer is repeated after 0.5 s and 1 s. */
const READ_RETRIES = Schedule.intersect(Schedule.exponential("500 millis"), Schedule.recurs(2))
/**
 * Limits the repetitions of a poll's request: the next poll repeats it anyway, and the other parts of this one should
 * not wait for it.
 */
const POLL_RETRIES = Schedule.intersect(READ_RETRIES, Schedule.recurUpTo("10 seconds"))
/** Maximum number of items that GitHub returns per page. */
const PAGE = 100

/** Failures that are GitHub's own answer; an outage or a proxy's page says nothing about the credential. */
const TELLING: ReadonlySet<GitHubError["reason"]> = new Set([
  ...(["Unauthorized", "Forbidden", "NotFound", "Conflict", "Busy", "Invalid"] as const)
])
/** Maximum number of characters of a `link` header that are searched for the next page; GitHub's have about 400. */
const LINK = 4000

type Parameters = Readonly<Record<string, unknown>>

interface Answer {
  readonly status: number
  readonly headers: errors.Headers
  readonly data: unknown
}

/** Sends requests for one credential. */
export interface Requests {
  /** A write: sent once, and successful only if GitHub answers with the status for success. */
  readonly once: (
    kind: Kind,
    route: string,
    parameters: Parameters,
    done: number
  ) => Effect.Effect<unknown, GitHubError>
  /** Only the headers of an answer. */
  readonly headers: (kind: Kind, route: string, parameters: Parameters) => Effect.Effect<errors.Headers, GitHubError>
  /** A read, conditional on the cached answer. */
  readonly get: <A, I>(
    kind: Kind,
    route: string,
    parameters: Parameters,
    schema: Schema.Schema<A, I>
  ) => Effect.Effect<A, GitHubError>
  /** Whether GitHub accepted the credential when it last answered; false if it never answered. */
  readonly isAdmitted: () => boolean
  /** Every page of a list. */
  readonly all: <A, I>(
    kind: Kind,
    route: string,
    parameters: Parameters,
    schema: Schema.Schema<A, I>
  ) => Effect.Effect<ReadonlyArray<A>, GitHubError>
  /** The items of every page of a list. An unreadable one is left out, with one warning in the log. */
  readonly list: <A, I>(
    kind: Kind,
    route: string,
    parameters: Parameters,
    schema: Schema.Schema<Each<A>, I>
  ) => Effect.Effect<ReadonlyArray<A>, GitHubError>
  /**
   * The items of those pages of a list that can be read. Fails without the first page, and with what concerns every
   * request.
   */
  readonly some: <A, I>(
    kind: Kind,
    route: string,
    parameters: Parameters,
    schema: Schema.Schema<Each<A>, I>
  ) => Effect.Effect<Some<A>, GitHubError>
}

/** What could be read of a list. */
export interface Some<A> {
  readonly items: ReadonlyArray<A>
  /** Why a page is missing. */
  readonly missing: Option.Option<GitHubError>
  /** Whether no page is missing, and no item was left out. */
  readonly isWhole: boolean
}

/** Method and path, with the parameters filled in: the name of a request in errors. */
const nameOf = (route: string, parameters: Parameters) =>
  route.replace(/\{(\w+)\}/g, (_, name: string) => String(parameters[name]))

/** What Octokit throws; with a response if there was one. */
const Failure = Schema.Struct({
  status: Schema.Number,
  message: Schema.String,
  request: Schema.Struct({ url: Schema.String }),
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

/** What is wrong with a part of a request: docs.github.com, "Troubleshooting the REST API", validation errors. */
const Fault = Schema.Union(
  Schema.String,
  Schema.Struct({
    resource: Schema.optional(Schema.String),
    field: Schema.optional(Schema.String),
    code: Schema.optional(Schema.String),
    message: Schema.optional(Schema.String)
  })
)
const decodeFaults = Schema.decodeUnknownOption(Schema.Struct({ errors: Schema.Union(Fault, Schema.Array(Fault)) }))

/** GitHub's message, and which part of a request it finds wrong if it says so. */
const messageOf = (data: unknown): string => {
  const message = Predicate.hasProperty(data, "message") && typeof data.message === "string" ? data.message : ""
  const faults = Option.match(decodeFaults(data), {
    onNone: () => [],
    onSome: ({ errors }) => (Array.isArray(errors) ? errors : [errors])
  })
  const words = faults.map((fault) =>
    typeof fault === "string"
      ? fault
      : [fault.resource, fault.field, fault.message ?? fault.code].filter((word) => word !== undefined).join(" ")
  )
  // secrets are removed before it is cut, which could leave a part of one
  return message === ""
    ? ""
    : without([message, ...words.filter((word) => word !== "")].join("; ")).slice(0, Limits.WORDS)
}

/**
 * Whether Octokit itself failed while composing an error, because of a number beyond 2^53 or an object in place of a
 * text.
 */
const isOctokits = (error: unknown): boolean =>
  error instanceof TypeError && /BigInt|primitive value/.test(error.message)

/** The status under which an answer is counted. */
const statusOf = ({ reason, status = 0 }: Partial<GitHubError>) => {
  if (reason === "RateLimited") return "limited"
  if (status === 304) return "304"
  return status >= 500 ? "5xx" : status >= 400 ? "4xx" : status >= 300 ? "3xx" : status >= 200 ? "2xx" : "none"
}

const checks = new WeakMap<Schema.Schema.AnyNoContext, (value: unknown) => boolean>()
/** Whether a value is what a schema decodes to. The check is cached, because making it costs more than using it. */
const isOf = <A, I>(schema: Schema.Schema<A, I>, value: unknown): value is A => {
  const check = checks.get(schema) ?? Schema.is(schema)
  checks.set(schema, check)
  return check(value)
}

/**
 * Sends requests for one credential. `renew` makes Octokit discard a token of its own that GitHub no longer accepts,
 * and get another one.
 */
export const make = (
  octokit: Octokit,
  gate: Gate,
  renew: Option.Option<Effect.Effect<unknown, Cause.UnknownException>>
): Requests => {
  const memory = remembered.make()
  let admitted = false
  /** Learns from an answer of GitHub's own whether it knows the credential. */
  const heard = (error?: GitHubError) => {
    if (error === undefined || TELLING.has(error.reason)) admitted = error?.reason !== "Unauthorized"
  }
  const once = Once.make()

  /** Converts an error of Octokit to ours; a 304 is an answer. */
  const explain = (request: string, error: unknown): Effect.Effect<Answer, GitHubError> =>
    Effect.gen(function* () {
      const failure = Option.getOrUndefined(decodeFailure(error))
      // Octokit sends nothing before it has signed in: anything but a failed request is a key that cannot sign, or an
      // answer that made Octokit itself fail
      if (failure === undefined) {
        return yield* Option.isNone(renew) || isOctokits(error)
          ? errors.unavailable(request, "the answer cannot be read: check api_url and proxies")
          : errors.unusableKey(request)
      }
      const { status, response } = failure
      if (response === undefined) return yield* errors.unavailable(request, failure.message)
      const { headers, data } = response
      const message = messageOf(data)
      if (isLimit(status, headers, data, yield* Clock.currentTimeMillis)) {
        return yield* errors.rateLimited(request, yield* gate.refused(headers, status), { status, message })
      }
      const asApp = failure.request.url.endsWith("/access_tokens")
      const isSearch = failure.request.url.endsWith("/installation") && status !== 404
      if (asApp || isSearch) return yield* errors.ofMint(request, status, message)
      yield* gate.learn(headers)
      if (status === 304) return { status, headers, data }
      return yield* errors.ofStatus(request, status, message, headers)
    })

  const attempt = (kind: Kind, route: string, parameters: Parameters, etag?: string) => {
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
        Effect.matchEffect({
          onFailure: ({ error }) => explain(request, error),
          onSuccess: ({ status, headers, data }): Effect.Effect<Answer, GitHubError> =>
            Effect.zipRight(
              gate.learn(headers),
              // Octokit treats a redirection that was not followed as a success
              Number(status) < 300
                ? Effect.succeed({ status, headers, data })
                : Effect.fail(errors.ofStatus(request, status, messageOf(data), headers))
            )
        }),
        Effect.timeoutFail({
          duration: WITHIN,
          onTimeout: () => errors.unavailable(request, `no answer within ${WITHIN}`)
        }),
        Effect.tapBoth({
          onFailure: (error) => {
            heard(error)
            return Metrics.githubAnswered({ kind, status: statusOf(error) })
          },
          onSuccess: (answer) => {
            heard()
            return Metrics.githubAnswered({ kind, status: statusOf(answer) })
          }
        }),
        Effect.tap(({ status }) => Effect.logDebug(`${request} answered ${status}`))
      )
    )
  }

  /** Gets another token, which GitHub may refuse like any request: for now, or permanently. */
  const signIn = (renewed: Effect.Effect<unknown, Cause.UnknownException>, kind: Kind, request: string) =>
    Effect.zipRight(
      gate.enter(kind, request),
      renewed.pipe(
        Effect.catchAll(({ error }) => explain(request, error)),
        Effect.timeoutFail({
          duration: WITHIN,
          onTimeout: () => errors.unavailable(request, `no answer within ${WITHIN}`)
        })
      )
    )

  /** A request answered with 401 had no effect, so it may be sent again with another token. */
  const send: typeof attempt = (kind, route, parameters, etag) => {
    const sent = attempt(kind, route, parameters, etag)
    return Option.match(renew, {
      onNone: () => sent,
      onSome: (renewed) =>
        Effect.catchIf(
          sent,
          ({ reason, status }) => reason === "Unauthorized" && status === 401,
          () => Effect.zipRight(signIn(renewed, kind, nameOf(route, parameters)), sent)
        )
    })
  }

  const page = <A, I>(kind: Kind, route: string, parameters: Parameters, schema: Schema.Schema<A, I>) => {
    const key = JSON.stringify([route, parameters])
    const request = nameOf(route, parameters)
    return Effect.gen(function* () {
      const known = memory.get(key)
      const { status, headers, data } = yield* Effect.retry(send(kind, route, parameters, known?.etag), {
        while: ({ reason }) => reason === "Unavailable",
        schedule: kind === "poll" ? POLL_RETRIES : READ_RETRIES
      })
      // a page cached under a key was decoded with the schema of that key
      if (status === 304 && known !== undefined && isOf(schema, known.items)) {
        memory.set(key, known)
        return { items: known.items, next: known.next, last: known.last, bytes: 0 }
      }
      const items = yield* Effect.mapError(Schema.decodeUnknown(schema)(data), (error) =>
        errors.protocol(
          request,
          status,
          `the answer is not what GitHub's API describes; check that api_url is an API and not a web page (${inOneLine(error)})`
        )
      )
      const etag = typeof headers.etag === "string" ? headers.etag : undefined
      const link = String(headers.link ?? "").slice(0, LINK)
      const next = /<[^>]*>;\s*rel="next"/.test(link)
      const last = Number(/[?&]page=(\d+)[^>]*>;\s*rel="last"/.exec(link)?.[1] ?? 0)
      memory.set(key, { etag, items, next, last })
      return { items, next, last, bytes: Number(headers["content-length"] ?? 0) }
    })
  }

  /**
   * Reads page after page; skips one that cannot be read only if `goesOn`, and only if GitHub has announced more pages.
   */
  const walk = <A, I>(
    kind: Kind,
    route: string,
    parameters: Parameters,
    schema: Schema.Schema<A, I>,
    goesOn: (error: GitHubError) => boolean
  ) =>
    Effect.gen(function* () {
      const pages: Array<A> = []
      let missing = Option.none<GitHubError>()
      let until = 0
      let bytes = 0
      /** Of a list that does not end, what was read is returned if a part is useful. */
      const tooLong = (most: string) => {
        const error = errors.protocol(nameOf(route, parameters), 200, `a list of more than ${most}`)
        return goesOn(error) ? Effect.succeed({ pages, missing: Option.some(error) }) : error
      }
      for (let number = 1; number <= Limits.PAGES; number++) {
        const got = yield* Effect.either(page(kind, route, { ...parameters, per_page: PAGE, page: number }, schema))
        if (Either.isLeft(got)) {
          if (number === 1 || !goesOn(got.left)) return yield* got.left
          missing = Option.orElseSome(missing, () => got.left)
          if (number >= until) return { pages, missing }
          continue
        }
        pages.push(got.right.items)
        until = Math.max(until, got.right.last)
        bytes += got.right.bytes
        if (!got.right.next) return { pages, missing }
        if (bytes > Limits.LIST) return yield* tooLong(`${Limits.LIST} bytes`)
      }
      return yield* tooLong(`${Limits.PAGES} pages`)
    })

  const all = <A, I>(kind: Kind, route: string, parameters: Parameters, schema: Schema.Schema<A, I>) =>
    Effect.map(
      walk(kind, route, parameters, schema, () => false),
      ({ pages }) => pages
    )

  const readable = <A>(request: string, pages: ReadonlyArray<Each<A>>) =>
    Effect.map(
      Effect.forEach(pages, (page) => told(once, request, page)),
      (items) => items.flat()
    )

  return {
    isAdmitted: () => admitted,
    once: (kind, route, parameters, done) =>
      Effect.flatMap(send(kind, route, parameters), ({ status, data }) =>
        status === done
          ? Effect.succeed(data)
          : Effect.fail(
              errors.protocol(
                nameOf(route, parameters),
                status,
                `an answer ${status} that is not from GitHub's API: check api_url and proxies`
              )
            )
      ),
    headers: (kind, route, parameters) => Effect.map(send(kind, route, parameters), ({ headers }) => headers),
    get: (kind, route, parameters, schema) => Effect.map(page(kind, route, parameters, schema), ({ items }) => items),
    all,
    list: <A, I>(kind: Kind, route: string, parameters: Parameters, schema: Schema.Schema<Each<A>, I>) =>
      Effect.flatMap(all(kind, route, parameters, schema), (pages) => readable(nameOf(route, parameters), pages)),
    some: <A, I>(kind: Kind, route: string, parameters: Parameters, schema: Schema.Schema<Each<A>, I>) =>
      Effect.gen(function* () {
        const { pages, missing } = yield* walk(kind, route, parameters, schema, (error) => !isForAll(error))
        return {
          items: yield* readable(nameOf(route, parameters), pages),
          missing,
          isWhole: Option.isNone(missing) && pages.every(({ unreadable }) => unreadable.length === 0)
        }
      })
  }
}
