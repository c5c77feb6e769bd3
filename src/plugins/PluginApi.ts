/**
 * What a plugin from disk is handed: it cannot import `effect` or Anklet by itself, and a copy of its own would not fit.
 *
 * `index.mjs` default-exports a function of this API; `import type { PluginApi } from "anklet"` gives it its type.
 */
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { PrivateKey, Secret } from "../config/Config.ts"
import * as Job from "../domain/Job.ts"
import * as Finalizer from "../interruption/Finalizer.ts"
import { within } from "../interruption/Within.ts"
import { CiError } from "../job/CiError.ts"
import * as Claim from "../job/Claim.ts"
import * as Guest from "../job/Guest.ts"
import * as Pass from "../job/Pass.ts"
import { Polling } from "../job/Polling.ts"
import { RegistrationError } from "../job/RegistrationError.ts"
import * as Script from "../job/Script.ts"
import * as Vm from "../job/Vm.ts"
import { Progress } from "../services/Activity.ts"
import { Anka } from "../services/Anka.ts"
import { Capacity } from "../services/Capacity.ts"
import { Coordinator, classOf } from "../services/Coordinator.ts"
import type { Drain } from "../services/Drain.ts"
import { Exec } from "../services/Exec.ts"
import type { GitHub } from "../services/GitHub.ts"
import type { HostLock } from "../services/HostLock.ts"
import { Ledger } from "../services/Ledger.ts"
import { Once } from "../services/Once.ts"
import { Templates } from "../services/Templates.ts"
import { Wake } from "../services/Wake.ts"
import type { DirectPlugin } from "./DirectPlugin.ts"
import { type Plugin, PluginError } from "./Plugin.ts"

export type * from "../job/Ci.ts"
export type { DirectCi, DirectRef, DirectState, Result } from "../job/DirectCi.ts"
export type { Program, Start, Step } from "../job/Guest.ts"
export { withRun } from "./DirectPlugin.ts"

/** What every plugin may ask for; the built-in ones get the same. */
export type Capabilities =
  | Anka
  | Capacity
  | Coordinator
  | Drain
  | Exec
  | FileSystem
  | GitHub
  | HostLock
  | Ledger
  | Once
  | Path
  | Polling
  | Templates
  | Wake

/** The API that a plugin from disk is handed. */
export const api = {
  Clock,
  Duration,
  Effect,
  Option,
  Redacted,
  Schedule,
  Schema,
  Stream,
  Anka,
  Capacity,
  CiError,
  Claim,
  Coordinator,
  Exec,
  FileSystem,
  Finalizer,
  Guest,
  Path,
  Job,
  Ledger,
  Once,
  Pass,
  PluginError,
  Polling,
  PrivateKey,
  Progress,
  RegistrationError,
  Script,
  Secret,
  Templates,
  Vm,
  Wake,
  classOf,
  within
}

/** Its type. */
export type PluginApi = typeof api

/** What `index.mjs` default-exports. */
export type PluginModule<C, I> = (api: PluginApi) => Plugin<C, I, Capabilities> | DirectPlugin<C, I, Capabilities>
