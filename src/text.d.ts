declare module "*.bash" {
  const text: string
  export default text
}

declare module "*.lua" {
  const text: string
  export default text
}

/** Version of this build, from package.json; set by the bundler. */
declare const ANKLET_VERSION: string | undefined
