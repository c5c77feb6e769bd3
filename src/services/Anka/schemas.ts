/** Bodies of `anka -j`, read with patience: keys may be missing, empty, or of another type in another version. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Limits from "../../text/Limits.ts"
import { type AnkaVm, UNCLEAR } from "../Anka.ts"
import { each, type Unreadable } from "../Each.ts"

/** As much of a word as is kept. */
const kept = (word: string): string => Limits.kept(word, Limits.NAME)

/** A string that may be missing, null or empty: none in all three cases. */
const Maybe = Schema.optionalWith(
  Schema.transform(Schema.Unknown, Schema.OptionFromSelf(Schema.String), {
    strict: true,
    decode: (value) => (typeof value === "string" && value !== "" ? Option.some(kept(value)) : Option.none()),
    encode: Option.getOrNull
  }),
  { default: () => Option.none<string>() }
)

/** A word that may be missing, or be something else: empty then. */
const Word = Schema.optionalWith(
  Schema.transform(Schema.Unknown, Schema.String, {
    strict: true,
    decode: (value) => (typeof value === "string" ? kept(value) : ""),
    encode: (word) => word
  }),
  { default: () => "" }
)

/** A number that may come as a string of digits. */
const Bytes = Schema.Union(Schema.Number, Schema.NumberFromString).pipe(
  Schema.filter((bytes) => bytes >= 0 && Number.isFinite(bytes), { description: "a number of bytes" })
)

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
  name: Limits.Kept(Limits.NAME),
  status: Word,
  version: Maybe,
  ip: Maybe,
  ram_size: MaybeBytes
})
const Stated = Schema.compose(Schema.NonEmptyString, Limits.Kept(Limits.NAME))
/** An entry of `anka list`: one without a name can be used by nobody, and one without a status may be running. */
const Listed = Schema.Struct({ ...Vm.fields, name: Stated, status: Stated })
/** `anka list`: an array, or nothing at all when there is nothing. */
export const Vms = each(Listed)
/** What is known of an entry of `anka list` that cannot be read. */
const Part = Schema.Struct({ uuid: Word, name: Word, status: Word })
const decodePart = Schema.decodeUnknownOption(Part)

/** The entry as a VM of which nobody knows whether it runs; none where it says that it does not. */
export const unclear = ({ place, value }: Unreadable): Option.Option<AnkaVm> => {
  const { uuid, name, status } = Option.getOrElse(decodePart(value), () => ({ uuid: "", name: "", status: "" }))
  return status === "" || status === "running"
    ? Option.some({
        uuid,
        name: name || uuid || `entry ${place} of anka list`,
        status: status || UNCLEAR,
        tag: Option.none(),
        ip: Option.none()
      })
    : Option.none()
}

export const Version = Schema.Struct({ product: Word, version: Limits.Kept(Limits.NAME) })
export const License = Schema.Struct({ status: Word, license_type: Word })
export const Tags = each(Schema.Struct({ tag: Schema.String }))
export const Size = Schema.Struct({
  size: Bytes,
  cached: Schema.optionalWith(Bytes, { default: () => 0 }),
  available: Bytes
})
