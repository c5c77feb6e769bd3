/** Top-level keys about the network between here and GitHub: `proxy`, `no_proxy`, `ca`, and which of it VMs get. */
import type { FileSystem } from "@effect/platform/FileSystem"
import type { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { Proxy } from "../network/Proxy.ts"
import { Certificate } from "./Database.ts"
import { optional, withDefault } from "./fields.ts"
import { readsIt } from "./Reference.ts"
import { Address } from "./Secret.ts"

/** A proxy's address, or whether there is one. */
export type Choice = Proxy | boolean

/** Means no proxy, even if the environment names one. */
const NONE = "none"

/** The address of a proxy, which may hold a secret; or `none`, `false` and, where it has a meaning, `true`. */
const choice = (key: string, mayBeTrue: boolean): Schema.Schema<Choice, unknown, FileSystem | Path> =>
  Schema.transformOrFail(Schema.Unknown, Schema.Unknown as Schema.Schema<Choice, unknown>, {
    strict: true,
    decode: (written, _, ast) =>
      Effect.gen(function* () {
        if (written === false || written === NONE) return false
        if (written === true && mayBeTrue) return true
        const refuse = (detail: string) => Effect.fail(new ParseResult.Type(ast, "<redacted>", detail))
        if (typeof written !== "string" || written === "") {
          return yield* refuse(
            `expected the address of a proxy, like http://proxy.example.com:3128, or ${mayBeTrue ? "true or false" : "none"}`
          )
        }
        const address = yield* ParseResult.decodeUnknown(Address)(written)
        const said = Redacted.value(address)
        if (said === NONE || said === "false") return false
        if (said === "true" && mayBeTrue) return true
        const { parse } = yield* Effect.promise(() => import("../network/Proxy.ts"))
        const proxy = parse(said, `\`${key}\` in the config`)
        return typeof proxy === "string" ? yield* refuse(proxy) : proxy
      }),
    encode: (_, __, ast) => ParseResult.fail(new ParseResult.Type(ast, "", "a proxy is not written back"))
  }).annotations(readsIt)

/** Names, addresses and networks, in one text or a list. */
const Names = Schema.Union(Schema.String, Schema.Array(Schema.String)).annotations({
  message: () => "expected names with commas between them, or a list"
})

/** The keys. */
export const fields = {
  proxy: optional(choice("proxy", false)),
  no_proxy: optional(Names),
  ca: optional(Certificate),
  /** What VMs get: `true` is the proxy that this host uses. */
  vm_proxy: withDefault(choice("vm_proxy", true), false),
  vm_ca: withDefault(Schema.Boolean, false)
}

/** The keys as written. */
export const Written = Schema.Struct(fields)
export interface Written extends Schema.Schema.Type<typeof Written> {}

/** Defaults. */
export const UNWRITTEN: Written = {
  proxy: Option.none(),
  no_proxy: Option.none(),
  ca: Option.none(),
  vm_proxy: false,
  vm_ca: false
}

/** The network settings of a config. */
export const of = ({ proxy, no_proxy, ca, vm_proxy, vm_ca }: Written): Written => ({
  proxy,
  no_proxy,
  ca,
  vm_proxy,
  vm_ca
})

/** The entries of `no_proxy` in one text. */
export const joined = (names: string | ReadonlyArray<string>): string =>
  typeof names === "string" ? names : names.join(",")
