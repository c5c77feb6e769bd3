/** What can be wrong with the template library. */
import { TEMPLATE } from "../whole/lab.ts"
import type { Fault } from "./Fault.ts"

/** Its faults. */
export const templates: ReadonlyArray<Fault> = [
  {
    on: "warnings and notes alone",
    name: "little room for images",
    id: "volume-low",
    level: "warning",
    what: /20\.0 GiB are free/,
    remedy: /anka delete --cache/,
    cause: (host) => host.leaveFree(20)
  },
  {
    on: "warnings and notes alone",
    name: "a template that failed",
    id: "template-failed",
    level: "warning",
    what: /state "failed"/,
    remedy: new RegExp(`--force ${TEMPLATE}`),
    cause: (host) =>
      host.alterAnka((anka) => {
        for (const vm of anka.vms) vm.status = "failed"
      })
  },
  {
    on: "what GitHub, Anka and this Mac refuse",
    name: "a full volume of images",
    id: "volume-full",
    level: "problem",
    what: /4\.0 GiB are free/,
    remedy: /anka delete --cache/,
    cause: (host) => host.leaveFree(4)
  },
  {
    on: "a new Mac, and an old token",
    name: "another user's templates",
    id: "library-empty",
    level: "warning",
    what: /no templates/,
    remedy: /user who has the templates/,
    cause: (host) => host.alterAnka((anka) => void Object.assign(anka, { vms: [] }))
  }
]
