/** Taking the place of a daemon that accepts no new jobs: it leaves its running jobs to the daemon that starts. */
import { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Raw } from "../config/Config.ts"
import { API } from "../control/Api.ts"
import { FILE_NAME } from "../control/Server.ts"
import { Exec, type ProcessIdentity } from "../services/Exec.ts"
import * as PidFile from "../services/PidFile.ts"
import * as Advice from "../text/Advice.ts"
import { signalTo } from "./signal.ts"
import * as Socket from "./socket.ts"
import { say } from "./terminal.ts"
import { untilGone } from "./waitForExit.ts"

/** Maximum number of attempts to ask: a daemon that starts or ends does not answer for a moment. */
const TRIES = 25
/** Interval between two attempts. */
const BETWEEN_TRIES = "200 millis"
/** After this time the command says what it waits for. */
const TELL_AFTER = "1 second"

const putAside = () =>
  `to replace it without interrupting its jobs: "${Advice.anklet("restart")}"; to stop it: "${Advice.anklet("-s stop")}"`

/**
 * Wait until the daemon of this config has handed its jobs over, or has ended for another reason. Fails with
 * `AlreadyRunning` when it accepts jobs and `drain` does not tell it to accept no more, or when it cannot hand over.
 */
export const takeOver = Effect.fn("takeOver")(function* (
  running: ProcessIdentity,
  { daemon }: Raw,
  options: { readonly drain: boolean } = { drain: false }
) {
  const paths = yield* Path
  const exec = yield* Exec
  const file = yield* PidFile.pathOf(daemon.pidFileDir)
  const refuse = (remedy: string) =>
    new PidFile.AlreadyRunning({ pid: running.pid, file, key: "pid_file_dir", remedy: Option.some(remedy) })
  const whenItHasEnded = `wait until "${Advice.anklet("-s drain")}" has ended, then start again`

  const asked = Effect.gen(function* () {
    let silence = ""
    let isDraining = false
    for (let tries = 0; tries < TRIES; tries++) {
      const answer = yield* Effect.either(Socket.ask(paths.join(daemon.pidFileDir, FILE_NAME), API.handover, {}))
      if (!(yield* exec.isAlive(running))) return
      if (answer._tag === "Right") {
        switch (answer.right.status) {
          case 200:
            return yield* untilGone(running, Option.none())
          case 404:
            return yield* refuse(`it is too old to hand its jobs over: ${whenItHasEnded}`)
          case 409:
            if (!options.drain) return yield* refuse(putAside())
            if (!isDraining) yield* signalTo(file, running, "drain")
            isDraining = true
        }
      }
      silence = answer._tag === "Left" ? answer.left.message : `it says ${answer.right.status}: ${answer.right.body}`
      yield* Effect.sleep(BETWEEN_TRIES)
    }
    return yield* refuse(`it does not answer (${silence}), so it cannot hand its jobs over: ${whenItHasEnded}`)
  })
  const told = say(`anklet (pid ${running.pid}) accepts no new jobs: waiting for it to hand over its jobs`).pipe(
    Effect.zipRight(untilGone(running, Option.some(daemon.stateDir))),
    Effect.delay(TELL_AFTER),
    Effect.zipRight(Effect.never)
  )
  yield* Effect.raceFirst(asked, told)
  yield* say(`anklet (pid ${running.pid}) is gone: this one takes its place`)
})
