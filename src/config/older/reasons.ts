/** Why keys of older configs are left out, where several are for one reason. */
export const WEBHOOKS = "it was for webhooks, which Anklet 3 does not need"
export const RESOURCES = "with Anklet 3 a job waits until the Mac has the cores and the memory of its VM"
export const MOUNTS = "Anklet 3 mounts no folders of the Mac in a VM"
export const SAME = "false, which is how Anklet 3 does it"
export const NO_EFFECT = "it had no effect"
export const UNKNOWN = "Anklet 2 did not know it either"
export const EMPTY = "it is empty"
