/** Version of this build; `dev` when run from source. */
export const version: string = typeof ANKLET_VERSION === "string" ? ANKLET_VERSION : "dev"

/** Version and commit, for people. The commit is `unknown` if the source was not in a Git repository. */
export const build: string = `${version} (${typeof ANKLET_COMMIT === "string" ? ANKLET_COMMIT : "unknown"})`

/** Where the newest release is, as a folder; undefined in a build that is for one machine. */
export const releases: string | undefined = typeof ANKLET_RELEASES === "string" ? ANKLET_RELEASES : undefined

/** The public keys that sign releases, as PEM; empty in a build that is for one machine. */
export const releaseKeys: string = typeof ANKLET_RELEASE_KEYS === "string" ? ANKLET_RELEASE_KEYS : ""
