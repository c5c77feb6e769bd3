/** The answer to `anklet why`. */
import * as Effect from "effect/Effect"
import { counted } from "../../domain/Format.ts"
import { anklet } from "../../text/Advice.ts"
import * as Jobs from "../Jobs.ts"
import { explain, type Why } from "./explain.ts"
import { gather } from "./facts.ts"

/** Maximum number of jobs that an answer names. */
const NAMED = 20

type Job = Pick<Jobs.Jobs["waiting"][number], "name" | "url" | "repository"> & { readonly reason: string }

/** The answer for several jobs: what each waits for. */
const ofSeveral = (asked: string, answer: string, jobs: ReadonlyArray<Job>): Why => ({
  job: asked,
  url: "",
  outcome: "found",
  answer: jobs.length > NAMED ? `${answer}; the first ${NAMED}:` : answer,
  reasons: jobs.slice(0, NAMED).map(({ name, url, repository, reason }) => ({
    where: `"${name}" of ${repository}`,
    what: reason,
    remedy: `for more of it, ${anklet(`why ${url}`)}`
  }))
})

const explained = (text: string) => Effect.map(gather(text), explain)

/** Why the jobs wait that wait, where nothing says which is meant: one is explained, several are listed. */
const askAll = Effect.gen(function* () {
  const { waiting, running, problems } = yield* Jobs.read()
  const [only] = waiting
  if (only !== undefined && waiting.length === 1 && only.url !== "") return yield* explained(only.url)
  if (only === undefined && problems.length > 0)
    return {
      ...{ job: "", url: "", outcome: "unasked", answer: "the store does not answer" },
      reasons: problems.map((what) => ({ where: "this host", what, remedy: anklet("doctor") }))
    } satisfies Why
  if (only === undefined)
    return ofSeveral(
      "",
      running.length === 0 ? "no job waits" : `no job waits; ${counted(running.length, "job")} running`,
      []
    )
  return ofSeveral("", `${counted(waiting.length, "job")} wait`, waiting)
})

/** What is known of the jobs below an address: those of a run, or of a repository. */
const below = (address: string) =>
  Effect.map(Jobs.read(), ({ waiting, running }): ReadonlyArray<Job> => {
    const base = `${address.replace(/[?#].*$/, "").replace(/\/+$/, "")}/`
    return [
      ...waiting,
      ...running.map((job) => ({ ...job, reason: `it does not wait: ${job.service} of ${job.host} has it` }))
    ].filter(({ url }) => url.startsWith(base))
  })

/**
 * Why the job of this address or number waits; with the address of a run, each of its jobs that are known here; with
 * nothing, all that wait.
 */
export const ask = Effect.fnUntraced(function* (text: string) {
  if (text === "") return yield* askAll
  const answer = yield* explained(text)
  if (answer.outcome !== "unreadable") return answer
  const jobs = yield* below(text)
  const [only] = jobs
  if (only === undefined) return answer
  return jobs.length === 1
    ? yield* explained(only.url)
    : ofSeveral(text, `it has ${counted(jobs.length, "job")} here`, jobs)
})
