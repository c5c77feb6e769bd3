/** The program with one mechanism removed, to show that the tests notice. */

/** A mechanism, and the change to the source that removes it. */
export interface Mutant {
  readonly name: string
  readonly file: string
  /** Text that occurs exactly once. */
  readonly find: string
  readonly put: string
  /** What must go red: arguments of the simulation, or a test file. */
  readonly killedBy: { readonly simulation: ReadonlyArray<string> } | { readonly test: string }
}

const crashes = (way: string, death = "") => ({ simulation: ["crashes", "--way", way, "--death", death] })
const handfuls = (seeds: number, from = 1) => ({
  simulation: [
    ...["histories", "--hosts", "5", "--hours", "1", "--jobs", "4", "--trouble", "1.5"],
    ...["--from", String(from), "--seeds", String(seeds)]
  ]
})

export const MUTANTS: ReadonlyArray<Mutant> = [
  {
    name: "the name fence: each host gives a runner a name of its own",
    file: "src/plugins/github/runner.ts",
    find: "const name = nameOf(job, k)\n",
    put: "const name = nameOf(job, k).slice(0, -12) + vm.name.slice(-12)\n",
    killedBy: crashes("a job of two hosts", "frozen")
  },
  {
    name: "verify: a job is not asked for again before it gets a VM",
    file: "src/job/Course.ts",
    find: 'if (verified.status !== "queued") {',
    put: 'if (verified.status === "") {',
    killedBy: { test: "test/plugins/github/pass.test.ts" }
  },
  {
    name: "fsync of an intent",
    file: "src/services/Journal.ts",
    find: "        Effect.zipRight(file.sync),\n",
    put: "",
    killedBy: crashes("cancelled while it is prepared", "power loss")
  },
  {
    name: "intent before effect: a VM is written down after it was cloned",
    file: "src/services/Ledger.ts",
    find: "            written(entries).pipe(\n              Effect.zipRight(added(entries)),",
    put: '            (entries[0]?._tag === "RunnerNamed" ? Effect.void : written(entries)).pipe(\n              Effect.zipRight(added(entries)),',
    killedBy: crashes("cancelled while it is prepared")
  },
  {
    name: "idempotent claim: a service that has a job gets another one",
    file: "src/services/Coordinator/rules/claims.ts",
    find: "  if (Option.isSome(held)) {\n    return outcome(own(state, host, held.value, until)",
    put: "  if (Option.isSome(held) && now < 0) {\n    return outcome(own(state, host, held.value, until)",
    killedBy: handfuls(60)
  },
  {
    name: "late registration: a runner of the name that is found first ends the search",
    file: "src/plugins/github/runner.ts",
    find: "    yield* Effect.sleep(UNDER_WAY)\n    yield* takeAway\n",
    put: "",
    killedBy: { test: "test/plugins/github/pass.test.ts" }
  },
  {
    name: "late registration: another host's runner with the job ends the search",
    file: "src/plugins/github/runner.ts",
    find: "ours ? Effect.void : settle(name),",
    put: "settle(name),",
    killedBy: { test: "test/plugins/github/pass.test.ts" }
  },
  {
    name: "early end: what a runner did before its start was reported is not watched",
    file: "src/job/Course.ts",
    find: '(answer === "gone" || Option.contains(answer.runnerName, name))',
    put: 'answer === "gone"',
    killedBy: { test: "test/job/AroundJob.test.ts" }
  },
  {
    name: "hold: a VM that is kept is removed with its job's scope",
    file: "src/job/Vm.ts",
    find: "if (!Option.exists(vm, (vm) => isHeld(vm, now))) yield* remove(name)",
    put: "if (!Option.exists(vm, (vm) => isHeld(vm, now + 1e12))) yield* remove(name)",
    killedBy: { test: "test/job/Hold.test.ts" }
  },
  {
    name: "hold: a VM is kept beyond its time",
    file: "src/services/Ledger.ts",
    find: "held !== undefined && held.until > now",
    put: "held !== undefined && held.until > 0 * now",
    killedBy: { test: "test/job/Hold.test.ts" }
  },
  {
    name: "hold: the daemon ends, and what it keeps stays",
    file: "src/daemon/Daemon.ts",
    find: "if (!(yield* begun)) yield* Hold.endAll",
    put: "yield* begun",
    killedBy: crashes("keeps until others", "stopped")
  },
  {
    name: "delete by id: a runner is removed by its name",
    file: "src/plugins/github/runner.ts",
    find: "if (Option.isSome(id)) yield* client.removeRunner(level, id.value)",
    put: "if (Option.isSome(id) && id.value < 0) yield* client.removeRunner(level, id.value)",
    killedBy: crashes("do not connect", "frozen")
  },
  {
    name: "hold: jobs are claimed at once after the store lost its memory",
    file: "src/services/Coordinator/rules/hosts.ts",
    find: "claimsFrozenUntil: isNew && command.knewGeneration ? now + RULES.frozen : state.claimsFrozenUntil,",
    put: "claimsFrozenUntil: state.claimsFrozenUntil,",
    killedBy: { test: "test/services/Coordinator/rules.test.ts" }
  },
  {
    name: "exclusion: a host takes at once what it has just handed back",
    file: "src/services/Coordinator/rules/queue.ts",
    find: "  if (!exclusion.soft) return false\n",
    put: "  if (!exclusion.soft) return true\n",
    killedBy: { test: "test/services/Coordinator/rules.test.ts" }
  },
  {
    name: "soft exclusion: a job waits although nobody else could take it",
    file: "src/services/Coordinator/rules/queue.ts",
    find: "  return !others || now - createdAtOf",
    put: "  return now - createdAtOf",
    killedBy: { test: "test/services/Coordinator/rules.test.ts" }
  },
  {
    name: "order: what was tried in vain keeps its place before what is new",
    file: "src/services/Coordinator/rules/claims.ts",
    find: "const isLast = inVain || ",
    put: "const isLast = ",
    killedBy: { test: "test/services/Coordinator/rules.test.ts" }
  },
  {
    name: "order: what comes last never has its turn while there is something new",
    file: "src/services/Coordinator/rules/claims.ts",
    find: "state.passed >= RULES.share",
    put: "state.passed < 0",
    killedBy: { test: "test/services/Coordinator/rules.test.ts" }
  },
  {
    name: "swap: a runner that took another job than planned counts for the planned one",
    file: "src/job/Course.ts",
    find: "const swapped = Option.isSome(request) ? yield* held.swap(request.value) : false",
    put: "const swapped = Option.isSome(request)",
    killedBy: { test: "test/plugins/github/pass.test.ts" }
  },
  {
    name: "swap, asked once: a job that another service gives up is not claimed for the runner that has it",
    file: "src/job/Watch.ts",
    find: "      if (isSettled && Option.isSome(foreign)) yield* claim(foreign.value)\n",
    put: "",
    killedBy: { test: "test/plugins/github/pass.test.ts" }
  },
  {
    name: "a runner at work: the next one of its name takes its line in the ledger",
    file: "src/plugins/github/runner.ts",
    find: "      if (yield* isElsewhereHere(registration, name, vm))\n",
    put: "      if (vm === undefined)\n",
    killedBy: { test: "test/plugins/github/pass.test.ts" }
  },
  {
    name: "clean-up masks: an interruption cuts a clean-up off",
    file: "src/interruption/Within.ts",
    find: "      Effect.flatMap(Fiber.join),\n      Effect.uninterruptible\n",
    put: "      Effect.flatMap(Fiber.join)\n",
    killedBy: crashes("a job of two hosts", "stopped")
  },
  {
    name: "clean-up: a VM is not deleted with its scope",
    file: "src/job/Vm.ts",
    find: "  yield* Finalizer.addUnlessHandedOver(removeUnlessHeld(name))\n",
    put: "",
    killedBy: crashes("a job of two hosts", "stopped")
  },
  {
    name: "reconcile: what a crash left is not looked for",
    file: "src/daemon/Daemon.ts",
    find: "const audit = Reconcile.audit(",
    put: "const audit = Effect.void\n  void Reconcile.audit(",
    killedBy: handfuls(10, 200)
  },
  {
    name: "adoption: a running job's VM is deleted at the next start",
    file: "src/job/Pass.ts",
    find: "const left = yield* coordinator.held(service.name)",
    put: "const left = Option.none<Effect.Effect.Success<ReturnType<typeof coordinator.held>> extends Option.Option<infer A> ? A : never>()",
    killedBy: crashes("a job of two hosts", "restarted")
  },
  {
    name: "orphaned clone: a VM is deleted while a dead daemon's clone may still make it",
    file: "src/job/Vm.ts",
    find: "    yield* noOrphan(name)\n",
    put: "",
    killedBy: { test: "test/job/Vm.test.ts" }
  },
  {
    name: "lease: a dead host's job stays its own",
    file: "src/services/Coordinator/rules/looks.ts",
    find: "  for (const [key] of lapsed) after = disown(after, key)\n",
    put: "",
    killedBy: crashes("a job of two hosts", "never returns")
  },
  {
    name: "close by epoch: one service's end strikes another service's claim from the ledger",
    file: "src/services/Ledger.ts",
    find: "return isOther ? state : {",
    put: "return isOther && state === undefined ? state : {",
    killedBy: { test: "test/services/Ledger.test.ts" }
  },
  {
    name: "one name: a runner that is replaced leaves its name to another host",
    file: "src/plugins/github/runner.ts",
    find: "  return yield* attempt(0)\n",
    put: "  return yield* attempt(registration.attempt % 2)\n",
    killedBy: { test: "test/plugins/github/pass.test.ts" }
  },
  {
    name: "uncertain answer: a runner that may be ours is taken for ours, whoever has the job",
    file: "src/plugins/github/runner.ts",
    find: '    if (ours && owns === "no") {\n',
    put: '    if (ours && owns === "no" && tries < 0) {\n',
    killedBy: crashes("do not connect", "frozen")
  },
  {
    name: "retirement: a runner that has just got its job is given up all the same",
    file: "src/job/Watch.ts",
    find: "(yield* ci.registry.retire(runner.name)))",
    put: "runner.id !== 0)",
    killedBy: { test: "test/plugins/github/pass.test.ts" }
  },
  {
    name: "witness: a job that GitHub denies is ended although its runner says that it runs",
    file: "src/job/Watch.ts",
    find: "!(yield* ci.isAtWork(runner.vm))",
    put: 'decision._tag === "Gone"',
    killedBy: { test: "test/plugins/github/gone.test.ts" }
  },
  {
    name: "twice: one answer of 404 is enough",
    file: "src/plugins/github/ask.ts",
    find: "Effect.zipRight(Effect.sleep(AGAIN_AFTER), once)",
    put: "Effect.succeed(answer)",
    killedBy: { test: "test/plugins/github/gone.test.ts" }
  },
  {
    name: "quiet: a pass that found no room wakes all, itself too",
    file: "src/job/Pass.ts",
    find: "(hadJob ? wake.all : Effect.void)",
    put: "(hadJob || wake !== undefined ? wake.all : Effect.void)",
    killedBy: { test: "test/plugins/github/pass.test.ts" }
  },
  {
    name: "room: a host claims a job whose VM does not fit",
    file: "src/job/Pass.ts",
    find: "room.value.jobs.map(classOf)",
    put: "runnable.map(classOf)",
    killedBy: { test: "test/plugins/github/pass.test.ts" }
  },
  {
    name: "room: a small job keeps the room of the largest that it was chosen from",
    file: "src/job/Pass.ts",
    find: "        yield* room.value.narrow(job.template)\n",
    put: "",
    killedBy: { test: "test/plugins/github/pass.test.ts" }
  },
  {
    name: "room: VMs that another daemon has just made are not counted before a clone",
    file: "src/job/Vm.ts",
    find: "if (Option.isSome(shortage)) {",
    put: 'if (Option.isSome(shortage) && shortage.value === "") {',
    killedBy: { test: "test/job/Vm.test.ts" }
  },
  {
    name: "room: what is reserved for jobs whose VMs are not there yet does not count",
    file: "src/services/Capacity.ts",
    find: "minus(budget, plus(used, sum(reserved.values())))",
    put: "minus(budget, used)",
    killedBy: { test: "test/services/Capacity.test.ts" }
  },
  {
    name: "taking back: a runner that the ledger has lost is taken for another host's",
    file: "src/job/Course.ts",
    find: "  yield* ci.registry.takeBack(",
    put: "  if (attempt < 0) yield* ci.registry.takeBack(",
    killedBy: { test: "test/plugins/github/crash.test.ts" }
  },
  {
    name: "asking first: a VM is made for a job whose name another runner has",
    file: "src/job/Course.ts",
    find: "    yield* ci.registry.clear(wanted)\n",
    put: "",
    killedBy: { test: "test/plugins/github/crash.test.ts" }
  },
  {
    name: "two looks: a host alone takes a runner away that is about to come online",
    file: "src/plugins/github/runner.ts",
    find: "      yield* Effect.sleep(LEFT_AFTER)\n",
    put: "",
    killedBy: { test: "test/plugins/github/crash.test.ts" }
  },
  {
    name: "patience: a hypervisor that does not answer at a new start ends a running job",
    file: "src/job/Vm.ts",
    find: "    Effect.retry(ADOPT_RETRIES)\n",
    put: "",
    killedBy: { test: "test/plugins/github/crash.test.ts" }
  },
  {
    name: "own scripts: what prepares a VM runs when its runner has started",
    file: "src/job/Course.ts",
    find: "      yield* AroundJob.prepare(vm, ci.program, additions)\n",
    put: "      yield* Effect.forkScoped(Effect.delay(AroundJob.prepare(vm, ci.program, additions), 5000))\n",
    killedBy: crashes("a job between scripts of its two hosts", "restarted")
  },
  {
    name: "own scripts: what clears up after a job has no deadline",
    file: "src/job/AroundJob.ts",
    find: "    Effect.timeoutOption(DELAY),\n",
    put: "    Effect.asSome,\n",
    killedBy: { test: "test/job/AroundJob.test.ts" }
  },
  {
    name: "own scripts: what clears up after a job runs for none that a killed daemon left",
    file: "src/job/Course.ts",
    find: "const outcome: Followed = yield* seen(context, held, ours, evidence)",
    put: "const outcome: Followed = yield* follow(context, held, ours)",
    killedBy: { test: "test/job/AroundJob.test.ts" }
  },
  {
    name: "script: nothing is written down of a script, so that a later daemon does not find it",
    file: "src/job/Direct.ts",
    find: "ledger.append(named, RunnerKnown.make({ runner, id: 0 }))",
    put: "Effect.void",
    killedBy: crashes("a script of one host alone", "restarted")
  },
  {
    name: "script: a stop cuts off the report of a result",
    file: "src/job/Direct.ts",
    find: "      within(ANSWER_WITHIN),\n",
    put: "      Effect.timeout(ANSWER_WITHIN),\n",
    killedBy: { test: "test/job/Direct.test.ts" }
  },
  {
    name: "script: an exit code that is lost counts as success",
    file: "src/job/Watch.ts",
    find: "...(Number.isNaN(exit.value) ? {} : { exitCode: exit.value })",
    put: "exitCode: exit.value || 0",
    killedBy: { test: "test/job/Direct.test.ts" }
  },
  {
    name: "catching up: what a full disk refused is never written down",
    file: "src/services/Ledger.ts",
    find: "Effect.zipRight(Effect.logError(error.message), behind.open)",
    put: "Effect.logError(error.message)",
    killedBy: { test: "test/services/Ledger.test.ts" }
  },
  {
    name: "tombstones: an announcement revives a job that is over",
    file: "src/services/Coordinator/rules/announce.ts",
    find: " || HashMap.has(after.done, key)",
    put: "",
    killedBy: { test: "test/services/Coordinator/rules.test.ts" }
  },
  {
    name: "one look at a time: a hint takes the turn from a look that is under way",
    file: "src/services/Coordinator/rules/looks.ts",
    find: " && !(sooner && ended === turn.fence)",
    put: " && !sooner",
    killedBy: { test: "test/services/Coordinator/rules.test.ts" }
  },
  {
    name: "forgetting: a job that is done is remembered for ever",
    file: "src/services/Coordinator/rules/looks.ts",
    find: ".filter(([, since]) => since <= now - RULES.tombstone)",
    put: ".filter(([, since]) => since < 0 && now < 0)",
    killedBy: { simulation: ["week"] }
  },
  {
    name: "letting go: something of every pass stays",
    file: "src/daemon/Service.ts",
    find: "      const passed = yield* Effect.either(attemptPass(service))",
    put: '      Reflect.set(globalThis, "kept", [Reflect.get(globalThis, "kept")])\n      const passed = yield* Effect.either(attemptPass(service))',
    killedBy: { simulation: ["week"] }
  }
]

/** The source of a file without the mechanism. */
export const mutate = ({ name, find, put }: Mutant, source: string): string => {
  if (source.split(find).length !== 2) throw new Error(`mutant "${name}" does not fit the source any more`)
  return source.replace(find, () => put)
}
