/** `anklet status --watch` at a terminal: as much as fits, and the story of what is chosen. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type { Why } from "../../control/why/explain.ts"
import { alone, line, lines, type Shown, type Text } from "../shown.ts"
import { fitting, wrapped } from "../table.ts"
import { type Screen, say, screen } from "../terminal.ts"
import { type Key, pressed } from "./keys.ts"
import { MARK, paragraph, type View } from "./parts.ts"

/** Interval between two questions to the daemon, in milliseconds. */
const EVERY = 1000

/** What can be chosen: a job or a host. */
export interface Choice {
  readonly key: string
  readonly name: string
  /** What is known of it here, each on a line of its own. */
  readonly story: ReadonlyArray<string>
  /** Address of a job that waits, about which the daemon is asked; empty where the story is all there is. */
  readonly asked: string
}

/** What is watched: how it is drawn, and what can be chosen in it, from top to bottom. */
export interface Watched<A> {
  readonly draw: (screen: Screen, it: A, view?: View) => Shown
  readonly choices: (it: A) => ReadonlyArray<Choice>
  /** What the keys do. */
  readonly hint: string
}

/** What the person has chosen, and whether its story is shown. */
interface Choosing extends View {
  readonly isOpen: boolean
}

const moved = (view: Choosing, all: ReadonlyArray<Choice>, by: number): Choosing => {
  const at = all.findIndex(({ key }) => key === view.chosen)
  const next = all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + by))]
  return { ...view, chosen: next?.key ?? "" }
}

/** What a key changes; none where it ends the watch. */
const after = (view: Choosing, all: ReadonlyArray<Choice>, key: Key): Option.Option<Choosing> => {
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

const BACK = "q: back"

/** The story of what is chosen, and why it waits if that is known. */
export const storyOf = (screen: Screen, { name, story }: Choice, why: Option.Option<Why>): Shown => {
  const { width, paint } = screen
  // an address that is broken leads nowhere
  const parts = (text: string) => (/^https?:\S+$/.test(text) ? [text] : paragraph(screen, text))
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
  return lines([...paragraph(screen, name).map((text) => paint("bold", text)), ...story.flatMap(parts), ...reasons])
}

/** Shows what `read` returns, again and again, until a key ends it. `ask` tells why a job waits. */
export const watch = <A, E, R, E2, R2>(
  { draw, choices, hint }: Watched<A>,
  read: Effect.Effect<A, E, R>,
  ask: (job: string) => Effect.Effect<Why, E2, R2>
) =>
  Effect.gen(function* () {
    const keys = yield* pressed
    let view: Choosing = { chosen: "", isOpen: false }
    let why = Option.none<Why>()
    while (true) {
      const it = yield* read
      const all = choices(it)
      const until = (yield* Clock.currentTimeMillis) + EVERY
      while (true) {
        const here = yield* screen
        const chosen = all.find(({ key }) => key === view.chosen)
        const story = view.isOpen && chosen !== undefined ? storyOf(here, chosen, why) : undefined
        const keysNow = here.paint("dim", view.isOpen ? BACK : hint)
        const [shown, mark] = story === undefined ? [draw(here, it, view), MARK] : [story, ""]
        yield* say(alone(lines([fitting(shown, here.width, here.height - 2, mark), keysNow])))
        const left = until - (yield* Clock.currentTimeMillis)
        const key = yield* Queue.take(keys).pipe(Effect.timeoutOption(Math.max(0, left)))
        if (Option.isNone(key)) break
        const next = after(view, all, key.value)
        if (Option.isNone(next)) return
        view = next.value
        if (key.value !== "enter") continue
        const opened = all.find((choice) => choice.key === view.chosen)
        // what is known here of other jobs is the whole story
        const asked = opened?.asked ?? ""
        why = asked === "" ? Option.none() : yield* Effect.option(ask(asked))
      }
    }
  }).pipe(Effect.scoped)
