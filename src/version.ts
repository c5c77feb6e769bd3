/** Version of this build; `dev` when run from its sources. */
export const version: string = typeof ANKLET_VERSION === "string" ? ANKLET_VERSION : "dev"
