/** The stages of a job: how far it has come, and when. */
import * as Schema from "effect/Schema"

/** The stages in order. A job whose runner is replaced goes back to `pulled`. */
export const STAGES = [
  /** The CI reports it as queued. */
  "queued",
  /** A poll by this host returned it. */
  "seen",
  "claimed",
  /** Its template is on this host. */
  "pulled",
  "cloned",
  /** A command in the VM has answered. */
  "booted",
  "registered",
  /** The runner's process is running in the VM. */
  "started",
  /** The CI reports how it ended. */
  "done",
  /** Runner and VM are removed, and the claim is closed. */
  "clean"
] as const

/** A stage of a job. */
export const Stage = Schema.Literal(...STAGES)
export type Stage = typeof Stage.Type

/** A stage, and when the job reached it, in milliseconds since the epoch. */
export const Reached = Schema.Struct({ stage: Stage, at: Schema.Number })
export type Reached = typeof Reached.Type
