/** Whether a text contains a secret, searched for as an attacker would; independent of how the product hides it. */

const hexOf = (bytes: Buffer) => bytes.toString("hex")

/** The part of a secret's base64, at each of the three offsets, that does not depend on its neighbours. */
const base64Of = (secret: string): ReadonlyArray<string> =>
  [0, 1, 2].map((before) =>
    Buffer.from(`${"\0".repeat(before)}${secret}`)
      .toString("base64")
      .slice(4, -4)
  )

/** A part that is long enough to be useful. */
const PART = 20

const parts = (text: string): ReadonlyArray<string> =>
  text.length <= PART
    ? [text]
    : [text.slice(0, PART), text.slice(-PART), ...(text.length > 3 * PART ? [text.slice(PART, 2 * PART)] : [])]

/** The form in which it is found in a text, if it is. */
export const leak = (text: string, secret: string): string | undefined => {
  const joined = text.replace(/\\n|\s/g, "")
  const ways = {
    "as it is": secret,
    "in an address": encodeURIComponent(secret),
    "in JSON": JSON.stringify(secret).slice(1, -1),
    "in hex": hexOf(Buffer.from(secret)),
    ...Object.fromEntries(base64Of(secret).map((it, n) => [`in base64 (${n})`, it]))
  }
  for (const [how, written] of Object.entries(ways)) {
    for (const part of parts(written)) {
      if (part.length < 6) continue
      for (const [where, within] of [
        ["", text],
        [" without white space", joined],
        [" in base64url", joined.replaceAll("-", "+").replaceAll("_", "/")]
      ] as const)
        if (within.includes(part) || within.toLowerCase().includes(part.toLowerCase())) return `${how}${where}: ${part}`
    }
  }
  return undefined
}

/** Ways in which a server or a script may write what it was sent. */
export const ECHOES: Readonly<Record<string, (secret: string) => string>> = {
  plain: (it) => it,
  header: (it) => `Authorization: token ${it}`,
  git: (it) => Buffer.from(`x-access-token:${it}`).toString("base64"),
  base64: (it) => Buffer.from(it).toString("base64"),
  url: (it) => `https://x-access-token:${encodeURIComponent(it)}@github.test/?access_token=${encodeURIComponent(it)}`,
  hex: (it) => hexOf(Buffer.from(it)),
  json: (it) => JSON.stringify({ headers: { authorization: `bearer ${it}` } }),
  folded: (it) => it.replace(/.{30}/g, "$&\n"),
  cut: (it) => `…${it.slice(3)}`,
  halves: (it) => `${it.slice(0, it.length / 2 + 8)}… …${it.slice(it.length / 2 - 8)}`
}
