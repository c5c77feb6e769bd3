/** Version of this build; `dev` when run from its sources. */
export const version: string = typeof ANKLET_VERSION === "string" ? ANKLET_VERSION : "dev"

/** Version and commit, for people. The commit is `unknown` where the sources were no Git repository. */
export const build: string = `${version} (${typeof ANKLET_COMMIT === "string" ? ANKLET_COMMIT : "unknown"})`
