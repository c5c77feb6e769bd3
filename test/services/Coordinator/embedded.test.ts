import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as embedded from "../../../src/services/Coordinator/embedded.ts"
import { Drain } from "../../../src/services/Drain.ts"
import { Wake } from "../../../src/services/Wake.ts"
import { contract } from "../../contracts/coordinator.ts"
import * as FakeLedger from "../../fakes/Ledger.ts"

contract(
  "of one host",
  Effect.suspend(() =>
    embedded
      .make(["A", "B"])
      .pipe(Effect.provide(Layer.mergeAll(FakeLedger.layer(FakeLedger.make()), Drain.layer, Wake.layer)))
  )
)
