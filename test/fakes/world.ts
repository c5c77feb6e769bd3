/** One host with one or more services on fakes: what a pass needs, and what must be true when it is over. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { Scope } from "../../src/domain/Job.ts"
import { type Additions, NONE } from "../../src/job/Additions.ts"
import type { PluginError } from "../../src/job/PluginError.ts"
import { Polling } from "../../src/job/Polling.ts"
import { look, run } from "../../src/plugins/github/ci.ts"
import type { GitHubConfig } from "../../src/plugins/github/config.ts"
import type { Service } from "../../src/plugins/Plugin.ts"
import { Capacity } from "../../src/services/Capacity.ts"
import * as embedded from "../../src/services/Coordinator/embedded.ts"
import { Coordinator, type Owned } from "../../src/services/Coordinator.ts"
import { Drain } from "../../src/services/Drain.ts"
import { LeftOut } from "../../src/services/LeftOut.ts"
import { Once } from "../../src/services/Once.ts"
import { Refusals } from "../../src/services/Refusals.ts"
import { Templates } from "../../src/services/Templates.ts"
import { Wake } from "../../src/services/Wake.ts"
import * as FakeAnka from "./Anka.ts"
import * as FakeGitHub from "./GitHub.ts"
import * as FakeHostLock from "./HostLock.ts"
import * as FakeLedger from "./Ledger.ts"

export interface World {
  readonly anka: FakeAnka.FakeAnka
  readonly github: FakeGitHub.FakeGitHub
  readonly ledger: FakeLedger.FakeLedger
  /** What a store that is shared would say of our claims. */
  owns: Owned
}

export const make = (): World => {
  const world: World = {
    anka: FakeAnka.make(),
    github: FakeGitHub.make(),
    ledger: FakeLedger.make(),
    owns: "unknown"
  }
  Object.assign(world.anka.takes, {
    list: "1 second",
    clone: "2 seconds",
    start: "2 seconds",
    run: "1 second",
    delete: "1 second",
    cp: "1 second",
    pull: "10 seconds"
  })
  world.anka.guest = runnerOf(world)
  return world
}

/** `kill -9`: nothing of the present life acts any more. */
export const kill = (world: World) => {
  for (const part of [world.anka, world.github, world.ledger]) part.life++
}

/** How long a job runs in these worlds. */
export const JOB_TAKES = "10 seconds"

/** A guest in which the runner starts, takes the oldest queued job, runs it, and ends. */
export const runnerOf =
  (world: World): FakeAnka.FakeAnka["guest"] =>
  (vm, command) => {
    const done = { code: 0, stdout: "0", stderr: "" }
    const line = command.join(" ")
    const nameOf = () =>
      [...HashMap.values(FakeLedger.stateOf(world.ledger).runners)].findLast(({ named }) => named.vm === vm)?.named
        .runner ?? ""
    if (line.includes("start-runner.bash")) {
      return Effect.sync(() => {
        const name = nameOf()
        const registered = [...world.github.runners.values()].find((runner) => runner.name === name)
        const level = world.github.levels.get(registered?.id ?? 0)
        // its repository may have been renamed
        const oldest = [...world.github.jobs.values()].find(
          ({ status, owner }) =>
            status === "queued" && (level === undefined || level._tag === "Enterprise" || level.owner === owner)
        )
        if (registered !== undefined && oldest !== undefined) FakeGitHub.takes(world.github, name, oldest.id)
        return done
      })
    }
    if (line.includes("runner.exit")) {
      return Effect.as(
        Effect.zipRight(
          Effect.sleep(JOB_TAKES),
          Effect.sync(() => {
            const name = nameOf()
            const job = [...world.github.jobs.values()].find(
              ({ runnerName, status }) => status === "in_progress" && Option.contains(runnerName, name)
            )
            if (job !== undefined) FakeGitHub.ends(world.github, job.id, "success")
          })
        ),
        done
      )
    }
    if (line.includes("kill -INT")) {
      return Effect.sync(() => {
        const job = [...world.github.jobs.values()].find(({ runnerName }) => Option.contains(runnerName, nameOf()))
        if (job !== undefined) FakeGitHub.ends(world.github, job.id, "cancelled")
        return done
      })
    }
    return Effect.succeed(done)
  }

export const config: GitHubConfig = {
  token: Option.some(Redacted.make("canary-token")),
  app_id: Option.none(),
  installation_id: Option.none(),
  private_key: Option.none(),
  registration: Option.some("repo"),
  enterprise: Option.none(),
  owner: Option.some("o"),
  repo: Option.some("r"),
  watch: Option.none(),
  api_url: "https://api.github.test",
  runner_group: 1,
  registration_timeout: 60,
  runner_version: "2.338.0",
  runner_sha256: Option.none(),
  runner_url: "https://github.test/runner.tar.gz"
}

/** What all of them watch. */
export const SCOPE = Scope.make("github:api.github.test/o/r")

/** Names of the services of these worlds. */
const SERVICES = ["RUNNER1", "RUNNER2", "RUNNER3"]

/** The capabilities of a daemon over a world. Built anew, it is the same host after a restart. */
export const layer = (world: World) =>
  Layer.effect(
    Coordinator,
    Effect.map(embedded.make(SERVICES), (coordinator) =>
      Coordinator.of({ ...coordinator, owns: () => Effect.sync(() => world.owns) })
    )
  ).pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        Drain.layer,
        Once.layer,
        Polling.layer,
        Refusals.layer,
        LeftOut.layer,
        Capacity.layer,
        Templates.layer,
        Wake.layer,
        FakeGitHub.layer(world.github)
      )
    ),
    Layer.provideMerge(Layer.mergeAll(FakeAnka.layer(world.anka), FakeLedger.layer(world.ledger), FakeHostLock.layer))
  )

/** What a service of these worlds tells its plugin. */
export const contextOf = (name: string) => ({
  name,
  sleepInterval: Duration.seconds(10),
  registry: Option.none(),
  directory: "/plugins/github",
  checkFiles: Effect.void,
  additions: Effect.succeed(NONE)
})

export const service = (name: string, given: Partial<GitHubConfig> = {}) => {
  const context = contextOf(name)
  return {
    name,
    plugin: "github",
    sleepInterval: context.sleepInterval,
    registry: context.registry,
    database: Option.none(),
    pass: run(context, { ...config, ...given }),
    look: look(context, { ...config, ...given })
  } satisfies Service<unknown>
}

/** One pass of a service. */
export const pass = (name = "RUNNER1", given: Partial<GitHubConfig> = {}) => Effect.scoped(service(name, given).pass)

/** One pass of a service whose host adds this to its VMs. */
export const passWith = (additions: Effect.Effect<Additions, PluginError>) =>
  Effect.scoped(run({ ...contextOf("RUNNER1"), additions }, config))

/** What a clean host is: no VM, no runner, nothing in the ledger. */
export const left = (world: World) => {
  const { claims, vms, runners } = FakeLedger.stateOf(world.ledger)
  return {
    vms: [...world.anka.vms.keys()],
    runners: [...world.github.runners.values()].map(({ name }) => name),
    ledger: [...HashMap.keys(claims), ...HashMap.keys(vms), ...HashMap.keys(runners)]
  }
}

export const NOTHING = { vms: [], runners: [], ledger: [] }
