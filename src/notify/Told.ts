/** Who hears of a trouble once, and once when it is over. Pure. */
import type { Found, Trouble } from "./Trouble.ts"

/** A trouble that people know of, and since when; in milliseconds since the epoch. */
export interface Told {
  readonly trouble: Trouble
  readonly at: number
}

/** What to tell. */
export interface Notice {
  readonly state: "began" | "over"
  readonly trouble: Trouble
}

/** Maximum number of troubles that are remembered. */
export const REMEMBERED = 500
/** A trouble that cannot be judged for this long is forgotten, in milliseconds. */
const FORGOTTEN = 7 * 24 * 3_600_000

/** What is new, and what is over, since the last time. */
export const news = (told: ReadonlyArray<Told>, { troubles, isUnknown }: Found): ReadonlyArray<Notice> => {
  const before = new Set(told.map(({ trouble }) => trouble.id))
  const present = new Set(troubles.map(({ id }) => id))
  return [
    ...troubles.filter(({ id }) => !before.has(id)).map((trouble): Notice => ({ state: "began", trouble })),
    ...told
      .filter(({ trouble }) => !present.has(trouble.id) && !isUnknown(trouble))
      .map(({ trouble }): Notice => ({ state: "over", trouble }))
  ]
}

/** What people know of after these notices. */
export const after = (told: ReadonlyArray<Told>, notices: ReadonlyArray<Notice>, now: number): ReadonlyArray<Told> => {
  const over = new Set(notices.filter(({ state }) => state === "over").map(({ trouble }) => trouble.id))
  const began = notices.filter(({ state }) => state === "began").map(({ trouble }): Told => ({ trouble, at: now }))
  return [...told.filter(({ trouble, at }) => !over.has(trouble.id) && now - at < FORGOTTEN), ...began].slice(
    -REMEMBERED
  )
}
