/**
 * Several scopes of one service as one CI: their jobs are in one queue, the oldest first. What is asked of a job goes to
 * the scope that it comes from, and a scope that fails keeps nobody from the jobs of the others.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Scope } from "../../domain/Job.ts"
import type { Ci, JobRef, Polled } from "../../job/Ci.ts"
import { CiError } from "../../job/CiError.ts"
import { Progress } from "../../services/Activity.ts"
import type { Anka } from "../../services/Anka.ts"
import type { Capacity } from "../../services/Capacity.ts"
import type { Job, Watched } from "../../services/GitHub.ts"
import { Ledger } from "../../services/Ledger.ts"
import { LeftOut } from "../../services/LeftOut.ts"
import { levelOf, type Part, termsOfAll, watchedOf } from "./config.ts"
import * as confine from "./confine.ts"
import { JobDetail, scopeOf } from "./request.ts"
import { RunnerDetail } from "./runner.ts"

type Needs = Anka | Capacity | Ledger

/** One scope of a service. */
export interface Member {
  readonly part: Part
  readonly ci: Ci<Job, Needs>
  /** What it watches, by its current names. */
  readonly named: Effect.Effect<Watched, CiError>
}

type Members = readonly [Member, ...ReadonlyArray<Member>]

/** Maximum number of scopes that are asked at a time. */
const CONCURRENCY = 4

/** Asks all of them, and fails where none answers. */
const some = <A, R>(members: Members, ask: (member: Member) => Effect.Effect<A, CiError, R>) =>
  Effect.gen(function* () {
    const answers = yield* Effect.forEach(
      members,
      (member) => Effect.map(Effect.either(ask(member)), (answer) => ({ member, answer })),
      { concurrency: CONCURRENCY }
    )
    const failures = answers.flatMap(({ answer }) => (Either.isLeft(answer) ? [answer.left] : []))
    const [first] = failures
    return first !== undefined && failures.length === members.length ? yield* first : answers
  })

const nameOf = ({ part }: Member): string => watchedOf(part).fullName

/** The jobs of several polls, each once: GitHub may show a job in two scopes while a repository moves. */
const merged = (all: ReadonlyArray<Polled>, isWhole: boolean): Polled => {
  const nothing = all.map(({ nothing }) => nothing)
  return {
    requests: [...new Map(all.flatMap(({ requests }) => requests).map((request) => [request.key, request])).values()],
    remarks: all.flatMap(({ remarks }) => remarks),
    isPartial: !isWhole || all.some(({ isPartial }) => isPartial),
    nothing: nothing.every((why) => why !== "") ? nothing.join("; ") : ""
  }
}

/** Looks at all scopes; those that fail are left out, and said so once. */
const poll = (members: Members, scope: Scope) =>
  Effect.gen(function* () {
    const leftOut = yield* LeftOut
    const looks = yield* some(members, ({ ci }) => ci.poll(scope))
    for (const { member, answer } of looks) {
      const place = { queue: scope, name: nameOf(member) }
      yield* Either.match(answer, {
        onLeft: ({ message }) => leftOut.failed(place, message),
        onRight: () => leftOut.works(place)
      })
    }
    const polled = looks.flatMap(({ answer }) => (Either.isRight(answer) ? [answer.right] : []))
    return merged(polled, polled.length === members.length)
  })

/** A refused credential is the trouble of one scope, which does not answer: its jobs wait, and those of others come first. */
const unanswered = (error: CiError) =>
  error.reason === "Unauthorized"
    ? new CiError({
        reason: "Unavailable",
        detail: error.detail,
        cause: error.cause,
        ...(error.counted === undefined ? {} : { counted: error.counted })
      })
    : error

/** One CI of them all. `apiUrl`: where GitHub is. */
export const together = (members: Members, apiUrl: string): Ci<Job, Needs> => {
  const [first] = members
  const parts = members.map(({ part }) => part)

  const scope = Effect.map(
    some(members, ({ named }) => named),
    (answers) =>
      scopeOf(
        answers.map(({ member, answer }) => Either.getOrElse(answer, () => watchedOf(member.part))),
        apiUrl
      )
  )

  /** Whose job it is, also by the names that a repository has now; none where the config does not name it. */
  const memberOf = ({ detail }: Pick<JobRef, "detail">): Effect.Effect<Option.Option<Member>, CiError> =>
    Option.match(Schema.decodeUnknownOption(JobDetail)(detail), {
      onNone: () => Effect.succeedNone,
      onSome: (address) => {
        const named = members.find(({ part }) => confine.isWatched(watchedOf(part), address))
        if (named !== undefined) return Effect.succeedSome(named)
        return Effect.flatMap(
          Effect.forEach(members, (member) => Effect.map(Effect.either(member.named), (now) => ({ member, now }))),
          (asked) => {
            const found = asked.find(({ now }) => Either.isRight(now) && confine.isWatched(now.right, address))
            if (found !== undefined) return Effect.succeedSome(found.member)
            const failure = asked.map(({ now }) => now).find(Either.isLeft)
            return failure === undefined ? Effect.succeedNone : Effect.fail(failure.left)
          }
        )
      }
    })
  const find = (job: JobRef) =>
    Effect.flatMap(
      memberOf(job),
      Option.match({
        onNone: () => new CiError({ reason: "Failed", detail: `job ${job.key} is of nothing that the config names` }),
        onSome: Effect.succeed
      })
    )
  const orFirst = (job: JobRef) => Effect.orElseSucceed(find(job), () => first)
  const ofJob = <A, E, R>(job: JobRef, ask: (member: Member) => Effect.Effect<A, E, R>) =>
    Effect.flatMap(find(job), ask)

  /** At whose place a runner of the ledger is registered. */
  const ofDetail = (detail: unknown): Member =>
    Option.match(Schema.decodeUnknownOption(RunnerDetail)(detail), {
      onNone: () => first,
      onSome: ({ level }) => members.find(({ part }) => confine.isLevel(part, level)) ?? first
    })
  const ofRunner = <A, E, R>(name: string, ask: (member: Member) => Effect.Effect<A, E, R>) =>
    Effect.flatMap(Ledger, (ledger) =>
      Effect.flatMap(ledger.state, ({ runners }) => {
        const known = Option.getOrUndefined(HashMap.get(runners, name))
        return ask(ofDetail(known?.named.detail))
      })
    )

  return {
    ...first.ci,
    fields: {},
    scope,
    terms: termsOfAll(parts),
    poll: (scope) => poll(members, scope),
    admitted: Effect.gen(function* () {
      yield* some(members, ({ ci }) => ci.admitted)
      const [why, ...others] = yield* (yield* LeftOut).of(yield* scope)
      if (why === undefined) return
      const more = others.length === 0 ? "" : `; and ${others.length} more`
      yield* (yield* Progress).idleReason(`${why}${more}`)
    }),
    isOurs: (job) => Effect.map(memberOf(job), Option.isSome),
    state: (job, thorough) => ofJob(job, ({ ci }) => Effect.mapError(ci.state(job, thorough), unanswered)),
    taken: (runner, scope) =>
      ofRunner(runner, ({ part }) =>
        Effect.gen(function* () {
          // a runner may get any job of the place where it is registered
          const level = levelOf(part)
          const [one, ...others] = members.filter(({ part }) => confine.isLevel(part, level))
          const answers = yield* some([one ?? first, ...others], ({ ci }) => ci.taken(runner, scope))
          return Option.firstSomeOf(answers.map(({ answer }) => Either.getOrElse(answer, Option.none)))
        })
      ),
    registry: {
      clear: (wanted) => ofJob(wanted.job, ({ ci }) => ci.registry.clear(wanted)),
      make: (wanted, vm) => ofJob(wanted.job, ({ ci }) => ci.registry.make(wanted, vm)),
      rehearse: (wanted) => ofJob(wanted.job, ({ ci }) => ci.registry.rehearse(wanted)),
      adopt: (name, vm, wanted) => ofRunner(name, ({ ci }) => ci.registry.adopt(name, vm, wanted)),
      takeBack: (wanted) => Effect.flatMap(orFirst(wanted.job), ({ ci }) => ci.registry.takeBack(wanted)),
      state: (runner) => ofRunner(runner.name, ({ ci }) => ci.registry.state(runner)),
      retire: (name) => ofRunner(name, ({ ci }) => ci.registry.retire(name)),
      isNameOf: first.ci.registry.isNameOf,
      removeLeft: (left) => ofDetail(left.named.detail).ci.registry.removeLeft(left)
    },
    refusals: {
      of: (job) => Effect.flatMap(orFirst(job), ({ ci }) => ci.refusals.of(job)),
      all: [first.ci.refusals.all[0], ...members.slice(1).map(({ ci }) => ci.refusals.all[0])]
    },
    idleHint: members.map(({ ci }) => ci.idleHint).find((hint) => hint !== "") ?? "",
    tell: (job, why) => Effect.flatMap(orFirst(job), ({ ci }) => ci.tell(job, why))
  }
}
