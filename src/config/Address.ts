/** Addresses in the config: what is wrong with one, and what it tells others by itself. */
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import { isLoopback } from "../network/bypass.ts"
import * as Secrets from "../secrets/Secrets.ts"
import { checked } from "./fields.ts"
import { HIDDEN } from "./Setting.ts"

/** What is wrong with an address; `parts` are those that would be dropped in silence. */
export const problemOf = (text: string, parts: ReadonlyArray<"credentials" | "parameters" | "fragment">) => {
  Secrets.keepIn(text)
  if (!/^https?:\/\/[^\s/]/i.test(text) || /\s/.test(text) || !URL.canParse(text)) {
    return "expected an address that begins with https:// or http://"
  }
  const { username, password } = new URL(text)
  if (parts.includes("credentials") && (username !== "" || password !== ""))
    return "a user or password in the address is not used: take it out"
  if (parts.includes("parameters") && text.includes("?")) return "what stands behind ? is not used: take it out"
  return parts.includes("fragment") && text.includes("#") ? "what stands behind # is not used: take it out" : undefined
}

/** A registry of templates: the name that Anka has for it, or its address, of which Anka is handed all. */
export const Registry: Schema.Schema<string> = checked((text) => {
  if (text.trim() === "") return "expected the address of a registry, or the name that Anka has for it"
  return text.includes("://") ? problemOf(text, ["fragment"]) : undefined
})

/** A text as an address; none for a registry that is called by the name that Anka has for it. */
export const parsed = (text: string): Option.Option<URL> =>
  URL.canParse(text) ? Option.some(new URL(text)) : Option.none()

/** Whether there is a password in it, or a part that may be one. */
export const holdsSecret = ({ username, password, search }: URL): boolean =>
  username !== "" || password !== "" || search !== ""

/** Whether it is reached over the network without TLS. */
export const isPlain = ({ protocol, hostname }: URL): boolean => protocol === "http:" && !isLoopback(hostname)

/** A text without the users, passwords and parameters of the addresses in it. */
export const withoutUsers = (text: string): string =>
  text.replaceAll(/(?<=:\/\/)[^\s/]*@/g, `${HIDDEN}@`).replaceAll(/(?<=:\/\/[^\s?]*\?)[^\s"'`]+/g, HIDDEN)
