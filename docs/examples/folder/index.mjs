// A plugin from disk: every file `*.job` in a folder is a bash script that is run in a VM of its own.
// Copy this folder to ~/.config/anklet/plugins/folder/ and name `plugin: folder` in a service.

/** @type {import("anklet").PluginModule<any, any>} */
export default (api) => {
  const {
    Anka,
    Capacity,
    Claim,
    Clock,
    Coordinator,
    Effect,
    FileSystem,
    Job,
    Option,
    PluginError,
    Polling,
    Schema,
    Templates,
    Vm
  } = api

  const config = Schema.Struct({
    folder: Schema.NonEmptyString,
    template: Schema.NonEmptyString,
    tag: Schema.optionalWith(Schema.NonEmptyString, { as: "Option", exact: true })
  })

  /** A file as a job: the name is its key, so that two services of this folder cannot both take it. */
  const requestOf = (scope, config, file, createdAt) =>
    Job.JobRequest.make({
      key: `folder:${config.folder}/${file}`,
      scope,
      name: file,
      template: Job.Template.make({ id: config.template, tag: config.tag }),
      createdAt,
      fields: { workflowJobName: file },
      detail: { file }
    })

  /** Run one script in a VM; its output goes beside it, and the script is renamed, so that it is not taken again. */
  const see = (service, config, held) =>
    Effect.gen(function* () {
      const fs = yield* FileSystem
      const { job } = yield* held.claim
      const path = `${config.folder}/${job.name}`
      const anka = yield* Anka
      const templates = yield* Templates
      const template = yield* templates.ensure(job.template, Option.none())
      const vm = yield* Vm.make(template, { job: job.key, service: service.name })
      const script = yield* fs.readFileString(path)
      const { code, stdout } = yield* anka.run(vm.name, ["bash", "-s"], { timeout: "1 hour", stdin: script })
      yield* fs.writeFileString(`${path}.out`, stdout)
      yield* fs.rename(path, `${path}.${code === 0 ? "done" : "failed"}`)
      yield* Effect.logInfo(`job ended with exit code ${code}`)
      return { _tag: "Finished" }
    }).pipe(
      Effect.scoped,
      // a job that could not be run goes back, and waits a minute
      Effect.catchAll((error) =>
        Effect.as(Effect.logError(error.message), {
          _tag: "HandedBack",
          reason: error.message,
          after: "1 minute",
          charged: true
        })
      )
    )

  /** What is queued now. */
  const look = (scope, config) =>
    Effect.gen(function* () {
      const fs = yield* FileSystem
      const files = (yield* fs.readDirectory(config.folder)).filter((file) => file.endsWith(".job"))
      const now = yield* Clock.currentTimeMillis
      const jobs = yield* Effect.forEach(files, (file) =>
        Effect.map(fs.stat(`${config.folder}/${file}`), ({ mtime }) =>
          requestOf(scope, config, file, Option.match(mtime, { onNone: () => now, onSome: (time) => time.getTime() }))
        )
      )
      return { jobs }
    })

  /** One pass: look, claim at most one job, see it through. Closing the scope deletes the VM and settles the claim. */
  const run = (service, config) =>
    Effect.gen(function* () {
      const coordinator = yield* Coordinator
      const capacity = yield* Capacity
      const polling = yield* Polling
      const scope = `folder:${config.folder}`
      const left = yield* coordinator.held(service.name)
      if (Option.isSome(left)) {
        // a crash left this claim; closing it gives the job back, and the reconcile deletes its VM
        const verdict = { _tag: "HandedBack", reason: "interrupted by a crash", after: 0, charged: false }
        return yield* Claim.use(Claim.resume(left.value), () => Effect.succeed(verdict))
      }
      // all that hosts of one scope must do alike; there is nothing here
      yield* coordinator.join(scope, "")
      // one service of all that take part looks, for all of them
      yield* polling.poll(scope, { service: service.name, every: service.sleepInterval, look: look(scope, config) })
      const waiting = yield* coordinator.waiting(scope, service.name)
      const room = yield* capacity.reserve(waiting)
      if (Option.isNone(room)) return
      const take = Claim.take(scope, service.name, room.value.jobs.map(api.classOf))
      yield* Claim.use(take, (held) => see(service, config, held))
    }).pipe(Effect.mapError((error) => new PluginError({ reason: "Failed", detail: error.message, cause: error })))

  return { name: "folder", config, run }
}
