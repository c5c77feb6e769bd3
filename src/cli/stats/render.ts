/** Figures of jobs as people read them. Pure. */
import { type OfTemplate, PARTS, type Stats, type Took } from "../../control/Stats.ts"
import { moment, span } from "../../domain/Format.ts"
import { line, lines, type Shown, type Text } from "../shown.ts"
import { table } from "../table.ts"
import type { Screen } from "../terminal.ts"

/** Maximum number of templates that are shown. */
const SHOWN = 20

/** What each part of a job's course is called. */
const NAMES: Readonly<Record<(typeof PARTS)[number], string>> = {
  wait: "wait for a claim",
  pull: "template",
  boot: "clone and boot",
  run: "run"
}

const count = (jobs: number): string => `${jobs} ${jobs === 1 ? "job" : "jobs"}`

const rowOf = (name: string, took: Took | null): ReadonlyArray<Text> =>
  took === null ? [name, "–", "–", "0"] : [name, span(took.median), span(took.p95), took.jobs]

const ofTemplate = (screen: Screen, it: OfTemplate): ReadonlyArray<Text> => [
  line`${screen.paint("bold", it.template)}`,
  `${count(it.jobs)}: ${it.succeeded} succeeded, ${it.failed} failed, ${it.cancelled} cancelled`,
  table(
    screen,
    ["", "median", "95th percentile", "jobs"],
    PARTS.map((part) => rowOf(NAMES[part], it[part]))
  ),
  ""
]

/** All figures. */
export const stats = (screen: Screen, { from, jobs, templates, failures }: Stats): Shown =>
  from === null
    ? lines(["no job that has ended is recorded"])
    : lines([
        `${count(jobs)} that ended on this Mac since ${moment(from)} UTC`,
        "",
        ...templates.slice(0, SHOWN).flatMap((it) => ofTemplate(screen, it)),
        ...(templates.length > SHOWN ? [`${templates.length - SHOWN} more templates: --json has them`, ""] : []),
        screen.paint("bold", `Failures: ${failures.reduce((sum, { jobs }) => sum + jobs, 0)}`),
        ...(failures.length === 0
          ? [screen.paint("dim", "  no job failed")]
          : [
              table(
                screen,
                ["cause", "jobs"],
                failures.map(({ cause, jobs }) => [cause, jobs])
              )
            ])
      ])
