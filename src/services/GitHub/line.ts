/** What a transport sends its requests on: connections straight to a server, or through a proxy. */
import type * as http from "node:http"
import { without } from "../../secrets/Secrets.ts"

/** A request that got no whole answer: refused, cut off, silent, too large, or a certificate that is not trusted. */
export class TransportError extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(without(message))
    this.code = code
  }
}

/** What a request is besides its address. */
export type Given = Pick<http.RequestOptions, "method" | "signal" | "timeout"> & {
  readonly headers: Readonly<Record<string, string>>
}

/** A way to a server, with connections that are kept. */
export interface Line {
  /** How it is told beside the server's name; empty where nothing lies between. */
  readonly name: string
  readonly request: (url: URL, given: Given, take: (response: http.IncomingMessage) => void) => http.ClientRequest
  /** What an answer means that is not the server's own. */
  readonly refusal: (url: URL, status: number) => TransportError | undefined
  /** What a failure means that is not the server's own. */
  readonly failure: (url: URL, error: NodeJS.ErrnoException) => TransportError | undefined
  readonly close: () => void
}
