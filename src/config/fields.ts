/** Optional keys. A key with a blank value, as YAML allows (`user:`), counts as absent. */
import * as Schema from "effect/Schema"

/** None if absent. */
export const optional = <A, I, R>(schema: Schema.Schema<A, I, R>) =>
  Schema.optionalWith(schema, { as: "Option", exact: true, nullable: true })

/** `value` if absent. */
export const withDefault = <A, I, R>(schema: Schema.Schema<A, I, R>, value: A) =>
  Schema.optionalWith(schema, { exact: true, nullable: true, default: () => value })
