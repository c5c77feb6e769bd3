/** What can be wrong with a plugin. */
import type { Fault } from "./Fault.ts"

/** Its faults. */
export const plugins: ReadonlyArray<Fault> = [
  {
    on: "warnings and notes alone",
    name: "a plugin that dies",
    id: "plugin-died",
    level: "warning",
    what: /plugin mine died.*no idea/,
    remedy: /mend the plugin/,
    cause: (host) => host.addPlugin('{ throw new Error("no idea") }')
  }
]
