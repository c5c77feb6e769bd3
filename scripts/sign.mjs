// Signs a release that was built somewhere else: `RELEASE_KEY=… node scripts/sign.mjs [folder]`, `release/` by default.
// RELEASE_KEY holds the private key, as PEM text. Needs nothing but Node, so that the key is never where packages of others run.
import { join, resolve } from "node:path"
import { privateKeyIn } from "./release/keys.mjs"
import { SIGNATURE, sign } from "./release/signature.mjs"

const folder = resolve(process.argv[2] ?? "release")
try {
  sign(folder, privateKeyIn(process.env.RELEASE_KEY ?? ""))
  console.log(`wrote ${join(folder, SIGNATURE)}`)
} catch ({ message }) {
  console.error(message)
  process.exit(1)
}
