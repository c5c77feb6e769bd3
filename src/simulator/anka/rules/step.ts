/** The words of the rules: what a command knows, and what it comes to, step by step. */
import type { Call } from "../argv.ts"

/** A VM or template of the library. */
export interface Vm {
  readonly uuid: string
  name: string
  status: "stopped" | "running" | "suspended" | "failed"
  /** The tag that is checked out; clones have none. */
  tag?: string
  /** All tags on this host; only templates have any. */
  tags: Array<string>
  readonly created: string
  accessed: string
  /** When macOS in it is up, and when it has an address, in milliseconds since the epoch; default: at once. */
  upAt?: number
  ipAt?: number
  /** Bytes; default: what the host says. */
  readonly memory?: number
  /** Set while its clone is not complete, and forever when that was killed. */
  isHalf?: true
}

/** A template in the registry: its tags in the order in which they were pushed. */
export interface RegistryTemplate {
  readonly uuid: string
  readonly name: string
  tags: Array<string>
  /** Bytes of one tag. */
  size: number
}

/** What the rules know of a host. They never change it: a step has the next one. */
export interface State {
  readonly version: string
  readonly license: { readonly status: string; readonly type: string; readonly error?: string }
  /** Maximum number of running VMs that the system allows, and number of running ones that no list shows. */
  readonly limit: number
  readonly phantoms: number
  /** Bytes free for images. */
  readonly free: number
  /** Bytes of memory of a VM that does not say; none: `anka` does not tell. */
  readonly memory?: number
  /** What a second pull does while one is under way. */
  readonly secondPull: "corrupt" | "error" | "block"
  readonly registry: {
    readonly name: string
    readonly url: string
    readonly down: boolean
    readonly error?: string
    readonly templates: ReadonlyArray<RegistryTemplate>
  }
  readonly vms: ReadonlyArray<Vm>
  readonly pulling?: { readonly pid: number; readonly template: string }
}

/** What a command has besides the host's state. */
export interface Env {
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Number of the command's process, and whether a process lives. */
  readonly pid: number
  readonly isAlive: (pid: number) => boolean
  /** UUID of a VM that is made with this name. */
  readonly uuidFor: (name: string) => string
  /** Folder of the images. */
  readonly images: string
  /** Time in milliseconds from a start until macOS is up, and until the VM has an address; asked for each start. */
  readonly boot: () => number
  readonly ip: () => number
}

/** What a command prints. */
export interface Result {
  readonly code: number
  readonly message: string
  readonly body: unknown
  /** Without `-j`. */
  readonly text?: string
}

/** What a step does outside the state. */
export type Act =
  | { readonly _tag: "Fill"; readonly vm: Vm; readonly template: string; readonly tag: string | undefined }
  | { readonly _tag: "PowerOff"; readonly vm: Vm }
  | { readonly _tag: "Discard"; readonly vm: Vm }
  | { readonly _tag: "Fetch"; readonly template: string; readonly tag: string }

/** What a command waits for: work of its own, the end of another one's pull, or nothing. */
export type Wait = "clone" | "start" | "stop" | "forced stop" | "delete" | "pull" | "turn" | "nothing"

/** How far a command has come: the state that it leaves, what is to be done outside it, and how it goes on. */
export type Step = {
  readonly state: State
  readonly acts: ReadonlyArray<Act>
} & (
  | { readonly _tag: "Done"; readonly result: Result }
  | { readonly _tag: "Later"; readonly wait: Wait; readonly next: (state: State, env: Env) => Step }
  /** The rest happens inside this VM once macOS is up, or nowhere: a copy from one place of the host to another. */
  | { readonly _tag: "Inside"; readonly vm: Vm | undefined }
)

/** What a command does. It throws a `Failure` to leave the state as it is. */
export type Rule = (state: State, call: Call, env: Env) => Step

/** A command that fails, with Anka's code and words. */
export class Failure extends Error {
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

/** What a failed command prints. */
export const failure = ({ code, message }: Failure): Result => ({ code, message, body: {} })

/** The result of a command that succeeds. */
export const ok = (body: unknown = {}, message = ""): Result => ({ code: 0, message, body })

/** The last step of a command. */
export const done = (state: State, result: Result = ok(), acts: ReadonlyArray<Act> = []): Step => ({
  _tag: "Done",
  state,
  acts,
  result
})

/** A step after which the command goes on later. */
export const later = (
  state: State,
  wait: Wait,
  next: (state: State, env: Env) => Step,
  acts: ReadonlyArray<Act> = []
): Step => ({ _tag: "Later", state, acts, wait, next })

/** The VM or template with this name or UUID, if there is one. */
export const lookUp = (state: State, id: string): Vm | undefined =>
  state.vms.find(({ name, uuid }) => name === id || uuid === id)

/** The VM or template with this name or UUID; a `Failure` where there is none. */
export const find = (state: State, id: string): Vm => {
  const vm = lookUp(state, id)
  if (vm === undefined) throw new Failure(3, `${id}: not found`)
  return vm
}

/** The state with this VM in the place of the one with its UUID. */
export const put = (state: State, vm: Vm): State => ({
  ...state,
  vms: state.vms.map((other) => (other.uuid === vm.uuid ? vm : other))
})

/** A moment as `anka` prints it. */
export const date = (now: number): string => new Date(now).toISOString().replace(/\.\d+Z$/, "Z")
