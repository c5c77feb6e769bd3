/** What can be wrong with runners and runner groups at GitHub. */
import type { Fault } from "./Fault.ts"

/** Its faults. */
export const runners: ReadonlyArray<Fault> = [
  {
    on: "warnings and notes alone",
    name: "runners of somebody's",
    id: "runners-foreign",
    level: "note",
    what: /mac-mini-7/,
    remedy: /meant to be there/,
    cause: (host) => void host.lab.world.register("veertuinc/anklet", "mac-mini-7", ["self-hosted"])
  },
  {
    on: "warnings and notes alone",
    name: "runners of other hosts",
    id: "runners-offline",
    level: "note",
    what: /2 offline at veertuinc\/anklet: anklet-job-x, anklet-vm-of-older-version/,
    remedy: /nothing/,
    cause: (host) => {
      for (const name of ["anklet-job-x", "anklet-vm-of-older-version"])
        host.lab.world.register("veertuinc/anklet", name, ["self-hosted"])
    }
  },
  {
    on: "a runner group",
    name: "that does not let the repository in",
    id: "runner-group-closed",
    level: "problem",
    what: /runner group 7 \("macs"\) of veertuinc does not let veertuinc\/anklet in/,
    remedy: /let the repository or organisation use the group/,
    cause: (host) => {
      host.lab.world.groups.set("veertuinc", [{ id: 7, name: "macs", repositories: ["other"] }])
      host.rewrite("registration: repo", "registration: org\n    runner_group: 7")
    }
  },
  {
    on: "the runner group of an organisation",
    name: "that is not there",
    id: "runner-group-unknown",
    level: "problem",
    what: /`runner_group` 99: veertuinc has no such runner group, .*the groups that it sees are "Default"/,
    remedy: /correct `runner_group`/,
    cause: (host) => host.rewrite("registration: repo", "registration: org\n    runner_group: 99")
  },
  {
    on: "the runner group of a repository",
    name: "that only an organisation can have",
    id: "runner-group-unknown",
    level: "problem",
    what: /runners of a repository have the default group/,
    remedy: /correct `runner_group`/,
    cause: (host) => host.rewrite("registration: repo", "registration: repo\n    runner_group: 99")
  },
  {
    on: "a runner group for public repositories",
    name: "of an organisation",
    id: "runner-group-public",
    level: "note",
    what: /runner group 7 \("macs"\) of veertuinc lets public repositories in/,
    remedy: /Allow public repositories/,
    cause: (host) => {
      host.lab.world.groups.set("veertuinc", [{ id: 7, name: "macs", admitsPublic: true }])
      host.rewrite("registration: repo", "registration: org\n    runner_group: 7")
    }
  }
]
