/** Keys that a test signs with, and the install script that knows them. */
import { generateKeyPairSync, type KeyObject } from "node:crypto"
import { readFileSync } from "node:fs"
import { resolve } from "node:path"

/** The install script of the repository, with placeholders for address, version and keys. */
export const SOURCE = resolve("packaging/install.sh")

/** A pair of the kind that releases are signed with; `pem` is the public half. */
export interface Keys {
  readonly privateKey: KeyObject
  readonly pem: string
}

export const keyPair = (namedCurve = "prime256v1"): Keys => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve })
  return { privateKey, pem: publicKey.export({ type: "spki", format: "pem" }).toString().trim() }
}

/** The install script of a release of that version, signed with one of these keys. */
export const packaged = (version: string, keys: ReadonlyArray<string>): string =>
  readFileSync(SOURCE, "utf8").replace("@VERSION@", version).replace("@KEYS@", keys.join("\n"))
