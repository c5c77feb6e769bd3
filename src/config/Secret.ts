/** Secrets in the config: given verbatim, as `${ENV_NAME}`, or as `file:PATH`. */
import { FileSystem } from "@effect/platform/FileSystem"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import * as Secrets from "../secrets/Secrets.ts"
import * as Credential from "./Credential.ts"
import { expand, home } from "./Home.ts"
import { problemOf, readsIt, VARIABLE } from "./Reference.ts"

const Text = Schema.String.annotations({
  message: ({ actual }) => (actual === null ? "has no value" : "expected text in quotes")
})

/** Maximum size of a secret, in bytes. */
const SIZE_LIMIT = 64 << 10

const refuse = (ast: AST.AST, message: string) => Effect.fail(new ParseResult.Type(ast, "<redacted>", message))

/** The content of a file. Anything but a regular file is not opened: reading it may never end. */
const contentOf = (file: string, named: string, ast: AST.AST) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem
    const { type, size } = yield* fs.stat(file)
    if (type === "Directory") return yield* refuse(ast, `${named} is a folder; name the file in it`)
    if (type !== "File") return yield* refuse(ast, `${named} is not a regular file`)
    if (size > SIZE_LIMIT)
      return yield* refuse(ast, `${named} is larger than ${SIZE_LIMIT} bytes; this cannot be a secret`)
    const bytes = yield* fs.readFile(file)
    const text = yield* Effect.orElse(
      Either.try(() => new TextDecoder("utf-8", { fatal: true }).decode(bytes)),
      () => refuse(ast, `${named} is not text in UTF-8`)
    )
    return text.includes("\u0000") ? yield* refuse(ast, `${named} is not text`) : text.trimEnd()
  }).pipe(
    Effect.catchIf(
      (error) => error._tag === "SystemError" || error._tag === "BadArgument",
      (error) => refuse(ast, `${named} cannot be read (${error._tag === "SystemError" ? error.reason : "bad path"})`)
    )
  )

const fromFile = (path: string, ast: AST.AST, isTold = Credential.isTellable(path)) =>
  Effect.gen(function* () {
    if (path === "") return yield* refuse(ast, "expected file:PATH, and the path is missing")
    const file = expand(path, yield* home)
    const named = isTold ? `the file ${file}` : "the file that it names"
    const secret = yield* contentOf(file, named, ast)
    if (secret.trim() === "") return yield* refuse(ast, `${named} is empty`)
    const wrong = Credential.notAlone(secret)
    return wrong === undefined ? secret : yield* refuse(ast, `${named}: ${wrong}`)
  })

const fromEnvironment = (name: string, ast: AST.AST) =>
  Effect.flatMap(Effect.option(Config.string(name)), (found) => {
    Secrets.keepName(name)
    const value = Option.getOrUndefined(found)
    const wrong = problemOf(name, value)
    return wrong === undefined ? Effect.succeed(value ?? "") : refuse(ast, wrong)
  })

/** A reference to a file. */
const FILE = /^\s*file:\s*(.*?)\s*$/is

const resolve = (text: string, ast: AST.AST) => {
  const [, name] = text.match(VARIABLE) ?? []
  if (name !== undefined) return fromEnvironment(name, ast)
  const [, path] = text.match(FILE) ?? []
  if (path !== undefined) return fromFile(path, ast)
  const wrong = Credential.halfReference(text.trim())
  return wrong === undefined ? Effect.succeed(text) : refuse(ast, wrong)
}

const hide = (_: unknown, __: unknown, ast: AST.AST) => refuse(ast, "a secret is not written back")

/**
 * A kind of secret: how it is read, how it is validated, and which part of it is hidden from then on. No error contains
 * its value.
 */
const secret = (
  judge: (text: string) => Either.Either<string, string>,
  keep: (text: string) => void = Secrets.keep,
  read: (text: string, ast: AST.AST) => ReturnType<typeof fromFile> = resolve
) =>
  Schema.transformOrFail(Text, Schema.RedactedFromSelf(Schema.String), {
    strict: true,
    decode: (text, _, ast) =>
      Effect.flatMap(read(text, ast), (found) => {
        // also if it turns out to be invalid
        keep(found)
        return Either.match(judge(found), {
          onLeft: (message) => refuse(ast, message),
          onRight: (secret) => {
            keep(secret)
            return Effect.succeed(Redacted.make(secret))
          }
        })
      }),
    encode: hide
  }).annotations(readsIt)

/** A secret as text, as `${ENV_NAME}`, or as `file:PATH`. */
export const Secret = secret(Either.right)

/** An address, given in the same ways, which may hold a password: only that is hidden. */
export const Address = secret(Either.right, Secrets.keepIn)

/** A token, to be sent in a header. */
export const Token = secret(Credential.token)

/** The address of a page that takes what is sent to it, given in the same ways: all but its host is hidden. */
export const WebAddress = secret(Credential.webAddress, Secrets.keepPath)

/** A password on one line. */
export const Password = secret(Credential.password)

/** Whether a text is the path of a private key's file, rather than a key that lost its first line. */
const isPath = (text: string) =>
  text.length < 1024 && Credential.isTellable(text) && /^(~|\.{1,2})?\/|\.\w{1,10}$/.test(text)

const key = (judge: (text: string) => Either.Either<string, string>) =>
  secret(judge, Secrets.keep, (text, ast) =>
    /-----BEGIN|^\s*file:|\$\{/i.test(text) ? resolve(text, ast) : fromFile(text.trim(), ast, isPath(text.trim()))
  )

/** A private key as PEM text, or as the path of a file that holds it. */
export const PrivateKey = key(Credential.privateKey)

/** The private key of a GitHub App, given in the same ways. */
export const AppKey = key(Credential.appKey)

const isKey = (ast: AST.AST): boolean =>
  ast === PrivateKey.ast || ast === AppKey.ast || (AST.isUnion(ast) && ast.types.some(isKey))

/**
 * Where a secret is kept if it is not in the config itself; `ast` is the schema of its key, `user` the home folder.
 * Undefined for a text that is not a reference, which is never quoted.
 */
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
  const [, path] = text.match(FILE) ?? []
  if (path !== undefined) return { from: "file", path: expand(path, { user }) }
  return isKey(ast) && !text.includes("-----BEGIN") ? { from: "file", path: expand(text.trim(), { user }) } : undefined
}
