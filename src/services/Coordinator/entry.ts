/** A claim, and the ledger's line for it. */
import { Claimed } from "../Ledger.ts"
import type { Claim } from "./protocol.ts"

/** The claim that a line of the ledger is about. */
export const toClaim = ({ job, service, epoch, attempt }: Claimed): Claim => ({ job, service, epoch, attempt })
/** The line that makes a claim outlive the daemon. */
export const toEntry = ({ job, service, epoch, attempt }: Claim): Claimed =>
  Claimed.make({ job, service, epoch, attempt })
