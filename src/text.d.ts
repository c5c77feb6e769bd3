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

/** What a browser runs. The program itself has no file with this name. */
declare module "*.js" {
  const text: string
  export default text
}

/** Version of this build, from package.json; set by the bundler. */
declare const ANKLET_VERSION: string | undefined

/** Short hash of the commit that was built; set by the bundler. */
declare const ANKLET_COMMIT: string | undefined

/** Set by the bundler in the build that becomes one file together with its runtime. */
declare const ANKLET_ONE_FILE: boolean | undefined
