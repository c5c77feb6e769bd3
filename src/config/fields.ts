/** Optional keys. A key with a blank value, as YAML allows (`user:`), counts as absent. */
import * as Schema from "effect/Schema"

/** None if absent. */
export const optional = <A, I, R>(schema: Schema.Schema<A, I, R>) =>
  Schema.optionalWith(schema, { as: "Option", exact: true, nullable: true })

/** `value` if absent. */
export const withDefault = <A, I, R>(schema: Schema.Schema<A, I, R>, value: A) =>
  Schema.optionalWith(schema, { exact: true, nullable: true, default: () => value })

/** Text that a check finds nothing wrong with; its words about what is wrong quote nothing of the text. */
export const checked = (check: (text: string) => string | undefined) =>
  Schema.String.pipe(Schema.filter((text) => check(text) ?? true))
