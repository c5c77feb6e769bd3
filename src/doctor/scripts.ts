/** Checks the files that go into the VMs. The user may change the scripts, so differences are only reported. */
import type { FileSystem } from "@effect/platform/FileSystem"
import type { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Finding from "../domain/Finding.ts"
import * as Files from "../files/Files.ts"
import type { Wrong } from "../plugins/AddedFiles.ts"
import * as Plugins from "../plugins/Plugins.ts"
import type { Check } from "./HostFacts.ts"

export const KINDS = {
  "script-missing": {
    level: "problem",
    why: "It is copied into every VM: without it every job fails.",
    remedy: "start Anklet anew: it writes the scripts that are missing",
    fixable: true
  },
  "script-unwritten": {
    level: "note",
    why: "It is copied into every VM; the next start of Anklet writes it.",
    remedy: "`anklet`",
    fixable: true
  },
  "script-untrusted": {
    level: "problem",
    why: "Another user could change it, and what goes into every VM could read the secret that starts a runner: it is not used.",
    remedy: "look at what it says, then `chmod go-w FILE`"
  },
  "script-unreadable": {
    level: "problem",
    why: "It is copied into every VM: without it every job fails.",
    remedy: "check its owner and permissions"
  },
  "script-outdated": {
    level: "problem",
    why: "It is called in another way than it expects: every job would fail in it, so none is taken.",
    remedy:
      "`anklet config migrate --scripts` moves it aside and tells where your changes belong; then `anklet doctor --fix` writes the one that works"
  },
  "script-unusable": {
    level: "problem",
    why: "It would go into every VM, and not do there what it should: no job is taken.",
    remedy: "correct what is named, or remove the file"
  },
  "script-differs": {
    level: "note",
    why: "It is yours to change. After an update of Anklet it may lack what the new one does.",
    remedy: "to compare, move it aside and let `anklet doctor --fix` write the built-in one"
  }
} as const satisfies Finding.Kinds

const found = Finding.about("scripts", KINDS)

/** A file that is added to VMs and cannot be used. */
const ofAddition = ({ path, how, why, remedy }: Wrong) => found(`script-${how}`, `${path} ${why}`, { remedy })

/** The check of the files that plugins need on this host, and of those that go into VMs as well. */
export const scripts: Check = {
  subject: "scripts",
  run: ({ services, context: { daemonRuns } }) =>
    Effect.gen(function* () {
      const context = yield* Effect.context<FileSystem | Path>()
      const files = yield* Plugins.filesOf(services)
      const fix = {
        does: "writes the scripts that are missing",
        did: "wrote it",
        run: Plugins.writeFiles(services).pipe(Effect.provide(context))
      }
      const judged = yield* Effect.forEach(files, ({ path, text, refuse }) =>
        Effect.map(Effect.either(Files.readGiven(path)), (read) => {
          if (Either.isLeft(read) && read.left._tag === "Untrusted") {
            const { path: real, why, remedy } = read.left
            return [found("script-untrusted", `${real} ${why}`, { remedy })]
          }
          if (Either.isRight(read)) {
            const refusal = refuse(read.right)
            if (Option.isSome(refusal)) {
              return [found("script-outdated", `${path} ${refusal.value.why}`, { remedy: refusal.value.remedy })]
            }
            return read.right === text
              ? []
              : [
                  found("script-differs", `${path} differs from the built-in one`, {
                    remedy: `to compare: \`mv ${path} ${path}.mine\`, then \`anklet doctor --fix\` writes the built-in one`
                  })
                ]
          }
          const isMissing = read.left._tag === "SystemError" && read.left.reason === "NotFound"
          return isMissing
            ? [found(daemonRuns ? "script-missing" : "script-unwritten", `${path} is not there`, { fix })]
            : [found("script-unreadable", `${path} cannot be read (${read.left.message})`)]
        })
      )
      const added = yield* Plugins.addedTo(services)
      const wrong = [...judged.flat(), ...added.flatMap(({ wrong }) => wrong).map(ofAddition)]
      return files.length > 0 && wrong.length === 0
        ? [Finding.ok("scripts", `${files.length} scripts are as they came with Anklet`)]
        : wrong
    })
}
