/** Hosts of a fleet, each with a coordinator of its own over one store. */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { Database } from "../../src/config/Database.ts"
import { JobKey, JobRequest, Scope as JobScope, Template } from "../../src/domain/Job.ts"
import { UNLIMITED } from "../../src/domain/Resources.ts"
import { Activity } from "../../src/services/Activity.ts"
import { Capacity } from "../../src/services/Capacity.ts"
import * as redis from "../../src/services/Coordinator/redis.ts"
import type { Rhythm } from "../../src/services/Coordinator/shared.ts"
import type { Coordinator } from "../../src/services/Coordinator.ts"
import type { CoordinatorView } from "../../src/services/CoordinatorView.ts"
import { Drain } from "../../src/services/Drain.ts"
import { Host } from "../../src/services/Host.ts"
import { SharedRateLimit } from "../../src/services/SharedRateLimit.ts"
import { Wake } from "../../src/services/Wake.ts"
import * as FakeLedger from "../fakes/Ledger.ts"

export const SCOPE = JobScope.make("github:o/r")

/** A job of this number. */
export const job = (n: number, template = "t"): JobRequest =>
  JobRequest.make({
    key: JobKey.make(`github:o/r/${n}`),
    scope: SCOPE,
    name: `job ${n}`,
    template: Template.make({ id: template, tag: Option.some("v1") }),
    createdAt: 1_700_000_000_000 + n,
    fields: {},
    detail: { owner: "o", repo: "r", id: n }
  })

/** A store at a port of this machine. */
export const databaseAt = (port: number, given: Partial<Omit<Database, "toString">> = {}): Database =>
  Database.make({
    nodes: Data.array([Data.struct({ host: "127.0.0.1", port })]),
    user: "",
    password: Option.none(),
    database: 0,
    tls: false,
    ca: Option.none(),
    insecure: false,
    kind: "single",
    master: "",
    sentinelUser: "",
    sentinelPassword: Option.none(),
    ...given
  })

export const secret = (text: string) => Option.some(Redacted.make(text))

/** A host with this name; a second life of it has another boot. */
export const hostLayer = (name: string, boot = `${name}-1`, alive = false) =>
  Layer.succeed(
    Host,
    Host.of({
      id: name,
      boot,
      info: name,
      nameOf: (info) => info,
      judge: () =>
        Effect.succeed(alive ? { _tag: "Alive", who: "the other one", remedy: "stop one" } : { _tag: "Dead" })
    })
  )

export interface MemberOptions {
  readonly name: string
  readonly services?: ReadonlyArray<string>
  readonly ledger?: FakeLedger.FakeLedger
  readonly boot?: string
  /** What the host finds when it asks whether a rival of its identity lives. */
  readonly rivalLives?: boolean
  readonly rhythm?: Rhythm
  readonly rateLimit?: Layer.Layer<SharedRateLimit>
}

/** Much faster than in life. */
export const QUICK: Rhythm = { beat: Duration.millis(300), lease: Duration.seconds(3) }

/** A host's coordinator, for as long as the scope lives. */
export const member = (
  database: Database,
  {
    name,
    services = ["A", "B"],
    ledger = FakeLedger.make(),
    boot,
    rivalLives = false,
    rhythm,
    rateLimit = SharedRateLimit.layer
  }: MemberOptions
): Effect.Effect<Coordinator["Type"] & CoordinatorView, never, Scope.Scope> =>
  redis
    .make(database, services, rhythm)
    .pipe(
      Effect.provide(
        Layer.mergeAll(
          FakeLedger.layer(ledger),
          Activity.layer,
          Layer.mock(Capacity, { total: UNLIMITED, slots: Effect.succeedNone }),
          Drain.layer,
          Wake.layer,
          rateLimit,
          hostLayer(name, boot, rivalLives)
        )
      )
    )
