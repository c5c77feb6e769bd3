/** A token on its way from a person, or a pipe, into a file of its own. */
import { join } from "node:path"
import * as Prompt from "@effect/cli/Prompt"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Credential from "../../config/Credential.ts"
import * as Files from "../../files/Files.ts"
import { hiding, keep } from "../../secrets/Secrets.ts"
import { readInput } from "../input.ts"

/** A token that cannot be one. The reason does not hold it. */
export class TokenError extends hiding(Schema.TaggedError<TokenError>()("TokenError", { detail: Schema.String })) {
  override get message() {
    return `the token cannot be used: ${this.detail}`
  }
}

const tokenOf = (text: string) =>
  Effect.map(
    Effect.mapError(Credential.token(text), (detail) => new TokenError({ detail })),
    (token) => {
      // from here on the process knows it as a secret
      keep(token)
      return Redacted.make(token)
    }
  )

/** Ask for it at the terminal, which does not show it. */
export const askToken = Effect.flatMap(Prompt.run(Prompt.hidden({ message: "Token (it is not shown)" })), (token) =>
  tokenOf(Redacted.value(token))
)

/** Read it from standard input. */
export const readToken = Effect.flatMap(readInput, tokenOf)

/** The file for a token in a folder. */
export const tokenFileIn = (folder: string): string => join(folder, "token")

/** Write it into a new file for this user alone; fails where the file is there already. */
export const writeToken = (file: string, token: Redacted.Redacted) => Files.create(file, `${Redacted.value(token)}\n`)
