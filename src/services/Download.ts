/** Files from the web: by https alone, through the proxy of this host, and bounded in size and time. Nothing secret is sent. */
import type * as http from "node:http"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { hiding } from "../secrets/Secrets.ts"
import { excerpt } from "../text/Text.ts"
import type { Line } from "./GitHub/line.ts"
import { connections, explain, TransportError } from "./GitHub/transport.ts"
import type { Way } from "./Network/Way.ts"

/** A file could not be downloaded. */
export class DownloadError extends hiding(
  Schema.TaggedError<DownloadError>()("DownloadError", { url: Schema.String, detail: Schema.String })
) {
  override get message() {
    return `${this.url} cannot be downloaded: ${this.detail}`
  }
}

/** Timeout of a silent server. */
const SILENCE = Duration.seconds(20)
/** Maximum number of redirections. */
const REDIRECTIONS = 5
/** Maximum number of characters that an error quotes of an address. */
const QUOTED = 200

/** What bounds a download. */
export interface Bounds {
  /** Maximum number of bytes. */
  readonly size: number
  /** Timeout of the whole download. */
  readonly within: Duration.DurationInput
}

const failed = (url: URL, detail: string) => new DownloadError({ url: `${url.origin}${url.pathname}`, detail })

const explained = (url: URL, error: Error): DownloadError =>
  failed(
    url,
    error instanceof TransportError
      ? error.message
      : (error as NodeJS.ErrnoException).code === "ECONNRESET" || error.message === "aborted"
        ? `${url.host} broke the connection off`
        : explain(url, error, "the address")
  )

/** Sends one request; gives the answer as soon as its headers are here. */
const ask = (line: Line, url: URL) =>
  Effect.async<http.IncomingMessage, DownloadError>((resume) => {
    const fail = (error: Error) => resume(Effect.fail(explained(url, line.failure(url, error) ?? error)))
    const request = line.request(
      url,
      { method: "GET", headers: { "user-agent": "anklet" }, timeout: Duration.toMillis(SILENCE) },
      (response) => {
        const refusal = line.refusal(url, response.statusCode ?? 0)
        if (refusal === undefined) resume(Effect.succeed(response))
        else request.destroy(refusal)
      }
    )
    request.on("error", fail)
    request.on("timeout", () =>
      request.destroy(
        new TransportError("ETIMEDOUT", `${url.host} said nothing for ${Duration.format(SILENCE)}${line.name}`)
      )
    )
    request.end()
    return Effect.sync(() => request.destroy())
  })

/** The answer to a request, after its redirections. */
const answer = Effect.fnUntraced(function* (lineTo: (url: URL) => Line | Promise<Line>, address: string) {
  let url = new URL(address)
  for (let n = 0; n <= REDIRECTIONS; n++) {
    if (url.protocol !== "https:") return yield* failed(url, "only addresses that begin with https:// are used")
    const at = url
    const response = yield* ask(yield* Effect.promise(async () => lineTo(at)), url)
    const { statusCode = 0, headers } = response
    if (statusCode === 200) return { url, response }
    response.destroy()
    const { location } = headers
    if (![301, 302, 303, 307, 308].includes(statusCode) || location === undefined)
      return yield* failed(url, `${url.host} answers ${statusCode}`)
    if (!URL.canParse(location, url.href)) return yield* failed(url, "it leads to something that is no address")
    const to = new URL(location, url)
    if (to.protocol !== "https:")
      return yield* failed(url, `it leads to ${excerpt(to.origin, QUOTED)}, which does not begin with https://`)
    url = to
  }
  return yield* failed(url, `it leads on more than ${REDIRECTIONS} times`)
})

/**
 * Downloads a file, and hands each part of it to `take`. Fails if it is not there, is cut off, is a web page, or exceeds
 * its bounds; what `take` has got by then is worth nothing.
 */
export const fetch = <E, R>(
  way: Way,
  address: string,
  bounds: Bounds,
  take: (part: Uint8Array) => Effect.Effect<void, E, R>
): Effect.Effect<void, E | DownloadError, R> =>
  Effect.acquireUseRelease(
    Effect.sync(() => connections({ way, silence: Duration.toMillis(SILENCE) })),
    ({ lineTo }) =>
      Effect.gen(function* () {
        const { url, response } = yield* answer(lineTo, address)
        if (/html/i.test(response.headers["content-type"] ?? ""))
          return yield* failed(url, "it is a web page, perhaps one to sign in to a network, and no file of a release")
        let size = 0
        const parts = Stream.fromAsyncIterable<Uint8Array, DownloadError>(response, (error) =>
          explained(url, error instanceof Error ? error : new Error(String(error)))
        )
        yield* Stream.runForEach(parts, (part): Effect.Effect<void, E | DownloadError, R> => {
          size += part.length
          return size > bounds.size
            ? Effect.fail(failed(url, `it has more than ${bounds.size} bytes, too many for a file of a release`))
            : take(part)
        })
      }).pipe(
        Effect.timeoutFail({
          duration: bounds.within,
          onTimeout: () => failed(new URL(address), `it took longer than ${Duration.format(bounds.within)}`)
        })
      ),
    ({ close }) => Effect.sync(close)
  )

/** Downloads a small file whole. */
export const bytes = (way: Way, address: string, bounds: Bounds) =>
  Effect.suspend(() => {
    const parts: Array<Uint8Array> = []
    return Effect.map(
      fetch(way, address, bounds, (part) => Effect.sync(() => parts.push(part))),
      () => new Uint8Array(Buffer.concat(parts))
    )
  })
