/** Polls the server of this page, and shows the answer. */
import { patch } from "./dom.js"
import { clock, titleOf, toneOf } from "./labels.js"
import { reasons, whole } from "./view.js"

/** @import { Stats } from "../../control/Stats.ts" */
/** @import { Now } from "../Now.ts" */

/** Interval between an answer and the next request, in milliseconds: each request costs the host a call of `anka list`. */
const EVERY = 2000
/** After this many milliseconds the page says that the daemon does not answer; it still waits for the answer. */
const MISSED_AFTER = 4000
/** Timeout of a request, in milliseconds. */
const GIVEN_UP_AFTER = 30_000

const SILENT = "the daemon does not answer"
const ENDED = "anklet ui has ended: start it again, and open the address that it prints"

/**
 * @template {HTMLElement} E
 * @param {string} id
 * @param {new () => E} type
 */
const element = (id, type) => {
  const found = document.getElementById(id)
  if (!(found instanceof type)) throw new Error(`page.html has no ${id}`)
  return found
}
const line = element("line", HTMLElement)
const host = element("host", HTMLElement)
const shown = element("now", HTMLElement)
const answer = element("answer", HTMLElement)
const job = element("job", HTMLInputElement)

/** Takes the key from behind the # of the address, which no browser sends anywhere. The key stays in this tab. */
const takeKey = () => {
  const given = location.hash.slice(1)
  if (given === "") return
  sessionStorage.setItem("key", given)
  history.replaceState(null, "", location.pathname)
}

/**
 * @param {string} path
 * @returns {Promise<any>}
 */
const ask = async (path) => {
  const answer = await fetch(path, {
    headers: { authorization: `Bearer ${sessionStorage.getItem("key") ?? ""}` },
    signal: AbortSignal.timeout(GIVEN_UP_AFTER)
  }).catch(({ name }) => {
    throw new Error(name === "TimeoutError" ? SILENT : ENDED)
  })
  if (!answer.ok) throw new Error(await answer.text())
  return await answer.json()
}

/**
 * The last answer.
 * @type {Now | undefined}
 */
let last
/**
 * The figures of the jobs that have ended.
 * @type {Stats | undefined}
 */
let stats
/** The newest of the ended jobs that they count, and that of the last answer. */
let counted = ""
let newest = ""
/** How far the host's clock was ahead of ours in that answer, in milliseconds. */
let ahead = 0
/** The problem, empty when there is none, and when it began. */
let problem = ""
let since = 0
/**
 * When the open request was sent; undefined when there is none.
 * @type {number | undefined}
 */
let askedAt

/** @param {string} what */
const is = (what) => {
  if (problem === what) return
  problem = what
  since = Date.now()
}

const lineOf = () => {
  if (problem !== "") return { text: `since ${clock(since, Date.now())}: ${problem}`, kind: "bad" }
  return last === undefined ? { text: "asking the daemon", kind: "note" } : { text: "live", kind: "live" }
}

/** Colours of the icon: the ones of the page, which an icon cannot see. */
const ICONS = { good: "#2f9e55", warn: "#d98a00", bad: "#d3352b", gone: "#8a8a84" }

/**
 * Shows the state as the icon of the tab.
 * @param {keyof typeof ICONS} tone
 */
const icon = (tone) => {
  const shown = element("icon", HTMLLinkElement)
  const picture = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="${ICONS[tone]}"/></svg>`
  const href = `data:image/svg+xml,${encodeURIComponent(picture)}`
  if (shown.href !== href) shown.href = href
}

const show = () => {
  if (askedAt !== undefined && Date.now() - askedAt > MISSED_AFTER) is(SILENT)
  const { text, kind } = lineOf()
  if (line.textContent !== text) line.textContent = text
  line.className = kind
  document.body.classList.toggle("stale", problem !== "")
  // an old answer does not describe the present
  if (last === undefined || problem !== "") return icon("gone")
  document.title = titleOf(last.host, last.status)
  icon(toneOf(last.status))
  host.textContent = last.host
  patch(shown, whole(last, Date.now() + ahead, stats))
}

/**
 * Waits until the page is visible: a hidden page sends no requests.
 * @returns {Promise<void>}
 */
const visible = () =>
  new Promise((resolve) => {
    if (!document.hidden) return resolve()
    document.addEventListener("visibilitychange", () => resolve(visible()), { once: true })
  })

/** @param {unknown} error */
const messageOf = (error) => (error instanceof Error ? error.message : `${error}`)

/**
 * Asks for the figures where another job has ended: one answer later, when the host has recorded it.
 * @param {Now} now
 */
const count = async ({ status }) => {
  const [ended] = status.ended
  const before = newest
  newest = `${ended?.job.key} ${ended?.job.stages.at(-1)?.at}`
  if (newest !== before || newest === counted) return
  // a file that cannot be read hides the figures alone
  stats = await ask("stats").catch(() => undefined)
  counted = newest
}

const live = async () => {
  while (true) {
    await visible()
    askedAt = Date.now()
    try {
      /** @type {Now} */
      const now = await ask("now")
      last = now
      ahead = now.status.now - Date.now()
      is("")
      await count(now)
    } catch (error) {
      is(messageOf(error))
    }
    askedAt = undefined
    show()
    await new Promise((resolve) => setTimeout(resolve, EVERY))
  }
}

element("why", HTMLFormElement).addEventListener("submit", async (event) => {
  event.preventDefault()
  patch(answer, ["asking …"])
  try {
    patch(answer, reasons(await ask(`why?job=${encodeURIComponent(job.value.trim())}`)))
  } catch (error) {
    patch(answer, [messageOf(error)])
  }
})

addEventListener("hashchange", takeKey)
takeKey()
setInterval(show, 1000)
live()
