/** `anklet doctor`: what is wrong on this host, why it matters, and the command that fixes it. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Advice from "../text/Advice.ts"
import { config, handle, json } from "./anklet.ts"
import { configFile } from "./configFile.ts"
import { json as asJson } from "./shown.ts"
import { say, screen } from "./terminal.ts"

const fix = Options.boolean("fix").pipe(Options.withDescription("apply the fixes that can do no harm, and report them"))

/** `anklet doctor`. */
export const doctor = Command.make(
  "doctor",
  { config, fix, json },
  handle((given) =>
    Effect.gen(function* () {
      const { examined } = yield* Effect.promise(() => import("./doctor/examined.ts"))
      const { object, remaining, report } = yield* Effect.promise(() => import("./doctor/report.ts"))
      const file = yield* configFile(given.config)
      const { found } = yield* examined(file, { repair: given.fix })
      yield* say(given.json ? asJson(object(file, found)) : report(yield* screen, Advice.anklet(), found))
      return remaining(found, "problem") > 0 ? 12 : 0
    })
  )
).pipe(Command.withDescription("check this Mac for problems that stop jobs, and print the reason and the fix for each"))
