// The keys that sign a release. install.sh contains their public halves; the private ones are not in this repository.
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto"
import { readFileSync } from "node:fs"

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g

/** One key and, during a change of keys, the next one. */
const AT_MOST = 2

/** The kind of key that a Mac's own openssl can verify with: ECDSA on P-256. LibreSSL 3.3 has no Ed25519. */
const CURVE = { namedCurve: "prime256v1" }

/** The public half of a key, as PEM. */
export const pemOf = (key) => {
  const half = key.type === "public" ? key : createPublicKey(key)
  return half.export({ type: "spki", format: "pem" }).trim()
}

/**
 * The public keys in a text, each as PEM; fails for a key that install.sh could not use, and for a private key, which
 * belongs in a safe.
 */
export const publicKeysIn = (text, where) => {
  const keys = [...text.matchAll(BLOCK)].map(([pem, kind]) => {
    if (kind !== "PUBLIC KEY") throw new Error(`${where} holds a ${kind}: only public keys belong there`)
    const key = createPublicKey(pem)
    if (key.asymmetricKeyDetails?.namedCurve !== CURVE.namedCurve)
      throw new Error(`${where} holds a key of another kind than ECDSA on P-256: a Mac's openssl may not know it`)
    return pemOf(key)
  })
  if (keys.length === 0) throw new Error(`${where} holds no public key`)
  if (keys.length > AT_MOST) throw new Error(`${where} holds ${keys.length} keys, not one or two`)
  return keys
}

/** The keys of the project; fails if there is none. */
export const publicKeys = (file) => {
  let text
  try {
    text = readFileSync(file, "utf8")
  } catch {
    throw new Error(
      `${file} cannot be read: install.sh would have no key to check a release with; docs/release.md says how to make one`
    )
  }
  return publicKeysIn(text, file)
}

/** The private key in a text; an error does not quote it. */
export const privateKeyIn = (text) => {
  try {
    return createPrivateKey(text)
  } catch {
    throw new Error("RELEASE_KEY must hold a private key as PEM text, without a passphrase")
  }
}

/** A private key for what stays on this machine. */
export const newKey = () => generateKeyPairSync("ec", CURVE).privateKey
