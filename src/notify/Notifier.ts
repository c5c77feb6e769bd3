/** Tells people of what they must act on: once when it begins, and once when it is over. Loaded only where the config has `notify`. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type { Notify } from "../config/Notify.ts"
import * as Files from "../files/Files.ts"
import { Activity } from "../services/Activity.ts"
import { Coordinators } from "../services/Coordinators.ts"
import { surveys } from "../services/CoordinatorView.ts"
import { readable } from "../services/Each.ts"
import * as HostStatus from "../services/HostStatus.ts"
import * as channels from "./channels.ts"
import * as Told from "./Told.ts"
import { find, type ScopeSeen, Trouble } from "./Trouble.ts"

/** Where the notifier keeps what it has told, and what it is called in messages. */
export interface Options {
  readonly notify: Notify
  /** Path of a file that it alone writes. */
  readonly file: string
  /** Name of this host in messages. */
  readonly host: string
}

/** Interval between two comparisons. */
const EVERY = "15 seconds"
/** Maximum number of messages in one comparison: what is more is counted. */
const AT_ONCE = 10
/** Maximum number of jobs of a scope that are judged. */
const JUDGED = 200

const File = Schema.parseJson(
  Schema.Record({
    key: Schema.String,
    value: readable(Schema.Struct({ trouble: Trouble, at: Schema.Number }))
  })
)
type Memory = Readonly<Record<string, ReadonlyArray<Told.Told>>>

/** What the last daemon had reported; nothing, if that cannot be read. */
const recall = (file: string) =>
  Files.readText(file).pipe(
    Effect.flatMap(Effect.transposeMapOption((text) => Schema.decode(File)(text))),
    Effect.map(Option.getOrElse((): Memory => ({}))),
    Effect.orElseSucceed((): Memory => ({}))
  )

/** Of the scopes that this host speaks for: those of which it is the first living host that tells anybody. */
const spokenFor = Effect.gen(function* () {
  const { views } = yield* Coordinators
  const now = yield* Clock.currentTimeMillis
  const found: Array<ScopeSeen> = []
  for (const { view, scope, survey } of yield* surveys(views)) {
    if (Either.isLeft(survey)) continue
    const { hosts } = survey.right
    const speakers = hosts
      .filter(
        ({ until, status }) =>
          until > now && Option.exists(HostStatus.decode(status), ({ notifies }) => notifies === true)
      )
      .map(({ id }) => id)
    const isFirst = speakers.every((id) => view.self <= id)
    if (view.isShared && !isFirst) continue
    const queue = yield* Effect.option(view.queue(scope, JUDGED))
    if (Option.isNone(queue)) continue
    found.push({
      scope,
      hosts: hosts.map(({ id, info, until }) => ({ id, name: view.nameOf(info), until })),
      queue: queue.value
    })
  }
  return found
})

/** Deliver these, in order, up to the first that does not arrive; gives those that have, and what was in the way. */
const deliver = Effect.fnUntraced(function* (
  channel: channels.Channel,
  notices: ReadonlyArray<Told.Notice>,
  host: string
) {
  const single = notices.length > AT_ONCE ? notices.slice(0, AT_ONCE - 1) : notices
  const others = notices.slice(single.length)
  const batches = [
    ...single.map((notice) => ({ body: channels.bodyOf(notice, host), notices: [notice] })),
    ...(others.length === 0 ? [] : [{ body: channels.summaryOf(others.length, host), notices: others }])
  ]
  const arrived: Array<Told.Notice> = []
  for (const { body, notices } of batches) {
    const failure = yield* Effect.flip(channel.deliver(body)).pipe(Effect.option)
    if (Option.isSome(failure)) return { arrived, failure }
    arrived.push(...notices)
  }
  return { arrived, failure: Option.none<channels.Undelivered>() }
})

/** Compare what is wrong with what has been reported, for as long as the scope lives. */
export const run = Effect.fn("Notifier.run")(function* ({ notify, file, host }: Options) {
  const activity = yield* Activity
  const ways = yield* channels.make(notify)
  const memory = yield* Ref.make(yield* recall(file))
  const failing = yield* Ref.make<ReadonlySet<string>>(new Set())

  const round = Effect.gen(function* () {
    const scopes = yield* spokenFor
    const services = yield* activity.services
    const now = yield* Clock.currentTimeMillis
    const found = find({ now, waiting: notify.waiting, services, scopes })
    for (const channel of ways) {
      const { [channel.name]: told = [] } = yield* Ref.get(memory)
      const news = Told.news(told, found)
      if (news.length === 0) continue
      const { arrived, failure } = yield* deliver(channel, news, host)
      const isFailing = (yield* Ref.get(failing)).has(channel.name)
      if (Option.isSome(failure) && !isFailing) {
        yield* Effect.logWarning(
          `a notice cannot be delivered to ${channel.name}, and is tried again: ${failure.value.detail}; check notify in the config`
        )
      }
      if (Option.isNone(failure) && isFailing) yield* Effect.logInfo(`notices are delivered to ${channel.name} again`)
      yield* Ref.update(failing, (names) => {
        const others = [...names].filter((name) => name !== channel.name)
        return new Set(Option.isSome(failure) ? [...others, channel.name] : others)
      })
      if (arrived.length === 0) continue
      yield* Ref.update(memory, (memory) => ({ ...memory, [channel.name]: Told.after(told, arrived, now) }))
      yield* Effect.flatMap(Ref.get(memory), (memory) => Files.replace(file, JSON.stringify(memory))).pipe(
        Effect.catchAll((error) =>
          Effect.logWarning(`notices cannot be kept, and are repeated after a restart: ${error.message}`)
        )
      )
    }
  })
  yield* Effect.repeat(round, Schedule.spaced(EVERY))
})
