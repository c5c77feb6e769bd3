/** The page of `anklet ui`: its files, and the questions that it may ask the daemon. */
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import { type Answer, file as asFile, json as asJson, text as plain, withHeaders } from "../control/Answer.ts"
import { API } from "../control/Api.ts"
import { isMeant } from "../control/Loopback.ts"
import type { Question } from "../control/Server.ts"
import { Stats } from "../control/Stats.ts"
import { Why } from "../control/why/explain.ts"
import { visible } from "../text/Text.ts"
import dom from "./browser/dom.js" with { type: "text" }
import fleet from "./browser/fleet.js" with { type: "text" }
import job from "./browser/job.js" with { type: "text" }
import labels from "./browser/labels.js" with { type: "text" }
import css from "./browser/page.css" with { type: "text" }
import html from "./browser/page.html" with { type: "text" }
import page from "./browser/page.js" with { type: "text" }
import parts from "./browser/parts.js" with { type: "text" }
import past from "./browser/past.js" with { type: "text" }
import queue from "./browser/queue.js" with { type: "text" }
import view from "./browser/view.js" with { type: "text" }
import * as Key from "./Key.ts"
import { type Daemon, Now, read } from "./Now.ts"

const HTML = "text/html; charset=utf-8"
const CSS = "text/css; charset=utf-8"
const SCRIPT = "text/javascript; charset=utf-8"
/** Files without anything to hide. */
const FILES: Readonly<Record<string, readonly [type: string, text: string]>> = {
  "/": [HTML, html],
  "/page.css": [CSS, css],
  "/page.js": [SCRIPT, page],
  "/dom.js": [SCRIPT, dom],
  "/fleet.js": [SCRIPT, fleet],
  "/job.js": [SCRIPT, job],
  "/parts.js": [SCRIPT, parts],
  "/past.js": [SCRIPT, past],
  "/queue.js": [SCRIPT, queue],
  "/view.js": [SCRIPT, view],
  "/labels.js": [SCRIPT, labels]
}

/**
 * The page may run its own scripts and ask its own server, nothing else, and no other page may show it in a frame.
 * Strangers choose the names that it shows: with Trusted Types a browser refuses to read any text as HTML.
 */
const HEADERS = {
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    // the icon of the tab, which the page draws
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'"
  ].join("; "),
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff"
}

// names by strangers: what is safe in a terminal is safe in a page
const json = <A, I>(schema: Schema.Schema<A, I>, value: A): Answer => asJson(schema, value, visible)

/** Where the page has what it shows. */
export interface Source<R> {
  /** Name of this host. */
  readonly host: string
  readonly daemon: Daemon<R>
  /** The figures of the jobs that have ended here. */
  readonly stats: Effect.Effect<Stats, { readonly message: string }, R>
}

/** Answers a browser. What the page shows needs the key; nothing can be changed here. */
export const answer = <R>({ host, daemon, stats }: Source<R>, key: Key.Key) => {
  const asked = ({ path, query }: Question): Effect.Effect<Answer, { readonly message: string }, R> | undefined => {
    switch (path) {
      case "/now":
        return Effect.map(read(daemon, host), (now) => json(Now, now))
      case "/why":
        return Effect.map(daemon.get(API.why, { job: query.get("job") ?? "" }), (why) => json(Why, why))
      case "/stats":
        return Effect.map(stats, (stats) => json(Stats, stats))
      default:
        return undefined
    }
  }
  const respond = (question: Question): Effect.Effect<Answer, never, R> => {
    const { method, path, headers } = question
    if (!isMeant(headers.host)) return Effect.succeed(plain(403, "this page is for this host's own browsers"))
    if (method !== "GET") return Effect.succeed(plain(405, "nothing can be changed here", { allow: "GET" }))
    const file = FILES[path]
    if (file !== undefined) return Effect.succeed(asFile(...file))
    const told = asked(question)
    if (told === undefined) return Effect.succeed(plain(404, `nothing is known as ${path}`))
    if (!Key.opens(key, headers.authorization))
      return Effect.succeed(
        plain(403, "the address is not complete, or an earlier one: open the one that anklet ui printed")
      )
    return Effect.catchAll(told, ({ message }) => Effect.succeed(plain(503, visible(message))))
  }
  return (question: Question) => Effect.map(respond(question), (answer): Answer => withHeaders(answer, HEADERS))
}
