/** The end of a program in the guest, as real bash and grep tell it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { afterEach, beforeEach, describe } from "vitest"
import { JobKey, JobRequest, Scope, Template } from "../../src/domain/Job.ts"
import * as Guest from "../../src/job/Guest.ts"
import { RUNNER } from "../../src/plugins/github/program.ts"
import { Activity, type Ended, Progress } from "../../src/services/Activity.ts"
import { guestIn } from "./guest.ts"

let home = ""

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "anklet-guest-"))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const JOB = JobRequest.make({
  key: JobKey.make("one"),
  scope: Scope.make("scope"),
  name: "one",
  template: Template.make({ id: "template", tag: Option.none() }),
  createdAt: 0,
  fields: {},
  detail: {}
})

/** What is known of a job whose runner has left this log and this exit code. */
const endOf = (log: string | undefined, code: string) =>
  Effect.gen(function* () {
    const folder = join(home, RUNNER.folder)
    mkdirSync(folder)
    if (log !== undefined) writeFileSync(join(folder, "runner.log"), log)
    writeFileSync(join(folder, "runner.exit"), `${code}\n`)
    const activity = yield* Activity
    const reporter = activity.of({ name: "A", plugin: "github" })
    yield* reporter.started(JOB, 1, false)
    const exitCode = yield* Effect.provideService(Guest.ended(guestIn(home), RUNNER), Progress, reporter)
    yield* reporter.ended("finished")
    const [ended] = yield* activity.ended
    return { exitCode, program: (ended as Ended).program }
  }).pipe(Effect.provide(Activity.layer))

const CURRENT = "Current runner version: '2.320.0'\n"

describe("the end of a runner", () => {
  it.live("has its exit code, and the version that it told", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* endOf(`√ Connected to GitHub\n\n${CURRENT}2026-01-01: Listening for Jobs\n`, "0"), {
        exitCode: 0,
        program: { version: "2.320.0", isRefused: false }
      })
    })
  )

  it.live("says that GitHub refused the version", () =>
    Effect.gen(function* () {
      const words = "An error occured: Runner version v2.320.0 is deprecated and cannot receive messages.\n"
      assert.deepStrictEqual(yield* endOf(`${CURRENT}${words}`, "7"), {
        exitCode: 7,
        program: { version: "2.320.0", isRefused: true }
      })
    })
  )

  for (const log of [undefined, "", "2026-01-01 00:00:00Z: Running job: Current runner version: '6.6.6'\n"])
    it.live(`has its exit code where its log tells nothing: ${JSON.stringify(log)}`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* endOf(log, "130"), { exitCode: 130, program: undefined })
      })
    )
})
