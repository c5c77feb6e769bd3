/** Checks that the `anka` command is installed, new enough, licensed, and answers. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Finding from "../domain/Finding.ts"
import * as License from "../services/Anka/license.ts"
import { Anka, type AnkaError } from "../services/Anka.ts"
import { type Check, type HostFacts, soon } from "./HostFacts.ts"

export const KINDS = {
  "anka-missing": {
    level: "problem",
    why: "Anka makes the VMs: without it the daemon does not start.",
    remedy: "install Anka 3.8 or newer from https://veertu.com/download-anka-build/"
  },
  "anka-hangs": {
    level: "problem",
    why: "Every job waits for this command, and fails when its time is up.",
    remedy: "end `anka` processes that hang (`ps ax`), update Anka, or reboot the Mac"
  },
  "anka-fails": {
    level: "problem",
    why: "The daemon asks this before it starts, or for every job.",
    remedy: "try the command by hand; `anka log` may tell more, installing Anka again often helps"
  },
  "anka-old": {
    level: "warning",
    why: "Before 3.8 a first pull may leave a broken template, and VMs do not start on macOS 26.",
    remedy: "install Anka 3.8 or newer from https://veertu.com/download-anka-build/"
  },
  "licence-unfit": {
    level: "problem",
    why: "The daemon does not start with a licence that cannot run CI jobs.",
    remedy: License.REMEDY
  }
} as const satisfies Finding.Kinds

const found = Finding.about("anka", KINDS)

/** The oldest version that Anklet is for (Veertu's release notes: pulls until 3.7.2, macOS 26 until 3.7.4). */
const OLDEST = [3, 8] as const

const isOld = (version: string) => {
  const [major = 0, minor = 0] = version.split(".").map(Number)
  return major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])
}

const broken = (error: AnkaError) => {
  switch (error.reason) {
    case "Missing":
      return found("anka-missing", error.detail)
    case "Timeout":
      return found("anka-hangs", error.message)
    case "LicenseInvalid":
      return found("licence-unfit", error.message)
    default:
      return found("anka-fails", error.message)
  }
}

/** Asks what a daemon asks first. A missing command is reported once, not for each question. */
const examine = Effect.fnUntraced(function* (host: HostFacts) {
  const anka = yield* Anka
  const [version, license, library] = yield* Effect.all(
    [
      Effect.either(soon("anka version", anka.version)),
      Effect.either(soon("anka license show", anka.license)),
      Effect.either(host.library)
    ],
    { concurrency: 3 }
  )
  if (Either.isLeft(version) && version.left.reason === "Missing") return [broken(version.left)]
  return [
    Either.match(version, {
      onLeft: broken,
      onRight: ({ product, version }) =>
        isOld(version)
          ? found("anka-old", `${product} ${version} is older than ${OLDEST.join(".")}`)
          : Finding.ok("anka", `${product} ${version}`)
    }),
    Either.match(license, {
      onLeft: broken,
      onRight: (license) =>
        Option.match(License.unfit(license), {
          onNone: () => Finding.ok("anka", `the licence is ${license.status} (${license.type})`),
          onSome: (what) => found("licence-unfit", what)
        })
    }),
    ...(Either.isLeft(library) ? [broken(library.left)] : [])
  ]
})

/** The command, its version and its licence. */
export const anka: Check = { subject: "anka", run: examine }
