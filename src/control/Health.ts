/** Whether the daemon is fit to do its work: the answer to `/healthz`. A host that takes nothing new because it was told so is well. */
import { FileSystem } from "@effect/platform/FileSystem"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Files from "../files/Files.ts"
import { within } from "../interruption/Within.ts"
import { Activity, type ServiceActivity } from "../services/Activity.ts"
import * as HostStatus from "../services/HostStatus.ts"
import { visible } from "../text/Text.ts"
import { text } from "./Answer.ts"
import { DaemonInfo } from "./DaemonInfo.ts"

/** A pass that is due begins within this, in milliseconds; a busy or just awoken Mac is slow. */
const LATE = 60_000
/** A look for jobs and for what is left of others is over within this, in milliseconds: GitHub has deadlines of its own, and a refusal is waited for for two minutes. */
const LOOKS_FOR = 600_000
/** A disk that takes longer takes nothing. */
const WRITTEN_WITHIN = "5 seconds"
/** More than fits into what a full disk may still have left over for a file. */
const PROBE = new Uint8Array(16_384)

/** Why a service does not get on; undefined when it does. */
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

/** Look at every service, and try the ledger's disk. */
export const answer = Effect.fn("Health.answer")(function* () {
  const { ledger, startedAt } = yield* DaemonInfo
  const mode = yield* HostStatus.mode
  const services = yield* (yield* Activity).services
  const now = yield* Clock.currentTimeMillis
  const wrong = [...services.flatMap((service) => stuck(service, startedAt, now) ?? []), ...(yield* unwritable(ledger))]
  const doing = services.map(({ name, doing }) => `${name}: ${doing._tag.toLowerCase()}`)
  const first = wrong.length > 0 ? "not well" : mode === "open" ? "well" : `well, and ${mode}: nothing new is taken`
  return text(wrong.length > 0 ? 503 : 200, [first, ...wrong, ...doing].map((line) => `${visible(line)}\n`).join(""))
})
