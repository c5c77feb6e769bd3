/** The secrets in a config of any version, so that the config can be shown without them. Pure. */
import { isScalar, parseDocument, type Scalar, visit } from "yaml"
import { HIDDEN, withoutUser } from "../Setting.ts"
import { keyOf } from "./edit.ts"

/** Names of keys that hold secrets. */
const SECRET = /token|secret|passw|passphrase|credential|key$/i
/** A secret that a comment holds, as a key that was taken out, or by GitHub's prefixes. */
const IN_COMMENT = /(?<=(?:token|secret|passw\w*|key)\s*[:=]\s*)\S.*|\b(?:gh[a-z]|github_pat)_\w+|-----BEGIN[\s\S]*/gi
/** A secret that is known by its look, whatever its key. */
const BY_ITSELF = /\b(gh[a-z]|github_pat)_\w{16}|-----BEGIN/
/** What names a secret and is none: a variable, a file. */
const REFERENCE = /^\s*(\$\{\w+\}|file:.*|(~|\.{0,2})\/[\w./~ -]*|[\w./-]+\.pem)\s*$/

const shownAs = (key: string, { value }: Scalar): string | undefined => {
  if (value === null || value === "" || typeof value === "boolean") return undefined
  const text = String(value)
  if (BY_ITSELF.test(text)) return HIDDEN
  if (SECRET.test(key)) return REFERENCE.test(text) ? undefined : HIDDEN
  if (key === "url" && text.includes("@") && !text.includes("://")) return HIDDEN
  const shown = withoutUser(text)
  return shown === text ? undefined : shown
}

const withoutComment = (comment: string) => comment.replaceAll(IN_COMMENT, HIDDEN)

/** The text of a config without its secrets. Names of variables and files that hold a secret stay. */
export const withoutSecrets = (text: string): string => {
  const document = parseDocument(text, { merge: true })
  if (document.commentBefore != null) document.commentBefore = withoutComment(document.commentBefore)
  if (document.comment != null) document.comment = withoutComment(document.comment)
  visit(document, {
    Node: (_, node) => {
      if (node.commentBefore != null) node.commentBefore = withoutComment(node.commentBefore)
      if (node.comment != null) node.comment = withoutComment(node.comment)
    },
    Pair: (_, pair) => {
      const hide = (value: unknown) => {
        const shown = isScalar(value) ? shownAs(keyOf(pair), value) : undefined
        if (!isScalar(value) || shown === undefined) return
        value.value = shown
        delete value.type
      }
      hide(pair.value)
    }
  })
  return document.toString({ lineWidth: 0 })
}
