/** Surveys, lists and job records, put together from the coordinator's replies. */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Order from "effect/Order"
import { HOSTS } from "../../text/Limits.ts"
import { late, rankOf } from "./order.ts"
import { type JobRecord, type Listed, type Reply, RULES, type Survey } from "./protocol.ts"

const NOTHING: Survey = { hosts: [], classes: [], owned: 0, looker: "", lookedAt: 0, seenAt: 0, claimsFrozenUntil: 0 }
const UNKNOWN: JobRecord = {
  state: "unknown",
  attempt: 0,
  ahead: 0,
  owner: "",
  service: "",
  late: 0,
  reserver: "",
  excluded: []
}

/** All pages of a survey, with the largest number of hosts that is shown. A host whose beat moves it to a later page appears once, as last seen. */
export const whole = <E>(page: (from: number) => Effect.Effect<Reply, E>): Effect.Effect<Survey, E> =>
  Effect.gen(function* () {
    const hosts = new Map<string, Survey["hosts"][number]>()
    let survey = NOTHING
    for (let from = 0; ; from += RULES.page) {
      const reply = yield* page(from)
      if (reply._tag !== "Survey") return survey
      for (const host of reply.hosts) hosts.set(host.id, host)
      survey = { ...reply, hosts: [...hosts.values()] }
      if (reply.hosts.length < RULES.page || from + RULES.page >= HOSTS) return survey
    }
  })

/** Maximum number of jobs of a queue that are read to find those that come first. */
const QUEUED = 1000

/** The order in which jobs are claimed, whatever their class. */
const placeOf = ({ job, record }: Listed) =>
  `${record.late > 0 ? late(rankOf(job), record.late) : rankOf(job)} ${job.key}`

/** The jobs of the queue that come first, in their order, `most` at most. A job that moves between pages appears once. */
export const queue = <E>(
  page: (from: number) => Effect.Effect<Reply, E>,
  most: number
): Effect.Effect<ReadonlyArray<Listed>, E> =>
  Effect.gen(function* () {
    const jobs = new Map<string, Listed>()
    for (let from = 0; from < QUEUED; from += RULES.page) {
      const reply = yield* page(from)
      if (reply._tag !== "Listed") break
      for (const listed of reply.jobs) jobs.set(listed.job.key, listed)
      if (!reply.more) break
    }
    return Arr.take(Arr.sortWith(jobs.values(), placeOf, Order.string), most)
  })

/** What is known of a job: nothing, if the coordinator answers something else. */
export const record = <E>(asked: Effect.Effect<Reply, E>): Effect.Effect<JobRecord, E> =>
  Effect.map(asked, (reply) => (reply._tag === "Record" ? reply : UNKNOWN))
