/** Checks the VMs of this host: who owns them, and who occupies the VM slots. */
import { FileSystem } from "@effect/platform/FileSystem"
import type { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Reconcile from "../daemon/Reconcile.ts"
import * as Finding from "../domain/Finding.ts"
import { isOurName, type VmName } from "../domain/Job.ts"
import { VM_LIMIT } from "../domain/Resources.ts"
import * as Vm from "../job/Vm.ts"
import { Anka, type AnkaVm, mayRun, UNCLEAR } from "../services/Anka.ts"
import type { HostLock } from "../services/HostLock.ts"
import * as LedgerRegistry from "../services/LedgerRegistry.ts"
import { Mac } from "../services/Mac.ts"
import type { Check, HostFacts } from "./HostFacts.ts"

export const KINDS = {
  "vms-orphaned": {
    level: "warning",
    why: "They belong to no job, keep their places, and new jobs wait.",
    remedy: "`anka delete --yes NAME`",
    fixable: true
  },
  "vms-foreign": {
    level: "note",
    why: "They are not Anklet's, which never touches them; each takes one of the two places that Apple allows.",
    remedy: "`anka stop NAME` if nobody needs it"
  },
  "places-taken": {
    level: "problem",
    why: "Apple allows two running macOS VMs, and others have both places: no job can start.",
    remedy: "`anka stop NAME` for those that nobody needs"
  },
  "places-leaked": {
    level: "warning",
    why: "macOS counts VMs that Anka does not list, and may refuse to start another one.",
    remedy: "quit other programs that run VMs; if it stays for minutes, drain Anklet and reboot the Mac"
  }
} as const satisfies Finding.Kinds

const found = Finding.about("vms", KINDS)

/** The process that macOS starts for each VM of any program. */
const PROCESS = /com\.apple\.Virtualization\.VirtualMachine\b/

/** Delay before the second look at the ledgers. A daemon records a VM before it makes it, so one look should do; the second guards against the unforeseen. */
const AGAIN = "5 seconds"

const names = (vms: ReadonlyArray<AnkaVm>) =>
  vms
    .map(({ name, status }) => (status === UNCLEAR ? `${name} (which may be running: see \`anka list\`)` : name))
    .join(", ")

/** Our VMs that are in no ledger of this user. The ledgers are read after the list, so that they contain every VM listed. */
const orphansIn = Effect.fnUntraced(function* (vms: ReadonlyArray<AnkaVm>, { daemon, places }: HostFacts) {
  const fs = yield* FileSystem
  const isFirst = !(yield* Effect.orElseSucceed(fs.exists(places.ledgers), () => true))
  const ledgers = isFirst ? [] : yield* LedgerRegistry.ledgers(places.ledgers)
  const own = Option.toArray(Option.map(daemon, ({ ledgerFile }) => ledgerFile))
  return yield* Reconcile.strangersIn(
    vms.map(({ name }) => name),
    [...ledgers, ...own]
  )
})

const removeAgain = (orphans: ReadonlyArray<VmName>, host: HostFacts) =>
  Effect.gen(function* () {
    const anka = yield* Anka
    yield* Effect.sleep(AGAIN)
    const still = new Set(yield* orphansIn(yield* anka.list, host))
    yield* Effect.forEach(
      orphans.filter((name) => still.has(name)),
      Vm.destroy,
      { discard: true }
    )
  })

const orphans = Effect.fnUntraced(function* (vms: ReadonlyArray<AnkaVm>, host: HostFacts) {
  const fs = yield* FileSystem
  const context = yield* Effect.context<Anka | FileSystem | HostLock | Path>()
  const orphans = yield* orphansIn(vms, host)
  if (orphans.length === 0) return []
  const { daemonRuns, alone } = host.context
  // where no daemon of this version ever ran, VMs with our prefix may belong to another program
  const isOurs = yield* Effect.orElseSucceed(fs.exists(host.places.ledgers), () => false)
  return [
    found("vms-orphaned", `in no ledger of this user: ${orphans.join(", ")}`, {
      remedy:
        daemonRuns && Option.isSome(host.daemon)
          ? `wait: the daemon removes them within ${Reconcile.AUDIT_EVERY}`
          : orphans.map((name) => `\`anka delete --yes ${name}\``).join(", "),
      fix:
        daemonRuns || !isOurs
          ? undefined
          : {
              does: `deletes ${orphans.join(", ")}, if they are still in no ledger in ${AGAIN}`,
              did: `deleted ${orphans.join(", ")}`,
              run: alone(Effect.provide(removeAgain(orphans, host), context))
            }
    })
  ]
})

const strangers = (vms: ReadonlyArray<AnkaVm>) => {
  const foreign = vms.filter((vm) => mayRun(vm) && !isOurName(vm.name))
  if (foreign.length === 0) return []
  return [
    found(foreign.length >= VM_LIMIT ? "places-taken" : "vms-foreign", `VMs of others run: ${names(foreign)}`, {
      remedy: `${foreign.map(({ name }) => `\`anka stop ${name}\``).join(", ")} if nobody needs it`
    })
  ]
}

/** VM slots that macOS has not released: it runs more VMs than Anka lists. */
const leaks = Effect.fnUntraced(function* (vms: ReadonlyArray<AnkaVm>) {
  const mac = yield* Mac
  if (Option.isNone(mac.version)) return []
  const processes = yield* mac.ask("ps", "-axo", "comm=")
  const count = Option.match(processes, {
    onNone: () => 0,
    onSome: ({ stdout }) => stdout.split("\n").filter((line) => PROCESS.test(line)).length
  })
  const running = vms.filter(({ status }) => status === "running").length
  return count > running
    ? [found("places-leaked", `macOS runs ${count} processes of VMs, Anka lists ${running} running VMs`)]
    : []
})

/** The check of the VMs of this host. */
export const vms: Check = {
  subject: "vms",
  run: (host) =>
    host.library.pipe(
      Effect.flatMap((vms) =>
        Effect.map(Effect.all([orphans(vms, host), leaks(vms)]), ([orphans, leaks]) => {
          const running = vms.filter(mayRun)
          const what =
            running.length === 0
              ? `no VM runs: ${VM_LIMIT} places are free`
              : `${running.length} of ${VM_LIMIT} places are taken by ${names(running)}`
          return [Finding.ok("vms", what), ...orphans, ...strangers(vms), ...leaks]
        })
      ),
      // reported under "anka"
      Effect.orElseSucceed(() => [])
    )
}
