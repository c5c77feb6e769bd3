/** Where runners are registered at GitHub. */
import * as Data from "effect/Data"
import * as Schema from "effect/Schema"

/** A repository, or an organisation. */
export type Level = Data.TaggedEnum<{
  Repository: { readonly owner: string; readonly repo: string }
  Organisation: { readonly owner: string }
}>

/** Its constructors, and `$match`. */
export const Level = Data.taggedEnum<Level>()

const isLevel = (value: unknown): value is Level => Level.$is("Repository")(value) || Level.$is("Organisation")(value)

/** A level as the ledger has it: without a `repo`, it is an organisation. */
export const WrittenLevel = Schema.transform(
  Schema.Struct({ owner: Schema.String, repo: Schema.optional(Schema.String) }),
  Schema.declare(isLevel),
  {
    strict: true,
    decode: ({ owner, repo }) =>
      repo === undefined ? Level.Organisation({ owner }) : Level.Repository({ owner, repo }),
    encode: Level.$match({
      Repository: ({ owner, repo }) => ({ owner, repo }),
      Organisation: ({ owner }) => ({ owner })
    })
  }
)

/** The level's name at GitHub: the organisation, or owner and repository. */
export const nameOf: (level: Level) => string = Level.$match({
  Repository: ({ owner, repo }) => `${owner}/${repo}`,
  Organisation: ({ owner }) => owner
})
