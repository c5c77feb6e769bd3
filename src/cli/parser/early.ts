/**
 * Commands that src/main.ts starts by itself, without loading the parser. They are defined here so that `--help` and
 * the completions list them.
 */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"

/** `anklet demo`. */
export const demo = Command.make("demo", {}, () =>
  Effect.promise(async () => (await import("../demo.ts")).main())
).pipe(Command.withDescription("show Anklet at work: the real daemon on a simulated Mac and a simulated GitHub"))

/** `anklet simulate`. */
export const simulate = Command.make("simulate", {}, () =>
  Effect.promise(async () => (await import("../../simulator/main.ts")).main([]))
).pipe(Command.withDescription("the simulated `anka` and GitHub, for dry runs: see docs/simulator.md"))
