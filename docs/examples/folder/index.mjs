// A plugin from disk: every file `*.job` of a folder is a bash script that runs in a VM of its own. Its output and exit
// code are written beside it, as `*.job.log` and `*.job.exit`.
// Copy this folder to ~/.config/anklet/plugins/folder/ and name `plugin: folder` in a service.

/** @type {import("anklet").PluginModule<any, any>} */
export default ({ Effect, FileSystem, Schema }) => ({
  name: "folder",
  config: Schema.Struct({
    folder: Schema.NonEmptyString,
    template: Schema.NonEmptyString,
    tag: Schema.optional(Schema.NonEmptyString)
  }),
  ci: (_service, { folder, template, tag }) =>
    Effect.gen(function* () {
      const fs = yield* FileSystem
      const pathOf = ({ id }) => `${folder}/${id}`
      const exitOf = (job) => `${pathOf(job)}.exit`
      return {
        scope: folder,
        poll: Effect.gen(function* () {
          const files = yield* fs.readDirectory(folder)
          const scripts = files.filter((file) => file.endsWith(".job") && !files.includes(`${file}.exit`))
          return scripts.map((id) => ({ id, template: { id: template, tag } }))
        }),
        state: (job) =>
          Effect.gen(function* () {
            if (yield* fs.exists(exitOf(job))) return "completed"
            return (yield* fs.exists(pathOf(job))) ? "queued" : "gone"
          }),
        script: (job) => Effect.map(fs.readFileString(pathOf(job)), (bash) => ({ bash })),
        finish: (job, { exitCode, log }) =>
          Effect.gen(function* () {
            yield* fs.writeFileString(`${pathOf(job)}.log`, log)
            // the exit code comes last, and whole: with it, the job is over
            yield* fs.writeFileString(`${exitOf(job)}.new`, `${exitCode}\n`)
            yield* fs.rename(`${exitOf(job)}.new`, exitOf(job))
          })
      }
    })
})
