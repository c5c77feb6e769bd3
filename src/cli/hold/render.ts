/** What is kept for inspection, as people read it. Pure. */
import type { Holding } from "../../control/Holding.ts"
import { isCalled } from "../../domain/Called.ts"
import { span } from "../../domain/Format.ts"
import { words } from "../../services/Holds.ts"
import { line, lines, type Shown, type Text } from "../shown.ts"
import type { Screen } from "../terminal.ts"

/** Whether `--end` names something that is kept, or is to be. */
export const knows = ({ held, requests }: Holding, named: string): boolean =>
  held.some(isCalled(named)) || requests.some((it) => named === (it.kind === "next" ? "next" : it.named))

/** The VMs with the command that opens each, and what is still asked for. */
export const holding = (screen: Screen, { now, held, requests }: Holding): Shown => {
  const kept = held.flatMap(
    ({ vm, name, url, conclusion, until, firm }): ReadonlyArray<Text> => [
      line`${screen.paint("bold", vm)}  ${name}, ${conclusion || "did not run"}; ${span(until - now)} left${firm ? ", even if a job needs its place" : ""}`,
      ...(url === "" ? [] : [line`    ${url}`]),
      line`    anklet shell ${vm}`
    ]
  )
  const asked = requests.map(
    (it) => line`to be kept for ${span(it.keepFor)}: ${words(it)}; asked for ${span(now - it.at)} ago`
  )
  return lines(kept.length + asked.length === 0 ? ["nothing is kept for inspection"] : [...kept, ...asked])
}
