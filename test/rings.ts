/** The rings of tests, from the slowest to the quickest. A file is in the first ring that names it. */
export const RINGS = {
  /** Files for all systems, which only `npm run test:release` makes. */
  release: ["test/release/macos.test.ts"],
  /** A fleet of real daemons, which needs the machine for itself. */
  fleet: ["test/whole/fleet.test.ts"],
  /** What takes minutes: every crash point and pair, mutants, long histories, a week, many Macs, this system's release. */
  deep: [
    "test/simulation/promises*.test.ts",
    "test/simulation/{mutants,week}.test.ts",
    "test/whole/{crash,kills}.test.ts",
    "test/store/{differential,many}.test.ts",
    "test/release/*.test.ts"
  ],
  /** The built program, its store and its doors in every kind of trouble: outages, strangers' input, other users, proxies, service managers. */
  trouble: [
    "test/fuzz/*.test.ts",
    "test/store/{damage,echoes,faults,strangers}.test.ts",
    "test/services/GitHub/{bounds,echoes}.test.ts",
    "test/whole/{day,debug,gone,handover,hostile,notify,older,ports,proxy,registry,secrets,text,tls,traces,users}.test.ts",
    "test/cli/{killed,service}.test.ts",
    "test/doctor/{exposure,fix,redis}.test.ts"
  ],
  /** The built program as its user runs it, in a browser, too; and a short simulation. */
  whole: [
    "test/whole/*.test.ts",
    "test/cli/*.test.ts",
    "test/doctor/!(findings).test.ts",
    "test/build/*.test.ts",
    "test/simulation/*.test.ts"
  ],
  /** The shared store and what watches us, on real servers. */
  contract: ["test/store/*.test.ts", "test/control/metrics/Exposition.test.ts", "test/services/GitHub/tunnel.test.ts"],
  /** Real processes, files and HTTP; and jobs that are interrupted and killed at every step, which takes longer than a unit may. */
  door: [
    "test/daemon/Service.test.ts",
    "test/job/{AroundJob,Direct,Guest,HostScript}.test.ts",
    "test/plugins/github/crash.test.ts",
    "test/lint.test.ts",
    "test/services/{Anka,Exec,Host,HostLock}.test.ts",
    "test/services/Exec/*.test.ts",
    "test/services/GitHub/{app,client,faults,look,transport}.test.ts",
    "test/simulator/github/*.test.ts"
  ],
  /** What needs no build, no process and no port. */
  unit: ["test/**/*.test.ts"]
} as const

/** Name of a ring. */
export type Ring = keyof typeof RINGS

const names = Object.keys(RINGS) as ReadonlyArray<Ring>

/** The patterns of a ring, and those of the rings before it, whose files are not its own. */
export const filesOf = (ring: Ring): { readonly include: Array<string>; readonly exclude: Array<string> } => ({
  include: [...RINGS[ring]],
  exclude: names.slice(0, names.indexOf(ring)).flatMap((name) => RINGS[name])
})

/** All rings. */
export const ALL = names
