/** Which licences allow a host to run CI jobs. Pure. */
import * as Option from "effect/Option"
import type { AnkaLicense } from "../Anka.ts"

/**
 * Licences that may not run CI: Anka Develop is for laptops, and has neither tags nor a registry (Veertu's feature
 * table).
 */
const UNFIT = [".run", ".develop"]

/** What to do about an unsuitable licence. */
export const REMEDY = 'see "anka license show" and activate one with "sudo anka license activate"'

/** What is wrong with a licence, if anything. */
export const unfit = ({ status, type }: AnkaLicense): Option.Option<string> =>
  status !== "valid"
    ? Option.some(`the licence (${type || "none"}) is ${status || "missing"}`)
    : UNFIT.some((ending) => type.endsWith(ending))
      ? Option.some(`the licence (${type || "none"}) is not one for CI`)
      : Option.none()
