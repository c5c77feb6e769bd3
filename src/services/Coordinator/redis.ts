/** The coordinator of many hosts, over Redis. */
import type { Database } from "../../config/Database.ts"
import { connect } from "./redis/store.ts"
import * as shared from "./shared.ts"

/** Connect to a Redis for these services. Returns at once; what needs the store fails with `Unavailable` until it answers. */
export const make = (database: Database, services: ReadonlyArray<string>, rhythm?: shared.Rhythm) =>
  shared.make((back) => connect(database, back), services, rhythm)
