/** A secret as servers, shells and libraries write it when they echo what they were sent. Pure. */

/** Characters of the base64 of a text that are the same whatever stands around it, where the text begins at this byte of three. */
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

/** A secret as it is, and as others write it. */
export const formsOf = (secret: string): ReadonlyArray<string> => {
  const bytes = Buffer.from(secret)
  const text = bytes.toString()
  const hex = bytes.toString("hex")
  const byBytes = (before: string) => hex.replace(/../g, `${before}$&`)
  /** By its bytes, but for what is plain. */
  const escaped = (from: string, plain: RegExp, before: string) =>
    from.replace(/./gsu, (it) => (plain.test(it) ? it : Buffer.from(it).toString("hex").replace(/../g, `${before}$&`)))
  const json = JSON.stringify(text).slice(1, -1)
  return [
    text,
    encodeURIComponent(text),
    // as a form's field, as the user and password of an address have it (url.spec.whatwg.org), and wholly
    escaped(text, /[\w.*-]/, "%").replaceAll("%20", "+"),
    escaped(text, /[\w.~!$&'()*+,-]/, "%"),
    byBytes("%"),
    json,
    // in ASCII alone, as JSON and as Redis and C have it
    json.replace(/[\u0080-\uffff]/g, (it) => `\\u${it.charCodeAt(0).toString(16).padStart(4, "0")}`),
    escaped(json, /[\u0020-\u007e]/, "\\x"),
    byBytes("\\x"),
    text.replace(/[&<>"']/g, (it) => ENTITIES[it] ?? it),
    // as bash quotes it: in `set -x`, and by `printf %q`
    text.replaceAll("'", "'\\''"),
    text.replace(/[^\w@%+=:,./-]/g, "\\$&"),
    hex,
    base64(bytes, 0),
    base64(bytes, 1),
    base64(bytes, 2)
  ]
}
