/** Checks this user's template library and the free space for more templates. */
import { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Finding from "../domain/Finding.ts"
import { gib } from "../domain/Format.ts"
import { Anka } from "../services/Anka.ts"
import { RESERVE } from "../services/Templates.ts"
import { nearest, volumeOf } from "./disk.ts"
import { type Check, type HostFacts, soon } from "./HostFacts.ts"

export const KINDS = {
  "library-empty": {
    level: "warning",
    why: "Anka keeps a library for each user: templates that another user (or root) has are not seen, and each job pulls first.",
    remedy:
      "run Anklet as the user who has the templates (`anka list` shows them), or pull them: `anka registry pull UUID`"
  },
  "template-failed": {
    level: "warning",
    why: "No VM can be cloned from a template in this state, so its jobs fail.",
    remedy: "`anka stop --force NAME`; if that does not help, delete the template: it is pulled again"
  },
  "volume-full": {
    level: "problem",
    why: "No template is pulled, and VMs fail when their disks grow.",
    remedy:
      "`anka delete --cache`, then `anka delete --yes NAME` for templates that are not used and that a registry has"
  },
  "volume-low": {
    level: "warning",
    why: "A template takes 20 GiB and more: the next pull may not find room.",
    remedy:
      "`anka delete --cache`, then `anka delete --yes NAME` for templates that are not used and that a registry has"
  }
} as const satisfies Finding.Kinds

const found = Finding.about("templates", KINDS)

/** Free space in bytes that leaves room for one more template beside the reserve. Veertu's own are 15 to 30 GiB, those with Xcode larger. */
const ROOMY = RESERVE + 30 * 2 ** 30

/** Default of Anka's `img_lib_dir`, in the home folder. */
const USUAL = "Library/Application Support/Veertu/Anka/img_lib"

const room = Effect.fnUntraced(function* ({ places }: HostFacts) {
  const anka = yield* Anka
  const paths = yield* Path
  const folder = yield* Effect.orElseSucceed(soon("anka config img_lib_dir", anka.imageDirectory), () =>
    paths.join(places.user, USUAL)
  )
  const volume = yield* volumeOf((yield* nearest(folder)).path)
  return Option.toArray(volume).map(({ name, free }) => {
    const what = `${gib(free)} are free on ${name}, where Anka keeps images; pulls leave ${gib(RESERVE)}`
    return free < RESERVE
      ? found("volume-full", what)
      : free < ROOMY
        ? found("volume-low", what)
        : Finding.ok("templates", what)
  })
})

const library = ({ library }: HostFacts) =>
  library.pipe(
    Effect.map((vms) => {
      const templates = vms.filter(({ tag }) => Option.isSome(tag))
      const failed = templates.filter(({ status }) => status === "failed")
      return [
        templates.length === 0
          ? found("library-empty", "this user has no templates")
          : Finding.ok("templates", `this user has ${templates.map(({ name }) => name).join(", ")}`),
        ...failed.map(({ name, uuid }) =>
          found("template-failed", `template ${name} (${uuid}) is in the state "failed"`, {
            remedy: `\`anka stop --force ${uuid}\`; if that does not help, \`anka delete --yes ${uuid}\`: it is pulled again`
          })
        )
      ]
    }),
    // reported under "anka"
    Effect.orElseSucceed(() => [])
  )

/** The check of what this user can clone, and whether more can be pulled. */
export const templates: Check = {
  subject: "templates",
  run: (host) => Effect.map(Effect.all([library(host), room(host)], { concurrency: 2 }), (found) => found.flat())
}
