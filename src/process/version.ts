/** Version of this build; `dev` when run from source. */
export const version: string = typeof ANKLET_VERSION === "string" ? ANKLET_VERSION : "dev"

/** Version and commit, for people. The commit is `unknown` if the source was not in a Git repository. */
export const build: string = `${version} (${typeof ANKLET_COMMIT === "string" ? ANKLET_COMMIT : "unknown"})`
