/** What a store says, in one form for both of them: whatever has no effect any more is left out. */
import * as HashMap from "effect/HashMap"
import * as Schema from "effect/Schema"
import type { Redis } from "ioredis"
import { JobRequest } from "../../../src/domain/Job.ts"
import { classOf } from "../../../src/services/Coordinator/order.ts"
import type { State } from "../../../src/services/Coordinator/protocol.ts"
import { keysOf } from "../../../src/services/Coordinator/redis/scripts.ts"
import { SCOPE } from "./random.ts"

const specOf = Schema.encodeSync(Schema.parseJson(JobRequest))
const sorted = (entries: Iterable<readonly [string, unknown]>) =>
  Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)))

/** The reducer's state. */
export const ofState = (state: State, now: number) => {
  const record = ({
    attempt,
    excluded
  }: {
    attempt: number
    excluded: State["queued"] extends HashMap.HashMap<string, infer Q>
      ? Q extends { excluded: infer X }
        ? X
        : never
      : never
  }) =>
    [
      attempt,
      ...excluded.map(
        ({ host, until, soft, reason }) =>
          `${host} ${until} ${soft ? 1 : 0},${Buffer.from(reason).toString("base64url")}`
      )
    ].join(";")
  const jobs = [...HashMap.values(state.queued), ...HashMap.values(state.owned)]
  return {
    meta: {
      generation: state.generation,
      claimsFrozenUntil: state.claimsFrozenUntil,
      terms: state.terms.value,
      termsby: state.terms.host,
      epoch: state.epoch,
      ready: state.ready,
      fence: state.turn.fence,
      began: state.turn.began,
      poller: state.turn.host,
      polluntil: state.turn.until,
      looked: state.looked,
      ended: state.ended,
      seenAt: state.seenAt,
      passed: state.passed
    },
    hosts: sorted(Array.from(state.hosts, ([id, { life, info, until }]) => [id, `${life} ${info} ${until}`] as const)),
    said: sorted(
      Array.from(state.hosts)
        .filter(([, { status }]) => status !== "")
        .map(([id, { status }]) => [id, status] as const)
    ),
    queue: Array.from(HashMap.values(state.queued), ({ job, rank }) => `${classOf(job)} ${rank} ${job.key}`).sort(),
    spec: sorted(jobs.map(({ job, rank }) => [job.key, `${classOf(job)} ${rank}\n${specOf(job)}`] as const)),
    state: sorted(jobs.map((it) => [it.job.key, record(it)] as const)),
    seen: sorted(Array.from(state.queued, ([key, { seen }]) => [key, seen] as const)),
    claims: sorted(
      Array.from(
        state.owned,
        ([key, { epoch, host, service, until }]) => [key, `${epoch} ${host}/${service} ${until}`] as const
      )
    ),
    own: sorted(Array.from(state.owned, ([key, { host, service }]) => [`${host}/${service}`, key] as const)),
    done: sorted(state.done),
    idle: sorted(
      Array.from(
        state.idle,
        ([id, { since, hot }]) => [id, [String(since).padStart(16, "0"), ...hot].join(" ")] as const
      )
    ),
    reserved: sorted(
      Array.from(state.reserved)
        .filter(([, { until }]) => until > now)
        .map(([host, { job, until }]) => [host, `${until} ${job}`] as const)
    )
  }
}

const pairs = (list: ReadonlyArray<string>) =>
  list.flatMap((value, i) => (i % 2 === 0 ? [[value, list[i + 1] ?? ""] as const] : []))

/** The same of a Redis. */
export const ofRedis = async (redis: Redis, now: number) => {
  const [
    meta = "",
    hosts = "",
    alive = "",
    queue = "",
    spec = "",
    state = "",
    seen = "",
    claims = "",
    lease = "",
    own = "",
    done = "",
    idle = "",
    idlers = "",
    reserved = "",
    ,
    said = ""
  ] = keysOf(SCOPE)
  const scores = async (key: string) => pairs(await redis.zrange(key, 0, -1, "WITHSCORES"))
  const found = await redis.hgetall(meta)
  const number = (field: string) => Number(found[field] ?? 0)
  const until = new Map(await scores(alive))
  const leases = new Map(await scores(lease))
  const waiting = await redis.hgetall(idlers)
  const index = Object.entries(waiting).flatMap(([id, value]) => {
    const [since, ...hot] = value.split(" ")
    return [...hot, "*"].map((name) => `${name} ${since} ${id}`)
  })
  return {
    /** The index of idle services agrees with what they said. */
    indexed: JSON.stringify((await redis.zrange(idle, 0, -1)).sort()) === JSON.stringify(index.sort()),
    dump: {
      meta: {
        generation: found.generation ?? "",
        claimsFrozenUntil: number("frozenuntil"),
        terms: found.terms ?? "",
        termsby: found.termsby ?? "",
        epoch: number("epoch"),
        ready: number("ready"),
        fence: number("fence"),
        began: number("began"),
        poller: found.poller ?? "",
        polluntil: number("polluntil"),
        looked: number("looked"),
        ended: number("ended"),
        seenAt: number("seenat"),
        passed: number("passed")
      },
      hosts: sorted(Object.entries(await redis.hgetall(hosts)).map(([id, said]) => [id, `${said} ${until.get(id)}`])),
      said: sorted(Object.entries(await redis.hgetall(said))),
      queue: await redis.zrange(queue, 0, -1),
      spec: sorted(Object.entries(await redis.hgetall(spec))),
      state: sorted(Object.entries(await redis.hgetall(state))),
      seen: sorted((await scores(seen)).map(([key, look]) => [key, Number(look)])),
      claims: sorted(
        Object.entries(await redis.hgetall(claims)).map(([key, said]) => [key, `${said} ${leases.get(key)}`])
      ),
      own: sorted(Object.entries(await redis.hgetall(own))),
      done: sorted((await scores(done)).map(([key, since]) => [key, Number(since)])),
      idle: sorted(Object.entries(waiting)),
      reserved: sorted(
        Object.entries(await redis.hgetall(reserved)).filter(([, said]) => Number(said.split(" ")[0]) > now)
      )
    }
  }
}
