/** How a notice reaches people: posted to a web address, or given to a program of theirs. */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { Notify } from "../config/Notify.ts"
import { Exec } from "../services/Exec.ts"
import * as Transport from "../services/GitHub/transport.ts"
import { Network } from "../services/Network.ts"
import { excerpt, visible } from "../text/Text.ts"
import type { Notice } from "./Told.ts"

/** A notice did not arrive. */
export class Undelivered extends Data.TaggedError("Undelivered")<{ readonly detail: string }> {}

/** One way to people. */
export interface Channel {
  /** How it is named in the log; shows no part of a web address that may be a secret. */
  readonly name: string
  /** Delivers the text of one message, JSON. */
  readonly deliver: (body: string) => Effect.Effect<void, Undelivered>
}

/** Timeout of one delivery. */
const WITHIN = Duration.seconds(15)
/** Maximum number of characters of a message. */
const MESSAGE = 600

/** Slack reads `<!channel>` and the like in a text, which strangers may have written (docs.slack.dev, formatting message text). */
const forSlack = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")

/** A message, as JSON: `text` for Slack and what understands the same, the rest for programs. */
export const bodyOf = ({ state, trouble }: Notice, host: string): string => {
  const message = visible(excerpt(trouble.message, MESSAGE))
  const url = visible(trouble.url)
  const words = `${host}: ${state === "over" ? "over: " : ""}${message}`
  return JSON.stringify({
    text: forSlack(url === "" ? words : `${words} ${url}`),
    event: trouble.kind,
    state,
    host,
    subject: visible(excerpt(trouble.subject, MESSAGE)),
    message,
    ...(url === "" ? {} : { url })
  })
}

/** One message for those that are too many to deliver one by one. */
export const summaryOf = (more: number, host: string): string => {
  const message = `${more} more notices: see "anklet status --fleet" and the log`
  return JSON.stringify({ text: `${host}: ${message}`, event: "more", state: "began", host, subject: "", message })
}

/** Posts to a web address, through the proxy of this host. Any answer but 2xx is a failure. */
const webhook = (address: Redacted.Redacted<string>) =>
  Effect.gen(function* () {
    const way = yield* Network
    const url = new URL(Redacted.value(address))
    const channel: Channel = {
      name: `the webhook at ${url.host}`,
      deliver: (body) =>
        Effect.acquireUseRelease(
          Effect.sync(() => Transport.make({ way, silence: Duration.toMillis(WITHIN) })),
          ({ fetch }) =>
            Effect.tryPromise({
              try: (signal) =>
                fetch(url.href, { method: "POST", headers: { "content-type": "application/json" }, body, signal }),
              catch: (error) => new Undelivered({ detail: error instanceof Error ? error.message : String(error) })
            }).pipe(
              Effect.timeoutFail({
                duration: WITHIN,
                onTimeout: () => new Undelivered({ detail: `no answer within ${Duration.format(WITHIN)}` })
              }),
              Effect.filterOrFail(
                ({ ok }) => ok,
                ({ status }) => new Undelivered({ detail: `it answers ${status}` })
              )
            ),
          ({ close }) => Effect.sync(close)
        ).pipe(Effect.asVoid)
    }
    return channel
  })

/** Runs a program without arguments; the message is its standard input. An exit code other than 0 is a failure. */
const command = (path: string) =>
  Effect.map(
    Exec,
    (exec): Channel => ({
      name: `the command ${path}`,
      deliver: (body) =>
        exec.run(path, [], { timeout: WITHIN, stdin: `${body}\n` }).pipe(
          Effect.mapError(({ detail }) => new Undelivered({ detail })),
          Effect.filterOrFail(
            ({ code }) => code === 0,
            ({ code, stderr }) => new Undelivered({ detail: `it exited with ${code}: ${excerpt(stderr.trim(), 200)}` })
          ),
          Effect.asVoid
        )
    })
  )

/** The channels of a config. */
export const make = (notify: Notify): Effect.Effect<ReadonlyArray<Channel>, never, Exec> =>
  Effect.map(
    Effect.all([
      Effect.transposeOption(Option.map(notify.webhook, webhook)),
      Effect.transposeOption(Option.map(notify.command, command))
    ]),
    (found) => found.flatMap(Option.toArray)
  )
