/** The files in a plugin's folder that are added to each VM, all of them optional and the user's own: two scripts and variables. */
import { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Files from "../files/Files.ts"
import { said } from "../files/said.ts"
import * as Additions from "../job/Additions.ts"
import { keep, keepIn } from "../secrets/Secrets.ts"

/** A file that is there and cannot be used. */
export interface Wrong {
  readonly path: string
  /** Whether it is not to be trusted, cannot be read, or does not say what it should. */
  readonly how: "untrusted" | "unreadable" | "unusable"
  readonly why: string
  readonly remedy: string
}

/** Names of variables whose values are secrets. */
const SECRET = /token|secret|passw|passphrase|credential|api_?key|private_?key/i

/** Keeps secrets among the variables out of everything that is shown: passwords of proxies, above all. */
const hide = (variables: Additions.Additions["variables"]) =>
  Effect.sync(() => {
    for (const [name, value] of variables) {
      if (value.includes("://")) keepIn(value)
      if (SECRET.test(name)) keep(value)
    }
  })

/** What a file means; none where it is missing. */
const read = <A>(path: string, meaning: (path: string, bytes: Uint8Array) => Either.Either<A, Additions.Doubt>) =>
  Effect.gen(function* () {
    const bytes = yield* Files.readIfGiven(path)
    if (Option.isNone(bytes)) return Option.none<A>()
    const found = meaning(path, bytes.value)
    return Either.isRight(found)
      ? Option.some(found.right)
      : yield* Effect.fail<Wrong>({ path, how: "unusable", ...found.left })
  }).pipe(
    Effect.catchTags({
      Untrusted: ({ path, why, remedy }) => Effect.fail<Wrong>({ path, how: "untrusted", why, remedy }),
      SystemError: (error) =>
        Effect.fail<Wrong>({ path, how: "unreadable", why: "cannot be read", remedy: `${REMEDY} (${said(error)})` }),
      BadArgument: (error) =>
        Effect.fail<Wrong>({ path, how: "unreadable", why: "cannot be read", remedy: `${REMEDY} (${said(error)})` })
    }),
    Effect.either
  )

const REMEDY = "check its owner and permissions"

/** The additions in a plugin's folder as they are now, and the files of them that cannot be used. */
export const look = Effect.fn("AddedFiles.look")(function* (directory: string) {
  const paths = yield* Path
  const { FILES } = Additions
  const prepare = yield* read(paths.join(directory, FILES.prepare), Additions.script)
  const after = yield* read(paths.join(directory, FILES.after), Additions.script)
  const variables = yield* read(paths.join(directory, FILES.variables), Additions.variables)
  const additions: Additions.Additions = {
    prepare: Option.flatten(Either.getRight(prepare)),
    after: Option.flatten(Either.getRight(after)),
    variables: Option.getOrElse(Option.flatten(Either.getRight(variables)), () => [])
  }
  yield* hide(additions.variables)
  const wrong = [Either.getLeft(prepare), Either.getLeft(after), Either.getLeft(variables)].flatMap(Option.toArray)
  return { additions, wrong }
})

/** Why a file cannot be used, in one sentence without its path. */
export const detailOf = ({ how, why, remedy }: Wrong): string =>
  `${how === "untrusted" ? "is not used, because it " : ""}${why}: ${remedy}`
