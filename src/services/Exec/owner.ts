/** Which user a process belongs to. */
import { FileSystem } from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Exec } from "../Exec.ts"
import { PS } from "./identity.ts"

const numberIn = (text: string | undefined) => {
  const [digits] = text?.match(/\d+/) ?? []
  return digits === undefined ? Option.none<number>() : Option.some(Number(digits))
}

/**
 * The number of the user that a process runs as (the real one); none if it has ended, or the system does not answer.
 */
export const ownerOf = (pid: number): Effect.Effect<Option.Option<number>, never, Exec | FileSystem> =>
  process.platform === "linux"
    ? Effect.flatMap(FileSystem, (fs) => fs.readFileString(`/proc/${pid}/status`)).pipe(
        // the real, effective, saved and file system numbers, in this order (proc_pid_status(5))
        Effect.map((status) => numberIn(status.match(/^Uid:.*$/m)?.[0])),
        Effect.orElseSucceed(() => Option.none())
      )
    : Effect.flatMap(Exec, ({ run }) =>
        run("ps", ["-o", "ruid=", "-p", String(pid)], { timeout: "10 seconds", env: PS.env })
      ).pipe(
        Effect.map(({ stdout }) => numberIn(stdout)),
        Effect.orElseSucceed(() => Option.none())
      )
