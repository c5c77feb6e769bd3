// Keeps the bundle small: an idle daemon pays for every loaded function, even if nobody calls it.

/** Parts of our dependencies that the program never calls, and their replacements. */
const NEEDLESS = {
  // only Effect's Arbitrary uses it, which is for tests
  "fast-check": "export {}",
  // requests are named by their route: octokit.request("GET /repos/{owner}/{repo}")
  "@octokit/plugin-rest-endpoint-methods": "export const legacyRestEndpointMethods = () => ({})",
  // our pages are conditional requests, our log is Log.ts
  "@octokit/plugin-paginate-rest": "export const paginateRest = () => ({})",
  "@octokit/plugin-request-log": "export const requestLog = () => {}",
  // ioredis passes it every command, including AUTH with the password, and DEBUG in the environment would print them
  debug: "export default () => () => {}"
}

/** Leaves out what is never called. */
export const leaveOut = {
  name: "leave out",
  setup(build) {
    build.onResolve({ filter: /^(fast-check|debug|@octokit\/plugin-.+)$/ }, ({ path }) =>
      path in NEEDLESS ? { path, namespace: "needless", sideEffects: false } : undefined
    )
    build.onLoad({ filter: /.*/, namespace: "needless" }, ({ path }) => ({ contents: NEEDLESS[path] }))
  }
}

/**
 * The API of plugins from disk hands out whole modules of Effect. In a bundle of its own it brings its own copy of them,
 * and the daemon's copy holds only what the daemon calls. Effect is made for this: copies of one version know each other's values.
 */
export const pluginApiApart = {
  name: "plugin API apart",
  setup(build) {
    build.onResolve({ filter: /\/PluginApi\.ts$/ }, ({ kind }) =>
      kind === "dynamic-import" ? { path: "./plugin-api/PluginApi.js", external: true } : undefined
    )
  }
}
