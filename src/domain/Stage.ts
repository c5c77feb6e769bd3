/** The stage clock of a job: how far it has come, and when. */
import * as Schema from "effect/Schema"

/** How far a job can come, in this order; a job whose runner is replaced goes back to `pulled`. */
export const STAGES = [
  /** The CI calls it queued. */
  "queued",
  /** A look of this host named it. */
  "seen",
  "claimed",
  /** Its template is on this host. */
  "pulled",
  "cloned",
  /** A command in the VM answers. */
  "booted",
  "registered",
  /** The runner's process runs in the VM. */
  "started",
  /** The CI says how it ended. */
  "done",
  /** Runner and VM are removed, and the claim is closed. */
  "clean"
] as const

/** One of them. */
export const Stage = Schema.Literal(...STAGES)
export type Stage = typeof Stage.Type

/** A stage, and when a job came so far, in milliseconds since the epoch. */
export const Reached = Schema.Struct({ stage: Stage, at: Schema.Number })
export type Reached = typeof Reached.Type
