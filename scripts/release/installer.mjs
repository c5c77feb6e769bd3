// install.sh as a release carries it: with its address, its version and the keys that it is signed with.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "../bundle.mjs"

/** Its text; `keys` are public keys as PEM. */
export const installer = ({ version, url, keys }) =>
  Object.entries({ "@URL@": url, "@VERSION@": version, "@KEYS@": keys.join("\n") }).reduce(
    (text, [name, value]) => text.replace(name, () => value),
    readFileSync(join(root, "packaging", "install.sh"), "utf8")
  )
