/** The runner group that a config names, by its number at GitHub. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { RegistrationError } from "../../job/RegistrationError.ts"
import type { GitHubClient, GitHubError } from "../../services/GitHub.ts"
import { levelOf, type Part } from "./config.ts"
import { ofGroup } from "./refusal.ts"

/**
 * The number of the group: of one that is named, GitHub is asked each time, because a name may be given to another group.
 * Fails with `Refused` where it has no group of this name.
 */
export const groupOf = (client: GitHubClient, part: Part): Effect.Effect<number, GitHubError | RegistrationError> => {
  const { runner_group: group } = part
  const level = levelOf(part)
  if (typeof group === "number") return Effect.succeed(group)
  const refused = (known: ReadonlyArray<string>) =>
    new RegistrationError({ reason: "Refused", detail: `no runner is registered: ${ofGroup(level, group, known)}` })
  if (level._tag === "Repository") return refused([])
  return Effect.flatMap(client.groups(level, Option.none()), (groups) => {
    const found = groups.find(({ name }) => name.toLowerCase() === group.toLowerCase())
    return found === undefined ? refused(groups.map(({ name }) => name)) : Effect.succeed(found.id)
  })
}
