/**
 * Schemas of the bodies of `anka -j`. They are lenient: keys may be missing, empty, or of another type in another
 * version.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Limits from "../../text/Limits.ts"
import { type AnkaVm, UNCLEAR } from "../Anka.ts"
import { each, type Unreadable } from "../Each.ts"

/** The beginning of a word, as much as is kept. */
const kept = (word: string): string => Limits.kept(word, Limits.NAME)

/** A string; none if it is missing, null or empty. */
const Maybe = Schema.optionalWith(
  Schema.transform(Schema.Unknown, Schema.OptionFromSelf(Schema.String), {
    strict: true,
    decode: (value) => (typeof value === "string" && value !== "" ? Option.some(kept(value)) : Option.none()),
    encode: Option.getOrNull
  }),
  { default: () => Option.none<string>() }
)

/** A word; empty if it is missing or something else. */
const Word = Schema.optionalWith(
  Schema.transform(Schema.Unknown, Schema.String, {
    strict: true,
    decode: (value) => (typeof value === "string" ? kept(value) : ""),
    encode: (word) => word
  }),
  { default: () => "" }
)

/** A number, or a string of digits. */
const Bytes = Schema.Union(Schema.Number, Schema.NumberFromString).pipe(
  Schema.filter((bytes) => bytes >= 0 && Number.isFinite(bytes), { description: "a number of bytes" })
)

const decodeBytes = Schema.decodeUnknownOption(Bytes)

/** An amount; none if it is missing, or in a form that this version does not know. */
const MaybeAmount = Schema.optionalWith(
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
  ram_size: MaybeAmount,
  cpu_cores: MaybeAmount
})
const Stated = Schema.compose(Schema.NonEmptyString, Limits.Kept(Limits.NAME))
/** An entry of `anka list`: without a name it is of no use to anyone, and without a status it may be running. */
const Listed = Schema.Struct({ ...Vm.fields, name: Stated, status: Stated })
/** `anka list`: an array, or nothing at all if there is nothing to list. */
export const Vms = each(Listed)
/** What is known of an unreadable entry of `anka list`. */
const Part = Schema.Struct({ uuid: Word, name: Word, status: Word })
const decodePart = Schema.decodeUnknownOption(Part)

/** The unreadable entry as a VM that may be running; none if it says that it is not. */
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
