/** Checks the folders of a config, as far as they could make a start fail. */
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import { type Problem, problemAt, type Raw } from "../../config/Config.ts"

const writable = (folder: string) =>
  Effect.flatMap(FileSystem, (fs) => fs.access(folder, { writable: true })).pipe(
    Effect.as(true),
    Effect.orElseSucceed(() => false)
  )

/** What is wrong with a folder, if anything. A folder that will be made if missing needs an existing ancestor. */
const wrong = (folder: string, isMade: boolean): Effect.Effect<string | undefined, never, FileSystem | Path> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem
    const paths = yield* Path
    const info = yield* Effect.option(fs.stat(folder))
    if (info._tag === "None") {
      const parent = paths.dirname(folder)
      if (!isMade) return `${folder} does not exist`
      return parent === folder ? undefined : yield* wrong(parent, true)
    }
    if (info.value.type !== "Directory") return `${folder} is not a folder`
    return (yield* writable(folder)) ? undefined : `${folder} is not writable; check its owner and permissions`
  })

/** What prevents a daemon with this config from using its folders. */
export const problemsOf = Effect.fnUntraced(function* ({ daemon, lineOf }: Raw) {
  const found: Array<Problem> = []
  for (const [path, folder, isMade] of [
    [["work_dir"], daemon.workDir, true],
    [["pid_file_dir"], daemon.pidFileDir, true],
    [["state_dir"], daemon.stateDir, true],
    [["log", "file_dir"], daemon.logDir, false]
  ] as const) {
    const message = yield* wrong(folder, isMade)
    if (message !== undefined) found.push(problemAt(path, message, lineOf))
  }
  return found
})
