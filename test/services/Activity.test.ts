import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { JobKey, JobRequest, Scope, Template } from "../../src/domain/Job.ts"
import { Activity } from "../../src/services/Activity.ts"

const job = (name: string) =>
  JobRequest.make({
    key: JobKey.make(name),
    scope: Scope.make("scope"),
    name,
    template: Template.make({ id: "template", tag: Option.none() }),
    createdAt: 0,
    fields: {},
    detail: {}
  })

describe("activity", () => {
  it.effect("runs a listener with each job that ends while its scope lives, and with none after that", () =>
    Effect.gen(function* () {
      const activity = yield* Activity
      const reporter = activity.of({ name: "RUNNER1", plugin: "github" })
      const heard: Array<string> = []
      const end = (name: string) => Effect.zipRight(reporter.started(job(name), 1, false), reporter.ended("finished"))
      const listen = activity.onEnd(({ job, outcome }) => Effect.sync(() => void heard.push(`${job.name} ${outcome}`)))
      yield* end("before")
      yield* Effect.scoped(Effect.zipRight(listen, Effect.zipRight(end("one"), end("two"))))
      yield* end("after")
      assert.deepStrictEqual(heard, ["one finished", "two finished"])
      assert.deepStrictEqual(
        (yield* activity.ended).map(({ job }) => job.name),
        ["after", "two", "one", "before"]
      )
    }).pipe(Effect.provide(Activity.layer))
  )

  it.effect("has told every listener of the end of a job when the pass that had it goes on", () =>
    Effect.gen(function* () {
      const activity = yield* Activity
      const reporter = activity.of({ name: "RUNNER1", plugin: "github" })
      const heard: Array<string> = []
      for (const name of ["first", "second"])
        yield* activity.onEnd(() =>
          Effect.zipRight(
            Effect.yieldNow(),
            Effect.sync(() => void heard.push(name))
          )
        )
      yield* reporter.started(job("job"), 1, false)
      yield* reporter.ended("finished")
      assert.deepStrictEqual(heard, ["first", "second"])
    }).pipe(Effect.scoped, Effect.provide(Activity.layer))
  )
})
