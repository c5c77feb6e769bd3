/** GitHub's runners as the registry that the course of a job uses. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { isRunnerName, type JobRequest } from "../../domain/Job.ts"
import { isDone, type RunnerRegistry, type Wanted } from "../../job/Ci.ts"
import type { Anka } from "../../services/Anka.ts"
import type { Capacity } from "../../services/Capacity.ts"
import type { GitHubClient, GitHubError, Job } from "../../services/GitHub.ts"
import { Ledger, type LedgerRunner, RunnerGone } from "../../services/Ledger.ts"
import type { ServiceContext } from "../Plugin.ts"
import { askWithRun, type JobAddress } from "./ask.ts"
import { archiveOf, levelOf, type Part } from "./config.ts"
import * as confine from "./confine.ts"
import { asCi } from "./errors.ts"
import { groupOf } from "./group.ts"
import { startOf } from "./program.ts"
import { JobDetail } from "./request.ts"
import * as runner from "./runner.ts"

/** Whose runners they are. */
interface Owner {
  readonly client: GitHubClient
  /** The scope whose runners they are. */
  readonly part: Part
  readonly service: ServiceContext
  /** Whether a job is one that the config names, in whatever scope. */
  readonly isOurs: (address: JobAddress) => Effect.Effect<boolean, GitHubError>
}

const strike = (name: string, why: string) =>
  Effect.gen(function* () {
    const ledger = yield* Ledger
    yield* Effect.logWarning(`runner ${name} of the ledger is left alone, and struck from it: ${why}`)
    yield* ledger.settle(RunnerGone.make({ runner: name }))
    return false
  })

/** Remove a runner of the ledger that has no job any more; false where it is left alone. */
const removeLeft = Effect.fnUntraced(function* ({ client, part, isOurs }: Owner, { named, id }: LedgerRunner) {
  const name = named.runner
  const detail = yield* Schema.decodeUnknown(runner.RunnerDetail)(named.detail).pipe(Effect.option)
  const level = Option.match(detail, { onNone: () => levelOf(part), onSome: ({ level }) => level })
  const job = Option.flatMap(detail, ({ job }) => Option.fromNullable(job))
  if (!isRunnerName(name)) return yield* strike(name, "Anklet gives no such name")
  if (!confine.isLevel(part, level) || (Option.isSome(job) && !(yield* isOurs(job.value))))
    return yield* strike(
      name,
      "it belongs to what the config does not name (any more). If it is still there, remove it on GitHub's page of the runners"
    )
  if (Option.isSome(id)) {
    const there = yield* client.runner(level, id.value)
    if (Option.isSome(there) && there.value.name !== name)
      return yield* strike(name, `its number ${id.value} is that of another runner`)
  } else if (Option.isSome(job) && !isDone(yield* askWithRun(client, job.value))) {
    // known by its name alone, it may be another host's, as long as its job waits or runs
    return false
  }
  yield* runner.remove(client, level, name, Effect.succeed(true))
  return true
})

/** The runners of a scope of a service at GitHub. */
export const registryOf = (owner: Owner) => {
  const { client, part, service } = owner
  const level = levelOf(part)
  const known = ({ job, attempt, service, owns }: Omit<Wanted<Job>, "state">) =>
    Effect.map(
      addressOf(job),
      (address): runner.Owning => ({
        client,
        level,
        job: job.key,
        service,
        attempt,
        address,
        owns,
        stillQueued: Effect.map(
          askWithRun(client, address),
          (answer) => answer !== "gone" && answer.status === "queued"
        )
      })
    )
  const registering = (wanted: Wanted<Job>) =>
    Effect.map(
      Effect.all([known(wanted), groupOf(client, part)]),
      ([known, group]): runner.Registration => ({ ...known, labels: wanted.state.labels, group })
    )
  return {
    clear: (wanted) => asCi(Effect.flatMap(known(wanted), runner.clear)),
    make: (wanted, vm) =>
      Effect.flatMap(registering(wanted), (registration) => runner.make(registration, vm)).pipe(
        Effect.map(({ runner, jitConfig }) => ({
          runner,
          start: startOf({ directory: service.directory, archive: archiveOf(part, process.arch), jitConfig })
        })),
        asCi
      ),
    rehearse: (wanted) => asCi(Effect.flatMap(registering(wanted), runner.rehearse)),
    adopt: (name, vm, wanted) => Effect.flatMap(known(wanted), (known) => runner.adopt(client, level, name, vm, known)),
    takeBack: (wanted) => Effect.flatMap(known(wanted), (known) => runner.takeBack(client, level, known)),
    state: ({ id }) => asCi(client.runner(level, id)),
    retire: (name) => runner.retire(client, level, name),
    isNameOf: runner.isNameOf,
    removeLeft: (left) => asCi(removeLeft(owner, left))
  } satisfies RunnerRegistry<Job, Anka | Capacity | Ledger>
}

const addressOf = ({ detail }: JobRequest) => Schema.decodeUnknown(JobDetail)(detail).pipe(Effect.orDie)
