/** What a transport sends its requests over: connections directly to a server, or through a proxy. */
import type * as http from "node:http"
import { without } from "../../secrets/Secrets.ts"

/**
 * A request that got no complete answer: refused, cut off, timed out, too large, or with a certificate that is not
 * trusted.
 */
export class TransportError extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(without(message))
    this.code = code
  }
}

/** A request, apart from its address. */
export type Given = Pick<http.RequestOptions, "method" | "signal" | "timeout"> & {
  readonly headers: Readonly<Record<string, string>>
}

/** A route to a server, with connections that are kept open. */
export interface Line {
  /** Appended to the server's name in messages; empty for direct connections. */
  readonly name: string
  readonly request: (url: URL, given: Given, take: (response: http.IncomingMessage) => void) => http.ClientRequest
  /** The error for an answer that does not come from the server itself. */
  readonly refusal: (url: URL, status: number) => TransportError | undefined
  /** The error for a failure that is not the server's. */
  readonly failure: (url: URL, error: NodeJS.ErrnoException) => TransportError | undefined
  readonly close: () => void
}
