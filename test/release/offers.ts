/** A server of releases on this machine, and what it offers. */
import { createHash, sign } from "node:crypto"
import { readFileSync } from "node:fs"
import type { IncomingHttpHeaders, ServerResponse } from "node:http"
import { createServer } from "node:https"
import type { AddressInfo } from "node:net"
import type { Certificates } from "../store/server.ts"
import { type Keys, keyPair } from "./keys.ts"

/** The server of releases. */
export interface Offers {
  /** Address of the folder with the newest release. */
  readonly url: string
  /** What releases are signed with, unless a test signs one with another key. */
  readonly keys: Keys
  /** What it answers, by path: a file, or an answer of its own. */
  readonly files: Map<string, string | Buffer | ((response: ServerResponse) => void | Promise<void>)>
  /** The requests that it got. */
  readonly asked: Array<{ readonly path: string; readonly headers: IncomingHttpHeaders }>
  /** Offers these programs by their names, and nothing else; the list of their checksums is signed. */
  readonly offer: (programs: Readonly<Record<string, string>>, key?: Keys) => void
  readonly close: () => Promise<void>
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex")

/** Starts a server with this certificate, which offers nothing yet. */
export const start = async (tls: Certificates): Promise<Offers> => {
  const keys = keyPair()
  const files: Offers["files"] = new Map()
  const asked: Offers["asked"] = []
  const server = createServer(
    { key: readFileSync(tls.key), cert: readFileSync(tls.cert) },
    ({ url = "", headers }, response) => {
      asked.push({ path: url, headers })
      const found = files.get(url)
      if (found === undefined) response.writeHead(404).end()
      else if (typeof found === "function") void found(response)
      else response.end(found)
    }
  )
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    keys,
    files,
    asked,
    offer: (programs, { privateKey } = keys) => {
      const list = Object.entries(programs).map(([name, text]) => `${sha256(text)}  ${name}\n`)
      files.clear()
      for (const [name, text] of Object.entries(programs)) files.set(`/${name}`, text)
      files.set("/SHA256SUMS", list.join(""))
      files.set("/SHA256SUMS.sig", sign("sha256", Buffer.from(list.join("")), privateKey))
    },
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    }
  }
}
