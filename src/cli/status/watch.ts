/** `anklet status --watch` at a terminal: the status as far as it fits, and the story of the job that is chosen. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type { Status } from "../../control/Status.ts"
import type { Why } from "../../control/why/explain.ts"
import { span } from "../../domain/Format.ts"
import type { JobProgress } from "../../services/Activity.ts"
import { alone, line, lines, type Shown, type Text } from "../shown.ts"
import { fitting, wrapped } from "../table.ts"
import { type Screen, say, screen } from "../terminal.ts"
import { type Key, pressed } from "./keys.ts"
import { RECENT, status, WAITING } from "./render.ts"
import { endOf, stageOf, stages } from "./words.ts"

/** Interval between two questions to the daemon, in milliseconds. */
const EVERY = 1000

/** What can be chosen: a job, by its key. */
interface Choice {
  readonly key: string
  readonly name: string
  readonly url: string
  /** What is known of it here, each on a line of its own. */
  readonly story: ReadonlyArray<string>
  readonly isWaiting: boolean
}

const urlOf = ({ fields }: JobProgress): string => `${fields.jobURL ?? ""}`

/** The jobs of a status, from top to bottom. */
const choices = ({ services, queues, ended, now }: Status): ReadonlyArray<Choice> => [
  ...services.flatMap(({ name: service, doing }): ReadonlyArray<Choice> => {
    if (doing._tag !== "Working") return []
    const { job } = doing
    const story = [`${stageOf(job, now)}, in ${service}`, job.template, `attempt ${job.attempt}`, stages(job, now)]
    return [{ key: job.key, name: job.name, url: urlOf(job), story, isWaiting: false }]
  }),
  ...queues.flatMap(({ waiting }) =>
    waiting.slice(0, WAITING).map(({ key, name, url, template, since, why }): Choice => {
      const story = [`waiting for ${span(now - since)}: ${why === "" ? "ready to run" : why}`, template]
      return { key, name, url, story, isWaiting: true }
    })
  ),
  ...ended.slice(0, RECENT).map((end): Choice => {
    const { job, service } = end
    const [, outcome] = endOf(end)
    const story = [`${outcome}, in ${service}`, job.template, `attempt ${job.attempt}`, stages(job, now)]
    return { key: job.key, name: job.name, url: urlOf(job), story, isWaiting: false }
  })
]

/** What the person has chosen, and whether its story is shown. */
interface View {
  readonly chosen: string
  readonly isOpen: boolean
}

const moved = (view: View, all: ReadonlyArray<Choice>, by: number): View => {
  const at = all.findIndex(({ key }) => key === view.chosen)
  const next = all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + by))]
  return { ...view, chosen: next?.key ?? "" }
}

/** What a key changes; none where it ends the watch. */
const after = (view: View, all: ReadonlyArray<Choice>, key: Key): Option.Option<View> => {
  switch (key) {
    case "up":
      return Option.some(moved(view, all, -1))
    case "down":
      return Option.some(moved(view, all, 1))
    case "enter":
      return Option.some({ ...view, isOpen: all.some(({ key }) => key === view.chosen) })
    case "back":
      return Option.some({ ...view, isOpen: false })
    case "quit":
      return view.isOpen ? Option.some({ ...view, isOpen: false }) : Option.none()
  }
}

const HINT = "q: quit   up, down: choose a job   enter: its story"
const BACK = "q: back"

const storyOf = ({ width, paint }: Screen, { name, url, story }: Choice, why: Option.Option<Why>): Shown => {
  const parts = (text: string) => wrapped(text, width)
  const reasons = Option.match(why, {
    onNone: () => [],
    onSome: ({ answer, reasons }): ReadonlyArray<Text> => [
      "",
      ...parts(answer),
      ...reasons.flatMap(({ where, what, remedy }) => [
        "",
        ...wrapped(`${where}: ${what}`, width - 2).map((text) => line`  ${text}`),
        ...wrapped(`what to do: ${remedy}`, width - 4).map((text) => line`    ${text}`)
      ])
    ]
  })
  return lines([...parts(name).map((text) => paint("bold", text)), url, "", ...story.flatMap(parts), ...reasons])
}

/** Shows what `read` returns, again and again, until a key ends it. `ask` tells why a job waits. */
export const watch = <E, R, E2, R2>(
  read: Effect.Effect<Status, E, R>,
  ask: (job: string) => Effect.Effect<Why, E2, R2>
) =>
  Effect.gen(function* () {
    const keys = yield* pressed
    let view: View = { chosen: "", isOpen: false }
    let why = Option.none<Why>()
    while (true) {
      const it = yield* read
      const all = choices(it)
      const until = (yield* Clock.currentTimeMillis) + EVERY
      while (true) {
        const here = yield* screen
        const chosen = all.find(({ key }) => key === view.chosen)
        const shown = view.isOpen && chosen !== undefined ? storyOf(here, chosen, why) : status(here, it, view)
        const hint = here.paint("dim", view.isOpen ? BACK : HINT)
        yield* say(alone(lines([fitting(shown, here.width, here.height - 2), hint])))
        const left = until - (yield* Clock.currentTimeMillis)
        const key = yield* Queue.take(keys).pipe(Effect.timeoutOption(Math.max(0, left)))
        if (Option.isNone(key)) break
        const next = after(view, all, key.value)
        if (Option.isNone(next)) return
        view = next.value
        if (key.value !== "enter") continue
        const opened = all.find((choice) => choice.key === view.chosen)
        // what is known here of other jobs is the whole story
        why = opened?.isWaiting === true && opened.url !== "" ? yield* Effect.option(ask(opened.url)) : Option.none()
      }
    }
  }).pipe(Effect.scoped)
