/** The forms in which servers, shells and libraries echo a secret that they were sent. Pure. */

/**
 * The characters of a text's base64 that do not depend on the surrounding bytes, if the text begins at this byte of a
 * group of three.
 */
const base64 = (bytes: Buffer, offset: 0 | 1 | 2): string =>
  Buffer.concat([Buffer.alloc(offset), bytes])
    .toString("base64")
    .slice([0, 2, 3][offset], Math.floor(((offset + bytes.length) * 8) / 6))

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;"
}

/** A secret verbatim, and in the encodings that others use. */
export const formsOf = (secret: string): ReadonlyArray<string> => {
  const bytes = Buffer.from(secret)
  const text = bytes.toString()
  const hex = bytes.toString("hex")
  const byBytes = (before: string) => hex.replace(/../g, `${before}$&`)
  /** Escapes by bytes, except for plain characters. */
  const escaped = (from: string, plain: RegExp, before: string) =>
    from.replace(/./gsu, (it) => (plain.test(it) ? it : Buffer.from(it).toString("hex").replace(/../g, `${before}$&`)))
  const json = JSON.stringify(text).slice(1, -1)
  return [
    text,
    encodeURIComponent(text),
    // as a form's field, as the user and password of an address (url.spec.whatwg.org), and with every byte escaped
    escaped(text, /[\w.*-]/, "%").replaceAll("%20", "+"),
    escaped(text, /[\w.~!$&'()*+,-]/, "%"),
    byBytes("%"),
    json,
    // in ASCII only, as JSON, Redis and C write it
    json.replace(/[\u0080-\uffff]/g, (it) => `\\u${it.charCodeAt(0).toString(16).padStart(4, "0")}`),
    escaped(json, /[\u0020-\u007e]/, "\\x"),
    byBytes("\\x"),
    text.replace(/[&<>"']/g, (it) => ENTITIES[it] ?? it),
    // as bash quotes it: in `set -x`, and with `printf %q`
    text.replaceAll("'", "'\\''"),
    text.replace(/[^\w@%+=:,./-]/g, "\\$&"),
    hex,
    base64(bytes, 0),
    base64(bytes, 1),
    base64(bytes, 2)
  ]
}
