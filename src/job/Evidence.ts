/**
 * Keeping what there is of a job that failed before it ran, or whose VM was lost: the VM goes, and with it all that could
 * tell why. Best effort: it delays the removal of the VM by a limited time, and nothing else fails for it.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import { without } from "../secrets/Secrets.ts"
import { learned, stages } from "../services/Activity.ts"
import { Anka } from "../services/Anka.ts"
import type { Claim } from "../services/Coordinator.ts"
import { FILE, Evidence as Keeper } from "../services/Evidence.ts"
import { Ledger } from "../services/Ledger.ts"
import { visibleJson } from "../text/Text.ts"
import type { Program } from "./Guest.ts"
import { FOLDER as SCRIPTS } from "./HostScript.ts"
import * as LastWords from "./LastWords.ts"
import * as Vm from "./Vm.ts"

/** Maximum number of files of the program's diagnostics of which the end is kept, the newest first. */
const DIAGNOSTICS = 4
/** Timeout of collecting it all, by which the removal of the VM may be delayed, and of one question to the VM. */
const COLLECT_WITHIN = "20 seconds"
const ASK_WITHIN = "8 seconds"

/** Texts by the names of their files. */
type Files = Readonly<Record<string, string>>

/** The evidence of one claim. */
export interface Evidence {
  /** Keep what is there now; `why` in words. */
  readonly collect: (why: string) => Effect.Effect<void, never, Anka | Ledger>
  /** Keep what is known already, by the names of its files, and ask the VM nothing. */
  readonly note: (why: string, files: Files) => Effect.Effect<void, never, Anka | Ledger>
  /** The end of a message that names the folder; empty where there is none. */
  readonly words: Effect.Effect<string>
}

/** In bash: the last bytes of a file, whole lines of it, so that no half of a secret is left at the beginning. */
const END = 'end() { tail -c "$1" "$2" | { [ "$(wc -c <"$2")" -le "$1" ] || read -r _; cat; }; };'

/** A part of a file's name, whatever the job is called. */
const safe = (text: string): string => text.replaceAll(/[^\w.-]+/g, "_").slice(-100)

/** The logs of the program in the guest, by the names under which they are kept; none where it does not answer. */
const ofGuest = (vm: Vm.Vm, { folder, name }: Program) => {
  const ask = (script: string, from = folder) =>
    vm.run(["bash", "-c", `cd ${from} 2>/dev/null || exit; ${END} ${script}`], { timeout: ASK_WITHIN }).pipe(
      Effect.map(({ stdout }) => stdout),
      Effect.orElseSucceed(() => "")
    )
  return Effect.all(
    {
      [`${name}.log`]: ask(`end ${FILE} ${name}.log`),
      "_diag.log": ask(
        `ls -t _diag/*.log 2>/dev/null | head -n ${DIAGNOSTICS} | while read -r file; do echo "== $file"; end ${FILE / DIAGNOSTICS} "$file"; done`
      ),
      "prepare.log": ask(`end ${FILE} prepare.log`, SCRIPTS)
    },
    { concurrency: 3 }
  )
}

/** All logs of a VM. */
const ofVm = Effect.fnUntraced(function* (name: Vm.Vm["name"], program: Program) {
  const anka = yield* Anka
  const keeper = yield* Keeper
  const shown = yield* Effect.option(Effect.timeout(anka.show(name), ASK_WITHIN))
  // a question to a stopped VM would start it
  const isRunning = Option.exists(shown, ({ status }) => status === "running")
  const [guest, hypervisor] = yield* Effect.all(
    [
      isRunning ? ofGuest(yield* Vm.named(name), program) : Effect.succeed({}),
      keeper.logsOf(Option.match(shown, { onNone: () => "", onSome: ({ uuid }) => uuid }))
    ],
    { concurrency: 2 }
  )
  return { ...guest, ...hypervisor }
})

const keep = Effect.fnUntraced(function* (claim: Claim, program: Program, why: string, known: Option.Option<Files>) {
  const { job, service, attempt } = claim
  const { vms, runners } = yield* (yield* Ledger).state
  const vm = [...HashMap.values(vms)].findLast((vm) => vm.job === job.key)?.vm
  const runner = [...HashMap.values(runners)].find(({ named }) => named.vm === vm)?.named.runner
  const logs = Option.isSome(known) ? known.value : vm === undefined ? {} : yield* ofVm(vm, program)
  const about = {
    why,
    at: yield* Clock.currentTimeMillis,
    service,
    attempt,
    key: job.key,
    name: job.name,
    template: `${job.template}`,
    fields: job.fields,
    vm: vm ?? "",
    runner: runner ?? "",
    stages: yield* stages
  }
  return yield* (yield* Keeper).save(`${safe(job.key)}.${attempt}`, {
    ...Object.fromEntries(
      Object.entries<string>(logs).map(([file, text]) => [
        file,
        LastWords.lines(text, program.secrets).join("\n").trim()
      ])
    ),
    "job.json": visibleJson(without(JSON.stringify(about, null, 2)))
  })
})

/** For a claim, as it is when evidence is collected. */
export const of = (claim: Effect.Effect<Claim>, program: Program): Effect.Effect<Evidence> =>
  Effect.map(Ref.make(""), (kept) => {
    const save = (why: string, known: Option.Option<Files>) =>
      Effect.gen(function* () {
        if (!(yield* Keeper).isKept) return
        const path = yield* keep(yield* claim, program, why, known)
        yield* Ref.set(kept, path)
        yield* learned({ evidence: path })
      }).pipe(
        Effect.timeout(COLLECT_WITHIN),
        Effect.catchAll((error) => Effect.logDebug(`the job's logs could not be kept: ${error.message}`))
      )
    return {
      collect: (why) => save(why, Option.none()),
      note: (why, files) => save(why, Option.some(files)),
      words: Effect.map(Ref.get(kept), (path) => (path === "" ? "" : `. Its logs are kept in ${path}`))
    }
  })
