/** `anklet init`: a first config, checked as the doctor checks it. Nothing that is there is overwritten. */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import { config, handle } from "./anklet.ts"

const watched = Args.text({ name: "OWNER/REPO" }).pipe(
  Args.withDescription("the repository or organisation to watch, or its address at GitHub; asked for where left out"),
  Args.optional
)
const tokenFile = Options.text("token-file").pipe(
  Options.withDescription("a file with the token; - reads it from standard input"),
  Options.optional
)
const appId = Options.text("app-id").pipe(
  Options.withDescription("sign in as a GitHub App: its number, or its Client ID"),
  Options.optional
)
const privateKey = Options.text("private-key").pipe(
  Options.withDescription("the file with the App's private key"),
  Options.optional
)

/** `anklet init`. */
export const init = Command.make(
  "init",
  { config, watched, tokenFile, appId, privateKey },
  handle((given) =>
    Effect.flatMap(
      Effect.promise(() => import("./init/run.ts")),
      ({ run }) => run(given)
    )
  )
).pipe(Command.withDescription("write a first config: asks for what it needs, and checks it against GitHub and anka"))
