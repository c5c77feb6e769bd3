/** What the pages of `anklet status` are made of. Pure. */
import { line, type Text } from "../shown.ts"
import { wrapped } from "../table.ts"
import type { Colour, Screen } from "../terminal.ts"

/** What a person sees of a status beyond its facts: the job or host that is chosen. */
export interface View {
  /** Its key; empty where none is chosen. */
  readonly chosen: string
}

/** Nothing is chosen. */
export const EVERYTHING: View = { chosen: "" }

/** What stands before the chosen line. */
export const MARK = "> "

/** Where something can be chosen, a mark before what is. */
export const marked = (isChosen: boolean, text: string): string => (isChosen ? `${MARK}${text}` : text)

/** Text that wraps, each line in this colour, and later lines indented. */
export const paragraph = ({ width, paint }: Screen, text: string, colour?: Colour): ReadonlyArray<Text> =>
  wrapped(text, width - 2).map((part, n) => {
    const shown = colour === undefined ? part : paint(colour, part)
    return n === 0 ? shown : line`  ${shown}`
  })
