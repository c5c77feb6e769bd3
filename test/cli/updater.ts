/** `anklet update` as a process of its own, which can be killed at any step: `kill -9`, before something is changed. */
import { type File, FileSystem } from "@effect/platform/FileSystem"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Installed } from "../../src/cli/update/Installed.ts"
import { run } from "../../src/cli/update/run.ts"
import { exitCodeOf } from "../../src/process/ExitCode.ts"
import { Exec } from "../../src/services/Exec.ts"

/** What the process is told as its argument, in JSON. */
export interface Told {
  readonly program: string
  readonly version: string
  readonly config: string
  readonly keys: string
  /** What each restart of the daemon ends with. */
  readonly restarts: ReadonlyArray<number>
  /** The step before which it is killed, counted from 0; -1 for none. */
  readonly dies: number
}

const told: Told = JSON.parse(process.argv[2] ?? "{}")
const restarts = [...told.restarts]
let steps = 0
const step = Effect.sync(() => {
  if (steps++ === told.dies) process.kill(process.pid, "SIGKILL")
})

const stepped =
  <A extends ReadonlyArray<unknown>, B, E>(act: (...args: A) => Effect.Effect<B, E>) =>
  (...args: A) =>
    Effect.zipRight(step, act(...args))

const steppedFile = (file: File): File =>
  new Proxy(file, {
    get: (target, key) => {
      const value = Reflect.get(target, key)
      if (key === "writeAll") return stepped(target.writeAll.bind(target))
      if (key === "sync") return Effect.zipRight(step, target.sync)
      return typeof value === "function" ? value.bind(target) : value
    }
  })

/** The file system, with a step before everything that changes it. */
const files = Layer.provide(
  Layer.effect(
    FileSystem,
    Effect.map(FileSystem, (fs) =>
      FileSystem.of({
        ...fs,
        remove: stepped(fs.remove),
        link: stepped(fs.link),
        rename: stepped(fs.rename),
        chmod: stepped(fs.chmod),
        writeFile: stepped(fs.writeFile),
        truncate: stepped(fs.truncate),
        makeDirectory: stepped(fs.makeDirectory),
        open: (path, options) =>
          /[wa]/.test(options?.flag ?? "r")
            ? Effect.zipRight(step, Effect.map(fs.open(path, options), steppedFile))
            : fs.open(path, options)
      })
    )
  ),
  NodeFileSystem.layer
)

const code = await run({ config: Option.some(told.config), check: false, from: Option.none(), json: false }, () =>
  Effect.zipRight(
    step,
    Effect.sync(() => restarts.shift() ?? 0)
  )
).pipe(
  Effect.provideService(Installed, {
    program: told.program,
    version: told.version,
    target: "linux-x64",
    releases: undefined,
    keys: told.keys
  }),
  Effect.catchAll((error) =>
    Effect.sync(() => {
      process.stderr.write(`${error.message}\n`)
      return exitCodeOf(error)
    })
  ),
  Effect.provide(Exec.layer.pipe(Layer.provideMerge(Layer.mergeAll(files, NodePath.layer)))),
  Effect.runPromise
)
process.exit(code)
