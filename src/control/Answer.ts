/** An answer over HTTP. Bodies are made in this file alone, so that no answer contains a secret. */
import * as Schema from "effect/Schema"
import { without } from "../secrets/Secrets.ts"

/** Headers of an answer. */
type Headers = Readonly<Record<string, string>>

/** An answer, ready to be sent; made by the functions of this file only. */
class Answer {
  readonly #status: number
  readonly #headers: Headers
  readonly #body: string
  constructor(status: number, headers: Headers, body: string) {
    this.#status = status
    this.#headers = headers
    this.#body = body
  }
  get status(): number {
    return this.#status
  }
  get headers(): Headers {
    return this.#headers
  }
  get body(): string {
    return this.#body
  }
}

export type { Answer }

/** Keys whose values are words of our own, on which readers depend. */
const OWN: ReadonlySet<string> = new Set(["_tag", "stage", "mode"])

/** A text without secrets. */
export const text = (status: number, body: string, headers: Headers = {}): Answer =>
  new Answer(status, { "content-type": "text/plain; charset=utf-8", ...headers }, without(body))

/** A value as JSON, with its texts as `shown` makes them. */
export const json = <A, I>(schema: Schema.Schema<A, I>, value: A, shown: (text: string) => string = without): Answer =>
  new Answer(
    200,
    { "content-type": "application/json" },
    JSON.stringify(Schema.encodeSync(schema)(value), (key, it: unknown) =>
      typeof it === "string" && !OWN.has(key) ? without(shown(it)) : it
    )
  )

/** A file of this program, as it is. */
export const file = (type: string, content: string): Answer => new Answer(200, { "content-type": type }, content)

/** The same with these headers, where it has none of that name. */
export const withHeaders = ({ status, headers, body }: Answer, more: Headers): Answer =>
  new Answer(status, { ...more, ...headers }, body)
