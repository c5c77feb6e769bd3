/** What keeps this host from new jobs. Pure. */
import * as Schema from "effect/Schema"
import type { Status } from "./Status.ts"

/** Why this host takes no job of a class now; `unknown` when `anka list` does not answer, `pulling` only where the template matters. */
export const BlockedReason = Schema.Literal(
  "none",
  "draining",
  "paused",
  "failing",
  "no_room",
  "busy",
  "pulling",
  "unknown"
)
export type BlockedReason = typeof BlockedReason.Type

/** Whether VMs have all slots of this host; false if `anka list` does not answer. */
export const isFull = ({ vms, vmLimit }: Status): boolean => vms !== null && vms.length >= vmLimit

/** What keeps this host from every job, whatever its template. */
export const blockedReason = (status: Status): BlockedReason => {
  const { mode, services, vms } = status
  if (mode !== "open") return mode
  const present = services.filter(({ doing }) => doing._tag !== "Drained")
  const idle = present.filter(({ doing }) => doing._tag !== "Working")
  if (vms === null) return "unknown"
  if (isFull(status)) return "no_room"
  if (idle.length === 0) return "busy"
  return idle.every(({ doing }) => doing._tag === "Failing") ? "failing" : "none"
}
