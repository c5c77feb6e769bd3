/**
 * A connection that can be used before a proxy has established it: written data waits, and destroying it cancels the
 * request to the proxy.
 */
import type { ClientRequest, IncomingMessage } from "node:http"
import type { Socket } from "node:net"
import { Duplex } from "node:stream"

type Done = (error?: Error | null) => void

/** How to interpret a proxy's answer. */
export interface Meaning {
  /** Why it did not connect; undefined if it did. */
  readonly refusal: (status: number) => Error | undefined
  /** Why there was no answer. */
  readonly failure: (error: Error) => Error
  /** Receives the connection to the proxy once it leads to the target. */
  readonly opened: (socket: Socket) => void
}

/** The bytes of a tunnel. */
export class Detour extends Duplex {
  #socket: Socket | undefined
  /** Data that waits for the tunnel: no more than TLS sends before it gets an answer. */
  #waiting: Array<Buffer> = []
  #whenFree: Done | undefined
  readonly #request: ClientRequest

  /** `request` is the CONNECT request, which is sent here. */
  constructor(request: ClientRequest, { refusal, failure, opened }: Meaning) {
    super()
    this.#request = request
    request.once("connect", ({ statusCode = 0 }: IncomingMessage, socket: Socket) => {
      const refused = refusal(statusCode)
      if (refused === undefined) {
        this.#open(socket)
        opened(socket)
      } else {
        socket.destroy()
        this.destroy(refused)
      }
    })
    request.once("error", (error) => this.destroy(failure(error)))
    request.end()
  }

  #open(socket: Socket) {
    this.#socket = socket
    socket.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) socket.pause()
    })
    socket.on("end", () => this.push(null))
    socket.on("error", (error) => this.destroy(error))
    socket.on("close", () => this.destroy())
    socket.on("drain", () => {
      const done = this.#whenFree
      this.#whenFree = undefined
      done?.()
    })
    for (const chunk of this.#waiting) socket.write(chunk)
    this.#waiting = []
  }

  override _read(): void {
    this.#socket?.resume()
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: Done): void {
    const socket = this.#socket
    if (socket === undefined) {
      this.#waiting.push(chunk)
      // a pending write would prevent TLS from ending
      done()
    } else if (socket.write(chunk)) done()
    else this.#whenFree = done
  }

  override _final(done: Done): void {
    if (this.#socket === undefined) done()
    else this.#socket.end(() => done())
  }

  override _destroy(error: Error | null, done: Done): void {
    if (this.#socket === undefined) this.#request.destroy()
    this.#socket?.destroy()
    done(error)
  }
}
