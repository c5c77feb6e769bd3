/** Why a text is not the secret that it should be, in words that quote none of it. Pure. */
import { createPrivateKey } from "node:crypto"
import * as Either from "effect/Either"
import * as Option from "effect/Option"

/** A secret ready for use, or what is wrong with it. */
type Judged = Either.Either<string, string>

const wrong = (message: string): Judged => Either.left(message)

/** A line of a file of variables, for a shell or a container. */
const ASSIGNMENT = /^(?:export\s+)?(?:[A-Z][A-Z0-9_]+|token|password|secret)\s*=\s*[^=\s]/
/** A name that begins like one of GitHub's tokens is probably a token, and must not be shown. */
const TOKEN_LIKE = /^(gh[a-z]_|github_pat_)/i

/** Base64, in which a key is written: it has slashes too, so that a line of it may look like a path. */
const BASE64_RUN = /[A-Za-z0-9+/]{40,}/g

const isKeyLike = (text: string): boolean =>
  (text.match(BASE64_RUN) ?? []).some((run) => /[a-z]/.test(run) && /[A-Z]/.test(run) && /[0-9]/.test(run))

/** Whether the name of a variable or a file may be shown: someone may have written the secret itself in its place. */
export const isTellable = (name: string): boolean => !TOKEN_LIKE.test(name) && !isKeyLike(name)

const ONLY_WHOLE =
  "only a whole value can be a reference, ${NAME} or file:PATH; keep a secret that contains ${ in a file of its own"

/** What is wrong with a text that is meant to be a reference but is not one; undefined for other texts. */
export const halfReference = (text: string): string | undefined => {
  if (/^\$\{\w*[^\w}][^}]*\}$/.test(text)) return "expected ${NAME} alone: defaults and the like are not read"
  if (text.includes("${")) return ONLY_WHOLE
  if (/^\$[A-Z_][A-Z0-9_]*$/.test(text)) return "write the name of an environment variable in braces: ${NAME}"
  if (/^\$\(.*\)$|^`.*`$/s.test(text)) return "commands are not run: write file:PATH, or ${NAME}"
  return undefined
}

/** What is wrong with the content of a secret's file that holds an assignment; undefined for other texts. */
export const notAlone = (text: string): string | undefined =>
  ASSIGNMENT.test(text) ? "expected the secret alone, not NAME=value" : undefined

/** Characters that nobody puts into a password on purpose: usually an editor or a second line left them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are looked for
const CONTROL = /[\u0000-\u001f\u007f\u2028\u2029]/

/** An address that begins with `http://` or `https://`. */
export const webAddress = (text: string): Judged => {
  const trimmed = text.trim()
  return /^https?:\/\/\S+$/i.test(trimmed) && URL.canParse(trimmed)
    ? Either.right(trimmed)
    : wrong("expected an address that begins with https://")
}

/** A password: any text on one line. Empty: none. */
export const password = (text: string): Judged => {
  if (text !== "" && text.trim() === "") return wrong("it is blank")
  if (/[\r\n\u2028\u2029]/.test(text)) return wrong("it contains a line break")
  return CONTROL.test(text) ? wrong("it contains a control character") : Either.right(text)
}

const QUOTED = /^["'`\u2018-\u201f\u00ab\u00bb\u2039\u203a]|["'`\u2018-\u201f\u00ab\u00bb\u2039\u203a]$/
const PLACEHOLDER =
  /^(?:gh[a-z]_|github_pat_)?(?:x{3,}|\.{3,}|\*{3,}|\u2026)$|^<.*>$|^(?:change_?me|todo)$|^(?:your|my)[-_ ].*token/i

/** A token, to be sent in a header: visible ASCII in one word. White space around it is removed. */
export const token = (given: string): Judged => {
  const text = given.replace(/^[\s\ufeff]+|[\s\ufeff]+$/g, "")
  if (text === "") return wrong("it is empty")
  if (PLACEHOLDER.test(text)) return wrong("this stands for a token: write the token itself")
  if (/^(bearer|token|basic)\s/i.test(text)) return wrong("write the token alone, without a word before it")
  if (/[\r\n]/.test(text)) return wrong("it contains a line break: write the token in one line")
  if (QUOTED.test(text)) return wrong("it contains quotes: write the token without them")
  if (/\s/.test(text)) return wrong("it contains white space: write the token in one word")
  if (/^(~|\.{0,2})\//.test(text)) return wrong("this is a path: write file:PATH")
  if (/^\w+=[^=]/.test(text)) return wrong("expected the token alone, not NAME=value")
  return /^[\w.~+/=-]+$/.test(text)
    ? Either.right(text)
    : wrong("it contains a character that no token has: copy it again")
}

const labelOf = (text: string) => text.match(/-----BEGIN ([A-Z0-9 ]+)-----/)?.[1]

const NO_PEM = "expected a private key in PEM form, or the path of its file"

const parsed = Option.liftThrowable((pem: string) => createPrivateKey(pem))

/** What was given instead of a private key. */
const notThis = (text: string): string => {
  const label = labelOf(text) ?? ""
  if (/PUBLIC KEY/.test(label)) return "this is a public key: give the private key that belongs to it"
  if (/CERTIFICATE/.test(label)) return "this is a certificate: give the private key alone"
  if (/OPENSSH/.test(label)) return "this is a key for SSH, and not in PEM form"
  if (/PRIVATE KEY/.test(label)) return "it is incomplete: give all of the PEM file, from its BEGIN to its END line"
  return /^\s*LS0tLS1CRUdJTi/.test(text) ? "this is PEM encoded in base64: give the PEM itself" : NO_PEM
}

/**
 * A private key as PEM text.
 *
 * Its lines may have been joined, indented, ended as on Windows, or separated by the two characters `\
 * `, as is common in environment variables.
 */
export const privateKey = (given: string): Judged => {
  const text = given.replace(/\\r\\n|\\n/g, "\n")
  const [, label = "", inner = ""] =
    text.match(/-----BEGIN ((?:RSA |EC |DSA |ENCRYPTED )?PRIVATE KEY)-----([\s\S]*?)-----END \1-----/) ?? []
  if (label === "") return wrong(notThis(text))
  if (label.startsWith("ENCRYPTED") || /Proc-Type:.*ENCRYPTED/.test(inner))
    return wrong(
      "it is protected by a passphrase, which nobody is there to enter: `openssl rsa -in FILE -out NEW` takes it off"
    )
  const body = inner.replace(/\s+/g, "").replace(/(.{64})/g, "$1\n")
  const pem = `-----BEGIN ${label}-----\n${body.trimEnd()}\n-----END ${label}-----\n`
  return Option.isSome(parsed(pem)) ? Either.right(pem) : wrong("it is damaged: give the PEM file as it was made")
}

/** The private key of a GitHub App, which is RSA (docs.github.com/apps, "Managing private keys for GitHub Apps"). */
export const appKey = (given: string): Judged =>
  Either.filterOrLeft(
    privateKey(given),
    (pem) => Option.exists(parsed(pem), ({ asymmetricKeyType }) => asymmetricKeyType === "rsa"),
    () => "it is no RSA key: give the private key that GitHub made for the App"
  )
