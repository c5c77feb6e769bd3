/** Whether this Mac has the memory that a VM needs. Anka decides: it refuses to start what does not fit. */
import { totalmem } from "node:os"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Template } from "../domain/Job.ts"
import { Anka } from "./Anka.ts"

/** A VM that does not fit beside the running ones. In bytes. */
export interface Lack {
  readonly wanted: number
  readonly taken: number
  readonly total: number
}

const SHOWN_WITHIN = "5 seconds"

/** The lack of memory for a VM of this template beside these VMs; none if it fits, or if `anka` does not say. */
export const lack = Effect.fn("Memory.lack")(function* (template: Template, running: ReadonlyArray<string>) {
  const anka = yield* Anka
  const memoryOf = (vm: string) =>
    anka.show(vm).pipe(
      Effect.timeoutFail({ duration: SHOWN_WITHIN, onTimeout: () => "late" }),
      Effect.map(({ memory = 0 }) => memory),
      Effect.orElseSucceed(() => 0)
    )
  const total = totalmem()
  // all at once, so that the caller does not wait long
  const [wanted = 0, ...others] = yield* Effect.forEach([template.id, ...running], memoryOf, {
    concurrency: "unbounded"
  })
  const taken = others.reduce((sum, memory) => sum + memory, 0)
  const lack: Lack = { wanted, taken, total }
  return wanted > 0 && wanted + taken > total ? Option.some(lack) : Option.none()
})
