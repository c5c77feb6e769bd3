/** Where runners are registered at GitHub. */
import * as Data from "effect/Data"
import * as Schema from "effect/Schema"

/** A repository, an organisation, or an enterprise by its slug. */
export type Level = Data.TaggedEnum<{
  Repository: { readonly owner: string; readonly repo: string }
  Organisation: { readonly owner: string }
  Enterprise: { readonly enterprise: string }
}>

/** Its constructors, and `$match`. */
export const Level = Data.taggedEnum<Level>()

/** A level that has runner groups of its own. */
export type Grouped = Exclude<Level, { readonly _tag: "Repository" }>

const isLevel = (value: unknown): value is Level =>
  Level.$is("Repository")(value) || Level.$is("Organisation")(value) || Level.$is("Enterprise")(value)

const Written = Schema.Union(
  Schema.Struct({ enterprise: Schema.String }),
  Schema.Struct({ owner: Schema.String, repo: Schema.optional(Schema.String) })
)

/** A level as the ledger has it: an owner without a `repo` is an organisation. */
export const WrittenLevel = Schema.transform(Written, Schema.declare(isLevel), {
  strict: true,
  decode: (written): Level =>
    "enterprise" in written
      ? Level.Enterprise(written)
      : written.repo === undefined
        ? Level.Organisation({ owner: written.owner })
        : Level.Repository({ owner: written.owner, repo: written.repo }),
  encode: (level): typeof Written.Type =>
    Level.$match(level, {
      Repository: ({ owner, repo }) => ({ owner, repo }),
      Organisation: ({ owner }) => ({ owner }),
      Enterprise: ({ enterprise }) => ({ enterprise })
    })
})

/** The level's name for people: owner and repository, the organisation, or the enterprise. */
export const nameOf: (level: Level) => string = Level.$match({
  Repository: ({ owner, repo }) => `${owner}/${repo}`,
  Organisation: ({ owner }) => owner,
  Enterprise: ({ enterprise }) => `the enterprise ${enterprise}`
})
