/** Secrets in the config: given as they are, as `${ENV_NAME}`, or as `file:PATH`. */
import { FileSystem } from "@effect/platform/FileSystem"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as AST from "effect/SchemaAST"
import { expand, home } from "../Home.ts"

const Text = Schema.String.annotations({ message: () => "expected text in quotes" })

const refuse = (ast: AST.AST, message: string) => Effect.fail(new ParseResult.Type(ast, "<redacted>", message))

const fromFile = (path: string, ast: AST.AST) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem
    const file = expand(path, yield* home)
    const text = yield* fs
      .readFileString(file)
      .pipe(
        Effect.catchAll((error) =>
          refuse(ast, `the file ${file} cannot be read (${error._tag === "SystemError" ? error.reason : "bad path"})`)
        )
      )
    const secret = text.replace(/\s+$/, "")
    return secret === "" ? yield* refuse(ast, `the file ${file} is empty`) : Redacted.make(secret)
  })

const fromEnvironment = (name: string, ast: AST.AST) =>
  Effect.flatMap(Effect.option(Config.string(name)), (value) =>
    Option.isSome(value) && value.value !== ""
      ? Effect.succeed(Redacted.make(value.value))
      : refuse(ast, `the environment variable ${name} is not set`)
  )

/** A secret that is kept in the environment. */
const VARIABLE = /^\$\{(\w+)\}$/

const resolve = (text: string, ast: AST.AST) => {
  const [, name] = text.match(VARIABLE) ?? []
  if (name !== undefined) return fromEnvironment(name, ast)
  if (text.startsWith("file:")) return fromFile(text.slice(5), ast)
  return Effect.succeed(Redacted.make(text))
}

const hide = (_: unknown, __: unknown, ast: AST.AST) => refuse(ast, "a secret is not written back")

/** A secret as text, as `${ENV_NAME}`, or as `file:PATH`. Its value is in no error. */
export const Secret = Schema.transformOrFail(Text, Schema.RedactedFromSelf(Schema.String), {
  strict: true,
  decode: (text, _, ast) => resolve(text, ast),
  encode: hide
})

/** A private key as PEM text, or as the path of a file that holds it. */
export const PrivateKey = Schema.transformOrFail(Text, Schema.RedactedFromSelf(Schema.String), {
  strict: true,
  decode: (text, _, ast) =>
    Effect.filterOrElse(
      /-----BEGIN|^file:|^\$\{/.test(text) ? resolve(text, ast) : fromFile(text, ast),
      (key) => Redacted.value(key).includes("-----BEGIN"),
      () => refuse(ast, "expected a private key in PEM form, or the path of its file")
    ),
  encode: hide
})

/** Where a secret is kept if it is not in the config itself; `ast` is the schema of its key, `user` the home folder. Tells nothing of what is no reference. */
export const sourceOf = (
  ast: AST.AST,
  text: string,
  user: string
):
  | { readonly from: "environment"; readonly name: string }
  | { readonly from: "file"; readonly path: string }
  | undefined => {
  const [, name] = text.match(VARIABLE) ?? []
  if (name !== undefined) return { from: "environment", name }
  if (text.startsWith("file:")) return { from: "file", path: expand(text.slice(5), { user }) }
  return ast === PrivateKey.ast && !text.includes("-----BEGIN")
    ? { from: "file", path: expand(text, { user }) }
    : undefined
}
