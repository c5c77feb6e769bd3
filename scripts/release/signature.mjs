// The signature of a release: over SHA256SUMS, which names every file with its version and its sum.
import { createHash, sign as signatureOf } from "node:crypto"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pemOf, publicKeysIn } from "./keys.mjs"

/** The checksums, and their signature. */
export const SUMS = "SHA256SUMS"
export const SIGNATURE = `${SUMS}.sig`

/**
 * Signs a release with a private key; fails if files differ from their checksums, or if the release's own install.sh
 * does not know the key.
 */
export const sign = (folder, key) => {
  const sums = readFileSync(join(folder, SUMS))
  const listed = new Map(
    sums
      .toString()
      .split("\n")
      .filter(Boolean)
      .map((line) => [line.slice(66), line.slice(0, 64)])
  )
  for (const name of readdirSync(folder)) {
    if (name === SUMS || name === SIGNATURE) continue
    const sum = createHash("sha256")
      .update(readFileSync(join(folder, name)))
      .digest("hex")
    if (listed.get(name) !== sum) throw new Error(`${name} is not what ${SUMS} says: nothing is signed`)
    listed.delete(name)
  }
  const [missing] = listed.keys()
  if (missing !== undefined) throw new Error(`${missing} is not there: nothing is signed`)
  const known = publicKeysIn(readFileSync(join(folder, "install.sh"), "utf8"), "install.sh")
  if (!known.includes(pemOf(key))) throw new Error("install.sh does not know this key: nothing is signed")
  writeFileSync(join(folder, SIGNATURE), signatureOf("sha256", sums, key))
}
