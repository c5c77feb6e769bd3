import * as Schema from "effect/Schema"

/** A secret. */
export const Secret = Schema.Redacted(Schema.String)
/** A private key as PEM text, or as the path of a file that holds it. */
export const PrivateKey = Schema.Redacted(Schema.String)
