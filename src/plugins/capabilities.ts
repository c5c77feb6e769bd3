/** The capabilities of plugins that know a CI: they are chosen here, so that the daemon that provides them knows none. */
import * as GitHub from "../services/GitHub/octokit.ts"

/** Clients of the CIs of built-in plugins. */
export const layer = GitHub.layer
