/** Keys that may be left out. One whose value is blank, as YAML writes it (`user:`), is left out as well. */
import * as Schema from "effect/Schema"

/** None where it is left out. */
export const optional = <A, I, R>(schema: Schema.Schema<A, I, R>) =>
  Schema.optionalWith(schema, { as: "Option", exact: true, nullable: true })

/** `value` where it is left out. */
export const withDefault = <A, I, R>(schema: Schema.Schema<A, I, R>, value: A) =>
  Schema.optionalWith(schema, { exact: true, nullable: true, default: () => value })
