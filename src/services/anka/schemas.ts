/** Bodies of `anka -j`, read with patience: keys may be missing, empty, or of another type in another version. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** A string that may be missing, null or empty: none in all three cases. */
const Maybe = Schema.optionalWith(
  Schema.transform(Schema.Unknown, Schema.OptionFromSelf(Schema.String), {
    strict: true,
    decode: (value) => (typeof value === "string" && value !== "" ? Option.some(value) : Option.none()),
    encode: Option.getOrNull
  }),
  { default: () => Option.none<string>() }
)

const Word = Schema.optionalWith(Schema.String, { default: () => "" })

/** A number that may come as a string of digits. */
const Bytes = Schema.Union(Schema.Number, Schema.NumberFromString)

const decodeBytes = Schema.decodeUnknownOption(Bytes)

/** Bytes that may be missing, or said in a way that this version does not know: none in both cases. */
const MaybeBytes = Schema.optionalWith(
  Schema.transform(Schema.Unknown, Schema.OptionFromSelf(Schema.Number), {
    strict: true,
    decode: (value) => decodeBytes(value),
    encode: Option.getOrNull
  }),
  { default: () => Option.none<number>() }
)

export const Vm = Schema.Struct({
  uuid: Word,
  name: Schema.String,
  status: Word,
  version: Maybe,
  ip: Maybe,
  ram_size: MaybeBytes
})
/** `anka list`: an array, or nothing at all when there is nothing. */
export const Vms = Schema.Array(Vm)
export const Version = Schema.Struct({ product: Word, version: Schema.String })
export const License = Schema.Struct({ status: Word, license_type: Word })
export const Tags = Schema.Array(Schema.Struct({ tag: Schema.String }))
export const Size = Schema.Struct({
  size: Bytes,
  cached: Schema.optionalWith(Bytes, { default: () => 0 }),
  available: Bytes
})
