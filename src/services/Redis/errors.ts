/** What a failure of Redis, or an answer that is an error, means for a person, and what to do about it. */
import * as Schema from "effect/Schema"
import type { Database } from "../../config/Database.ts"
import { hiding, without } from "../../secrets/Secrets.ts"
import * as Limits from "../../text/Limits.ts"

/** Redis did not do what it was asked. Never holds a password. */
export class RedisError extends hiding(
  Schema.TaggedError<RedisError>()("RedisError", {
    /** `Unavailable`: it is away, or cannot for now. `Refused`: it will not until a person changes something. */
    reason: Schema.Literal("Unavailable", "Refused"),
    detail: Schema.String
  })
) {
  override get message() {
    return this.detail
  }
}

/** What the client says of its own state, which tells a person nothing. */
const JARGON = /isn't writeable|Connection is closed|max retries per request/

/** What a failure of the connection means, for a person. */
const away = (database: Database, said: string): RedisError => {
  const of = (reason: RedisError["reason"], detail: string) =>
    new RedisError({ reason, detail: `${database} ${detail}` })
  if (/ECONNREFUSED/.test(said))
    return of("Unavailable", "refuses connections: start it, or check url and port under `database`")
  if (/ENOTFOUND|EAI_AGAIN/.test(said))
    return of("Unavailable", "has a name that is not known: check `database.url` and DNS")
  if (/SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|self.signed|unable to verify|unable to get/i.test(said)) {
    return of("Refused", "has a certificate that is not trusted: give its authority's file as `database.ca`")
  }
  if (/CERT_|ERR_TLS|altname|certificate/i.test(said))
    return of("Refused", `has a certificate that does not fit: ${said}`)
  if (/wrong version number|ERR_SSL|EPROTO|packet length/i.test(said)) {
    return of("Refused", "does not speak TLS on this port: check `database.tls` and `port`")
  }
  if (/WRONGPASS|NOAUTH|invalid (username-)?password|without any password/i.test(said)) {
    return of("Refused", "refuses the sign-in: check `database.user` and `database.password`")
  }
  if (/cluster support disabled/i.test(said)) {
    return of("Refused", "is no cluster: leave `cluster` out under `database`")
  }
  if (/All sentinels are unreachable/i.test(said)) {
    return of(
      "Unavailable",
      "cannot be found: no sentinel answers, or none knows that master; check `database.sentinel`"
    )
  }
  return of(
    "Unavailable",
    `does not answer${said === "" || JARGON.test(said) ? "" : ` (${said})`}: check that it runs and can be reached from here${database.tls ? ", and that it speaks TLS on this port" : ""}`
  )
}

/** Whether an error says that the server has no database of the number that was asked for. */
export const isNoDatabase = (said: string): boolean => /DB index|SELECT is not allowed/i.test(said)

/** What a server quotes of a command: `ERR unknown command 'AUTH', with args beginning with: 'secret'`. */
const ARGUMENTS = /,? *with args beginning with:.*/is

/** What a server said, without what it quotes of a command: to AUTH, that is the password, however short. */
export const unquoted = (said: string): string => said.replace(ARGUMENTS, "")

/** A shell command that deletes these keys, which have one beginning. */
const deletion = (database: Database, keys: ReadonlyArray<string>): string => {
  const [first = ""] = keys
  const begin = first.slice(0, first.lastIndexOf(":") + 1)
  const endings = keys.map((key) => key.slice(begin.length))
  return `redis-cli${database.database === 0 ? "" : ` -n ${database.database}`} DEL '${begin}'{${endings.join(",")}}`
}

/** What an answer that is an error means, for a person. `lastError`: the last one of the connection. `keys`: those of the command. */
export const explain = (
  database: Database,
  error: Error,
  lastError: string,
  keys: ReadonlyArray<string> = []
): RedisError => {
  const said = without(unquoted(error.message)).slice(0, Limits.WORDS)
  const of = (reason: RedisError["reason"], detail: string) =>
    new RedisError({ reason, detail: `${database} ${detail}` })
  if (/^NOPERM/.test(said)) {
    return of(
      "Refused",
      `does not let this user do all it must (${said}): grant it "~anklet:* &anklet:* +@all -@admin -@dangerous +info", for example`
    )
  }
  if (/^MOVED/.test(said) && database.kind !== "cluster") {
    return of("Refused", "is a node of a cluster: write `cluster: true` under `database`")
  }
  if (/^OOM/.test(said))
    return of("Unavailable", "is out of memory: raise its maxmemory; what runs goes on, nothing new is taken")
  if (/^MISCONF/.test(said)) return of("Unavailable", "cannot save to its disk: free some space there")
  if (/^READONLY/.test(said))
    return of("Unavailable", "is a read-only replica: give the master's address, or its sentinels")
  if (/^NOREPLICAS/.test(said))
    return of("Unavailable", "has fewer replicas than its min-replicas-to-write: bring them back")
  if (
    /^(CLUSTERDOWN|LOADING|MASTERDOWN|TRYAGAIN|MOVED|ASK|BUSY)/.test(said) ||
    /Failed to refresh slots|ClusterAllFailed/.test(said)
  ) {
    return of("Unavailable", `cannot answer now (${said}); it is asked again`)
  }
  if (isNoDatabase(said)) return of("Refused", "has no database of this number: check `database.database`")
  if (/WRONGTYPE/.test(said)) {
    return of(
      "Refused",
      `has a key of another kind where Anklet keeps its own: another program wrote there. Delete them all, which is safe at any time, as every Mac reports again what it holds: ${deletion(database, keys)}`
    )
  }
  if (/SCRIPT|unknown command|ERR /i.test(said))
    return of("Refused", `finds our request wrong (${said}): is it a Redis of version 7 or later?`)
  if (/Command timed out/.test(said)) return away(database, "no answer within 2 seconds")
  return away(database, lastError || said)
}
