/** Whether the daemon works, and whether it accepts jobs: the answer to `/healthz`. A host that cannot accept jobs is healthy where a restart would not help. */
import { FileSystem } from "@effect/platform/FileSystem"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Files from "../files/Files.ts"
import { within } from "../interruption/Within.ts"
import type { ServiceActivity } from "../services/Activity.ts"
import { visible } from "../text/Text.ts"
import { text } from "./Answer.ts"
import { DaemonInfo } from "./DaemonInfo.ts"
import * as Headline from "./Headline.ts"
import * as Status from "./Status.ts"

/** Longest delay of a pass that is due, in milliseconds; a Mac that is busy or has just woken up is slow. */
const LATE = 60_000
/** Longest that a service may be `Looking`, in milliseconds. Covers the timeouts of the CI's client and its wait for a rate limit. */
const LOOKS_FOR = 600_000
/** Timeout of the attempt to write beside the ledger. */
const WRITTEN_WITHIN = "5 seconds"
/** More bytes than a full disk may still have for a small file. */
const PROBE = new Uint8Array(16_384)

/** Why a service makes no progress; undefined when it does. */
const stuck = ({ name, doing, since }: ServiceActivity, startedAt: number, now: number): string | undefined => {
  const seconds = (ms: number) => Math.round(ms / 1000)
  switch (doing._tag) {
    case "Looking": {
      const lasts = now - Math.max(since, startedAt)
      return lasts > LOOKS_FOR ? `service ${name} has been looking for work for ${seconds(lasts)} s` : undefined
    }
    case "Waiting":
    case "Failing":
      return now > doing.until + LATE
        ? `service ${name} should have looked for work ${seconds(now - doing.until)} s ago`
        : undefined
    default:
      return undefined
  }
}

/** What is wrong with the ledger's disk, as far as a file beside it can tell. */
const unwritable = (ledger: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem
    const probe = `${ledger}.probe`
    yield* fs.access(ledger, { writable: true })
    // one that a killed daemon left
    yield* Effect.ignore(fs.remove(probe))
    yield* Files.create(probe, PROBE).pipe(Effect.ensuring(Effect.ignore(fs.remove(probe))))
  }).pipe(
    within(WRITTEN_WITHIN),
    Effect.match({
      onFailure: (error) => [
        `the ledger cannot be written, so no job can be taken: ${error._tag === "TimeoutException" ? `no answer of the disk within ${WRITTEN_WITHIN}` : error.message}`
      ],
      onSuccess: () => []
    })
  )

/** The verdict on a daemon that makes progress. */
const wordOf = ({ state, text }: Headline.Headline): string => {
  switch (state) {
    case "accepting":
    case "full":
      return "well"
    case "partly":
      return `well: ${text}`
    default:
      return text
  }
}

/** Check every service, and the disk of the ledger. */
export const answer = Effect.fn("Health.answer")(function* () {
  const { ledger, startedAt } = yield* DaemonInfo
  const host = yield* Status.host()
  const { services } = host
  const headline = Headline.of(host)
  const now = yield* Clock.currentTimeMillis
  const wrong = [...services.flatMap((service) => stuck(service, startedAt, now) ?? []), ...(yield* unwritable(ledger))]
  const doing = services.map(({ name, doing }) => `${name}: ${doing._tag.toLowerCase()}`)
  const first = wrong.length > 0 ? "not well" : wordOf(headline)
  return text(wrong.length > 0 ? 503 : 200, [first, ...wrong, ...doing].map((line) => `${visible(line)}\n`).join(""))
})
