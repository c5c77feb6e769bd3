/** What can be wrong with the VMs of the host. */
import type { Fault } from "./Fault.ts"
import { ORPHAN } from "./host.ts"

/** The process that macOS has for each VM. */
const PROCESS =
  "/System/Library/Frameworks/Virtualization.framework/Versions/A/XPCServices/com.apple.Virtualization.VirtualMachine.xpc/Contents/MacOS/com.apple.Virtualization.VirtualMachine"

/** Its faults. */
export const vms: ReadonlyArray<Fault> = [
  {
    on: "warnings and notes alone",
    name: "a VM of ours in no ledger",
    id: "vms-orphaned",
    level: "warning",
    what: new RegExp(ORPHAN),
    remedy: /anka delete --yes anklet-vm/,
    cause: (host) => host.addVm(ORPHAN)
  },
  {
    on: "warnings and notes alone",
    name: "a VM of somebody's",
    id: "vms-foreign",
    level: "note",
    what: /xcode-tests/,
    remedy: /anka stop xcode-tests/,
    cause: (host) => host.addVm("xcode-tests")
  },
  {
    on: "what GitHub, Anka and this Mac refuse",
    name: "two VMs of somebody's",
    id: "places-taken",
    level: "problem",
    what: /one, two/,
    remedy: /anka stop one/,
    cause: (host) => {
      host.addVm("one")
      host.addVm("two")
    }
  },
  {
    on: "a Mac that nobody has prepared",
    name: "places that macOS has not given back",
    id: "places-leaked",
    level: "warning",
    what: /2 processes of VMs, Anka lists 0/,
    remedy: /reboot/,
    cause: (host) => host.standIn("ps", `echo ${PROCESS}`, `echo ${PROCESS}`)
  }
]
