/** A failing plan made as small as possible, for the person who must understand it. */
import { execFileSync } from "node:child_process"
import type { Plan } from "./plan.ts"
import type { Promise_ } from "./promises.ts"
import { type Report, simulate } from "./world.ts"

/** Maximum number of histories that are tried. */
const TRIES = 80
/** Maximum number of lines of the trace that are shown. */
const SHOWN = 60

const fails = (plan: Plan, promise: Promise_): boolean => simulate(plan).violation?.promise === promise

/** Leaves out what does not matter: halves first, then quarters, and so on. */
const without = <A>(
  all: ReadonlyArray<A>,
  stillFails: (some: ReadonlyArray<A>) => boolean,
  budget: { left: number }
): ReadonlyArray<A> => {
  let kept = all
  for (
    let size = Math.ceil(kept.length / 2);
    size >= 1 && budget.left > 0;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let at = 0; at < kept.length && budget.left > 0; ) {
      const some = [...kept.slice(0, at), ...kept.slice(at + size)]
      budget.left--
      if (stillFails(some)) kept = some
      else at += size
    }
  }
  return kept
}

/** The smallest plan found that breaks the same promise. */
export const shrink = (plan: Plan, promise: Promise_): Plan => {
  const budget = { left: TRIES }
  const calm = { ...plan, weather: { lost: 0, late: 0, lateBy: 0, doubled: 0 } }
  let smallest = fails(calm, promise) ? calm : plan
  const faults = without(smallest.faults, (faults) => fails({ ...smallest, faults }, promise), budget)
  smallest = { ...smallest, faults }
  const jobs = without(smallest.jobs, (jobs) => fails({ ...smallest, jobs }, promise), budget)
  return { ...smallest, jobs }
}

const commit = (): string => {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim()
  } catch {
    return "unknown"
  }
}

/** Frequent queries, which say nothing about the failure. */
const DULL = /store: (Poll|Idle|Ingest|Hello) |anka -j list exited|true exited with 125/

/** The end of a trace, without these queries. */
export const telling = (trace: ReadonlyArray<string>): ReadonlyArray<string> =>
  trace.filter((line) => !DULL.test(line)).slice(-SHOWN)

/** What a person needs to reproduce the failure. */
export const explain = (plan: Plan, { violation }: Report): string => {
  if (violation === undefined) return "nothing is wrong"
  const smallest = shrink(plan, violation.promise)
  const again = simulate(smallest, { traced: true })
  const { jobs, faults, ...rest } = smallest
  return [
    `seed ${plan.seed} at commit ${commit()} breaks ${again.violation?.message ?? violation.message}`,
    `world: ${JSON.stringify(rest)}`,
    `jobs (${jobs.length} of ${plan.jobs.length}): ${JSON.stringify(jobs)}`,
    `faults (${faults.length} of ${plan.faults.length}): ${JSON.stringify(faults)}`,
    ...telling(again.trace)
  ].join("\n")
}
