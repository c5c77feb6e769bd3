declare module "*.bash" {
  const text: string
  export default text
}

declare module "*.lua" {
  const text: string
  export default text
}

declare module "*.html" {
  const text: string
  export default text
}

declare module "*.css" {
  const text: string
  export default text
}

/** A script that runs in a browser. The program itself has no file with this extension. */
declare module "*.js" {
  const text: string
  export default text
}

/** Version of this build, from package.json; the bundler sets it. */
declare const ANKLET_VERSION: string | undefined

/** Short hash of the commit that was built; the bundler sets it. */
declare const ANKLET_COMMIT: string | undefined

/** The bundler sets it in the build that becomes one file together with its runtime. */
declare const ANKLET_ONE_FILE: boolean | undefined

/** Address of the folder with the newest release; the bundler sets it in a build that is published. */
declare const ANKLET_RELEASES: string | undefined

/** The public keys that sign releases, as PEM; the bundler sets them in a build that is published. */
declare const ANKLET_RELEASE_KEYS: string | undefined
