/** What VMs take of a Mac, and what it has for them, as one vector. Pure. */

/** An amount of everything that VMs share. */
export interface Resources {
  /** Number of running VMs. */
  readonly vms: number
  /** In bytes. */
  readonly memory: number
  /** Number of cores. */
  readonly cores: number
}

/** Apple's licence: at most two macOS VMs run on one Mac. */
export const VM_LIMIT = 2

/** Nothing of anything. */
export const NONE: Resources = { vms: 0, memory: 0, cores: 0 }

/** As much as anybody wants. */
export const UNLIMITED: Resources = { vms: Infinity, memory: Infinity, cores: Infinity }

const each =
  (combine: (one: number, other: number) => number) =>
  (one: Resources, other: Resources): Resources => ({
    vms: combine(one.vms, other.vms),
    memory: combine(one.memory, other.memory),
    cores: combine(one.cores, other.cores)
  })

/** Both together. */
export const plus = each((one, other) => one + other)

/** What the first leaves without the second; below zero where the second has more. */
export const minus = each((one, other) => one - other)

/** The least into which either fits. */
export const most = each(Math.max)

/** All of these together. */
export const sum = (amounts: Iterable<Resources>): Resources => [...amounts].reduce(plus, NONE)

/** Whether there is enough. What needs nothing of a resource fits, however little of it there is. */
export const fits = (needed: Resources, free: Resources): boolean =>
  isEnough(needed.vms, free.vms) && isEnough(needed.memory, free.memory) && isEnough(needed.cores, free.cores)

const isEnough = (needed: number, free: number): boolean => needed === 0 || needed <= free
