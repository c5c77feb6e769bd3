/** Checks the registries that templates are pulled from: that they answer, and what their addresses tell others. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Address from "../config/Address.ts"
import * as Finding from "../domain/Finding.ts"
import { span } from "../domain/Format.ts"
import { Anka } from "../services/Anka.ts"
import type { Check } from "./HostFacts.ts"

export const KINDS = {
  "registry-away": {
    level: "warning",
    why: "Templates and tags that are not on this Mac cannot be pulled, and their jobs wait.",
    remedy: "check that the registry runs and can be reached, and `registry_url`"
  },
  "registry-none": {
    level: "note",
    why: "Only templates that are on this Mac can be used, and only by jobs that name their tag.",
    remedy: "`anka registry add NAME URL`, or `registry_url` in the config"
  },
  "registry-plain": {
    level: "note",
    why: "Who is on the way can put another template in place of the one that is pulled, and see what is pulled.",
    remedy: "use a network that you trust, or write `registry_url` with https://"
  },
  "registry-secret": {
    level: "warning",
    why: "The address is an argument of `anka`: every user of this Mac can read it in the list of processes.",
    remedy: "sign in with `anka registry add`, and write the registry's name as `registry_url`"
  }
} as const satisfies Finding.Kinds

const found = Finding.about("registry", KINDS)

/** An answer that did not come by then is not worth waiting for. */
const SOON = Duration.seconds(15)

const answers = Effect.fnUntraced(function* (registry: Option.Option<string>) {
  const anka = yield* Anka
  const name = Option.match(registry, { onNone: () => "Anka's default registry", onSome: Address.withoutUsers })
  const answer = yield* Effect.either(Effect.timeoutOption(anka.registry(registry), SOON))
  if (Either.isRight(answer)) {
    return Option.isSome(answer.right)
      ? [Finding.ok("registry", `${name} answers`)]
      : [found("registry-away", `${name} does not answer within ${span(SOON)}`)]
  }
  const { reason } = answer.left
  const message = Address.withoutUsers(answer.left.message)
  if (/no registry configured/i.test(message)) return [found("registry-none", "Anka has no default registry")]
  // without `anka` there is worse to tell
  return reason === "Missing" ? [] : [found("registry-away", `${name}: ${message}`)]
})

/** What the address of a registry tells others; of one that may hold a secret, only the origin is quoted. */
export const judged = (registry: Option.Option<string>): ReadonlyArray<Finding.Finding> => {
  const address = Option.flatMap(registry, Address.parsed)
  return [
    ...Option.toArray(Option.filter(address, Address.isPlain)).map(({ origin }) =>
      found("registry-plain", `\`registry_url\` ${origin} is reached without TLS`)
    ),
    ...Option.toArray(Option.filter(address, Address.holdsSecret)).map(({ origin }) =>
      found("registry-secret", `\`registry_url\` ${origin} has a user, a password or parameters in it`)
    )
  ]
}

/** Looks at the registry of each service, and at one that several share once. */
export const registry: Check = {
  subject: "registry",
  run: ({ services }) => {
    const registries = new Map(services.map(({ registry }) => [Option.getOrElse(registry, () => ""), registry]))
    return Effect.map(Effect.forEach(registries.values(), answers, { concurrency: 4 }), (found) => [
      ...found.flat(),
      ...[...registries.values()].flatMap(judged)
    ])
  }
}
