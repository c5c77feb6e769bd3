/** `services[].database`: the Redis that hosts share, and how to reach it. */
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { optional, withDefault } from "./fields.ts"
import { expand, home } from "./Home.ts"
import { Password, Address as SecretAddress } from "./Secret.ts"

/** A TCP port. */
export const Port = Schema.Int.pipe(Schema.between(1, 65_535))

/** A server's address. */
const Address = Schema.Struct({ host: Schema.String, port: Schema.Number })

/** Defaults. */
export const DEFAULTS = { url: "localhost", port: 6379, database: 0 } as const

const PORT = DEFAULTS.port
const SENTINEL_PORT = 26_379

const isPort = Schema.is(Port)

/** A host name or IP address. A name beyond ASCII is as valid as its Punycode. */
const HOST = /^(?:[\p{L}\p{N}_.-]+|\[[\da-f:.]+\])$/iu

/** A host, and its port if given. */
const addressOf = (text: string): { readonly host: string; readonly port: number | undefined } | undefined => {
  const [, host = "", given] = text.match(/^(\[[^\]]+\]|[^:]+)(?::(\d{1,5}))?$/) ?? []
  const port = given === undefined ? undefined : Number(given)
  if (!HOST.test(host) || (port !== undefined && !isPort(port))) return undefined
  return { host: host.replace(/^\[|\]$/g, ""), port }
}

/** `host` or `host:port`. */
const Node = (port: number) =>
  Schema.transformOrFail(Schema.String, Address, {
    strict: true,
    decode: (text, _, ast) => {
      const address = addressOf(text)
      return address === undefined
        ? ParseResult.fail(
            new ParseResult.Type(
              ast,
              "<redacted>",
              text.includes("://") || text.includes("@")
                ? "expected host:port alone; user, password and tls are keys of their own"
                : "expected host:port"
            )
          )
        : ParseResult.succeed({ host: address.host, port: address.port ?? port })
    },
    encode: ({ host, port }) => ParseResult.succeed(`${host}:${port}`)
  })

/** The text of a PEM file. */
export const Certificate = Schema.transformOrFail(Schema.NonEmptyString, Schema.String, {
  strict: true,
  decode: (file, _, ast) =>
    Effect.gen(function* () {
      const fs = yield* FileSystem
      const paths = yield* Path
      const path = paths.resolve(expand(file, yield* home))
      const refuse = (why: string) => new ParseResult.Type(ast, "<path>", why)
      const text = yield* Effect.mapError(fs.readFileString(path), () => refuse(`the file ${path} cannot be read`))
      return text.includes("-----BEGIN CERTIFICATE")
        ? text
        : yield* Effect.fail(refuse(`the file ${path} holds no certificate in PEM form`))
    }),
  encode: (_, __, ast) => ParseResult.fail(new ParseResult.Type(ast, "", "a certificate is not written back"))
})

/** The keys as written. */
export const Written = Schema.Struct({
  enabled: withDefault(Schema.Boolean, false),
  /** A host name, or a whole `redis://` or `rediss://` address, which may hold user, password, port and database. */
  url: optional(SecretAddress),
  port: optional(Port),
  user: withDefault(Schema.String, ""),
  password: optional(Password),
  database: optional(Schema.Int.pipe(Schema.between(0, 9999))),
  tls: optional(Schema.Boolean),
  ca: optional(Certificate),
  insecure: withDefault(Schema.Boolean, false),
  sentinel: optional(
    Schema.Struct({
      name: Schema.NonEmptyString,
      nodes: Schema.Array(Node(SENTINEL_PORT)).pipe(Schema.minItems(1)),
      user: withDefault(Schema.String, ""),
      password: optional(Password)
    })
  ),
  cluster: optional(Schema.Union(Schema.Boolean, Schema.Array(Node(PORT)).pipe(Schema.minItems(1))))
})

/**
 * A store, resolved. Instances with equal fields are equal, so services that name the same store share its connections.
 */
export class Database extends Schema.Class<Database>("anklet/Database")({
  /** The server, or some nodes of the cluster, or the sentinels. */
  nodes: Schema.DataFromSelf(Schema.Array(Schema.DataFromSelf(Address))),
  user: Schema.String,
  password: Schema.OptionFromSelf(Schema.RedactedFromSelf(Schema.String)),
  database: Schema.Number,
  tls: Schema.Boolean,
  ca: Schema.OptionFromSelf(Schema.String),
  insecure: Schema.Boolean,
  kind: Schema.Literal("single", "sentinel", "cluster"),
  /** The sentinels' name for the master. */
  master: Schema.String,
  sentinelUser: Schema.String,
  sentinelPassword: Schema.OptionFromSelf(Schema.RedactedFromSelf(Schema.String))
}) {
  /** The name of the store for people. */
  override toString() {
    const [first] = this.nodes
    const at = `${first?.host ?? ""}:${first?.port ?? ""}`
    switch (this.kind) {
      case "single":
        return `Redis at ${at}`
      case "cluster":
        return `the Redis cluster at ${at}`
      case "sentinel":
        return `Redis "${this.master}" of the sentinel at ${at}`
    }
  }
}

/** What is wrong with one key, or what was probably meant. */
export interface Mistake {
  readonly path: ReadonlyArray<string>
  readonly message: string
}

/** The parts of an address; undefined for parts it does not contain. */
interface Parsed {
  readonly host: string
  readonly port: number | undefined
  readonly tls: true | undefined
  readonly user: string
  readonly password: string
  readonly database: number | undefined
}

const NO_ADDRESS = "expected a host name, or an address like redis://host:6379 or rediss://host:6379"
const NO_ESCAPE =
  "in user and password write %25 for a percent sign, %40 for @, %2F for a slash, %3A for a colon, %23 for #, %3F for ?; or use the keys user and password"
const PARAMETERS =
  "parameters after ? are not read: write the number of the database as /2, and for everything else the keys beside url"
const FRAGMENT = `text after # is not read; ${NO_ESCAPE}`

const decoded = Option.liftThrowable(({ username, password }: URL) => ({
  user: decodeURIComponent(username),
  password: decodeURIComponent(password)
}))

/**
 * Parses an address, or says what is wrong with it without quoting it. A part that would not be used is an error, never
 * dropped silently.
 */
const ofUrl = (text: string): Parsed | string => {
  const plain = addressOf(text)
  if (plain !== undefined) return { ...plain, tls: undefined, user: "", password: "", database: undefined }
  if (!/^rediss?:\/\/[^\s/]/i.test(text)) return NO_ADDRESS
  // an unescaped password ends the host name for every reader of the address
  const isTorn = /[/?#].*@/.test(text.replace(/^\w+:\/\//, ""))
  if (/\s/.test(text) || !URL.canParse(text)) return isTorn ? NO_ESCAPE : NO_ADDRESS
  const url = new URL(text)
  if (isTorn) return NO_ESCAPE
  if (text.includes("#")) return FRAGMENT
  if (text.includes("?")) return PARAMETERS
  const path = url.pathname.replace(/^\//, "")
  const port = url.port === "" ? undefined : Number(url.port)
  if (!HOST.test(url.hostname) || (port !== undefined && !isPort(port))) return NO_ADDRESS
  if (!/^\d{0,4}$/.test(path)) return "only the number of the database may follow the host, as in redis://host:6379/2"
  const signIn = decoded(url)
  if (Option.isNone(signIn)) return NO_ESCAPE
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port,
    tls: url.protocol === "rediss:" || undefined,
    ...signIn.value,
    database: path === "" ? undefined : Number(path)
  }
}

/** None for an empty text. */
const given = Option.filter<string>((text) => text !== "")

/** The parts that `url` and a separate key both give, with different values. */
const contradictions = (written: typeof Written.Type, url: Parsed): ReadonlyArray<Mistake> => {
  const differs = <A>(key: string, beside: Option.Option<A>, inUrl: Option.Option<A>): ReadonlyArray<Mistake> =>
    Option.isSome(inUrl) && Option.exists(beside, (value) => value !== inUrl.value)
      ? [{ path: [key], message: `\`url\` gives another ${key}: leave it out in one of the two` }]
      : []
  return [
    ...differs("port", written.port, Option.fromNullable(url.port)),
    ...differs("user", given(Option.some(written.user)), given(Option.some(url.user))),
    ...differs("password", given(Option.map(written.password, Redacted.value)), given(Option.some(url.password))),
    ...differs("database", written.database, Option.fromNullable(url.database)),
    ...differs<boolean>("tls", written.tls, Option.fromNullable(url.tls))
  ]
}

/**
 * The resolved store; none if it is not enabled; or what is wrong. No message contains a secret.
 *
 * `broken` are the keys that were invalid by themselves and left out: nothing that depends on them is reported.
 */
export const resolve = (
  written: typeof Written.Type,
  broken: ReadonlySet<PropertyKey> = new Set()
): Option.Option<Database> | ReadonlyArray<Mistake> => {
  if (!written.enabled) return Option.none()
  const mistakes: Array<Mistake> = []
  const wrong = (key: string, message: string) => void mistakes.push({ path: [key], message })
  const text = Option.match(written.url, { onNone: () => DEFAULTS.url, onSome: Redacted.value })
  const address = ofUrl(text)
  const url = typeof address === "string" ? undefined : address
  if (typeof address === "string") wrong("url", address)
  if (url !== undefined) mistakes.push(...contradictions(written, url))
  const hasCluster = Option.exists(written.cluster, (it) => it !== false)
  if (hasCluster && Option.isSome(written.sentinel)) wrong("cluster", "a store has sentinels or is a cluster, not both")
  const isListed = Option.exists(written.cluster, (it) => typeof it !== "boolean")
  const elsewhere = Option.isSome(written.sentinel) ? "sentinel" : isListed ? "cluster" : undefined
  const unused = { url: Option.isSome(written.url), port: Option.isSome(written.port) }
  for (const key of elsewhere === undefined ? [] : (["url", "port"] as const)) {
    if (unused[key])
      wrong(
        key,
        `the servers are those of \`${elsewhere}\`, so it is not used: leave it out; user, password, database and tls are keys of their own`
      )
  }
  const tls = Option.getOrElse(written.tls, () => url?.tls === true)
  const isPlain = !tls && url !== undefined && !broken.has("tls") && !broken.has("url")
  if (isPlain && Option.isSome(written.ca))
    wrong("ca", "a certificate is for TLS: write `tls: true`, or rediss:// in url")
  if (isPlain && written.insecure) wrong("insecure", "it is about TLS: write `tls: true`, or rediss:// in url")
  const database = Option.getOrElse(written.database, () => url?.database ?? DEFAULTS.database)
  if (hasCluster && database !== 0) {
    wrong("database", `a Redis cluster has database 0 only: leave it out, or write 0 instead of ${database}`)
  }
  if (url === undefined || mistakes.length > 0) return mistakes
  const nodes = Option.getOrElse(written.cluster, () => false)
  const sentinel = Option.getOrUndefined(written.sentinel)
  const port = url.port ?? Option.getOrElse(written.port, () => PORT)
  const secret = (password: Option.Option<Redacted.Redacted<string>>) =>
    Option.filter(password, (password) => Redacted.value(password) !== "")
  return Option.some(
    Database.make({
      nodes: Data.array(
        (sentinel?.nodes ?? (typeof nodes === "boolean" ? [{ host: url.host, port }] : nodes)).map(({ host, port }) =>
          Data.struct({ host, port })
        )
      ),
      user: written.user || url.user,
      password: Option.orElse(secret(written.password), () => secret(Option.some(Redacted.make(url.password)))),
      database,
      tls,
      ca: written.ca,
      insecure: written.insecure,
      kind: sentinel === undefined ? (hasCluster ? "cluster" : "single") : "sentinel",
      master: sentinel?.name ?? "",
      sentinelUser: sentinel?.user ?? "",
      sentinelPassword: secret(sentinel?.password ?? Option.none())
    })
  )
}
