/** Loading a part of the program when it is needed. */
import * as Effect from "effect/Effect"

/**
 * Load a module, once: `lazy(() => import("./find.ts"))`. What is imported this way is a file of its own in the bundle, so a
 * command starts without what other commands need, and an idle daemon keeps no code in memory that nobody has called.
 *
 * A module that cannot be loaded is a defect: the installation is incomplete.
 */
export const lazy: <Module>(load: () => Promise<Module>) => Effect.Effect<Module> = Effect.promise
