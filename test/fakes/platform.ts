/** Files and paths of the machine, for tests that touch real ones. */
import * as Node from "@effect/platform-node/NodeContext"

export const NodeContext = Node.layer
