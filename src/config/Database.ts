/** `services[].database`: which Redis hosts share, and how it is reached. */
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { expand, home } from "../Home.ts"
import { Secret } from "./Secret.ts"

const optional = <A, I, R>(schema: Schema.Schema<A, I, R>) => Schema.optionalWith(schema, { as: "Option", exact: true })
const withDefault = <A, I, R>(schema: Schema.Schema<A, I, R>, value: A) =>
  Schema.optionalWith(schema, { exact: true, default: () => value })

/** A TCP port. */
export const Port = Schema.Int.pipe(Schema.between(1, 65_535))

/** A server's address. */
const Address = Schema.Struct({ host: Schema.String, port: Schema.Number })
type Address = typeof Address.Type

/** What is meant where nothing is written. */
export const DEFAULTS = { url: "localhost", port: 6379, database: 0 } as const

const PORT = DEFAULTS.port
const SENTINEL_PORT = 26_379

const isPort = Schema.is(Port)

const addressOf = (text: string, port: number): Address | undefined => {
  const [, host, given] = text.match(/^(\[[^\]]+\]|[^:\s/]+)(?::(\d{1,5}))?$/) ?? []
  const at = Number(given ?? port)
  return host === undefined || !isPort(at) ? undefined : { host: host.replace(/^\[|\]$/g, ""), port: at }
}

/** `host` or `host:port`. */
const Node = (port: number) =>
  Schema.transformOrFail(Schema.String, Address, {
    strict: true,
    decode: (text, _, ast) => {
      const address = addressOf(text, port)
      return address === undefined
        ? ParseResult.fail(new ParseResult.Type(ast, text, "expected host:port"))
        : ParseResult.succeed(address)
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
      const refuse = (why: string) => new ParseResult.Type(ast, file, why)
      const text = yield* Effect.mapError(fs.readFileString(path), () => refuse(`the file ${path} cannot be read`))
      return text.includes("-----BEGIN CERTIFICATE")
        ? text
        : yield* Effect.fail(refuse(`the file ${path} holds no certificate in PEM form`))
    }),
  encode: (_, __, ast) => ParseResult.fail(new ParseResult.Type(ast, "", "a certificate is not written back"))
})

/** What a person writes. */
export const Written = Schema.Struct({
  enabled: withDefault(Schema.Boolean, false),
  /** A host name, or a whole `redis://` or `rediss://` address, which may hold user, password, port and database. */
  url: optional(Secret),
  port: optional(Port),
  user: withDefault(Schema.String, ""),
  password: optional(Secret),
  database: optional(Schema.Int.pipe(Schema.between(0, 9999))),
  tls: withDefault(Schema.Boolean, false),
  ca: optional(Certificate),
  insecure: withDefault(Schema.Boolean, false),
  sentinel: optional(
    Schema.Struct({
      name: Schema.NonEmptyString,
      nodes: Schema.Array(Node(SENTINEL_PORT)).pipe(Schema.minItems(1)),
      user: withDefault(Schema.String, ""),
      password: optional(Secret)
    })
  ),
  cluster: optional(Schema.Union(Schema.Boolean, Schema.Array(Node(PORT)).pipe(Schema.minItems(1))))
})

/** A store, resolved. Instances with equal fields are equal, so services that name one store share its connections. */
export class Database extends Schema.Class<Database>("anklet/Database")({
  /** The server, or any nodes of the cluster, or the sentinels. */
  nodes: Schema.DataFromSelf(Schema.Array(Schema.DataFromSelf(Address))),
  user: Schema.String,
  password: Schema.OptionFromSelf(Schema.RedactedFromSelf(Schema.String)),
  database: Schema.Number,
  tls: Schema.Boolean,
  ca: Schema.OptionFromSelf(Schema.String),
  insecure: Schema.Boolean,
  kind: Schema.Literal("single", "sentinel", "cluster"),
  /** What the sentinels call the master. */
  master: Schema.String,
  sentinelUser: Schema.String,
  sentinelPassword: Schema.OptionFromSelf(Schema.RedactedFromSelf(Schema.String))
}) {
  /** How the store is named to people. */
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

/** A mistake in one key, or what was meant. */
interface Mistake {
  readonly path: ReadonlyArray<string>
  readonly message: string
}

interface Parsed extends Address {
  readonly tls: boolean
  readonly user: string
  readonly password: string
  readonly database: number | undefined
}

const NO_ADDRESS = "expected a host name, or an address like redis://host:6379 or rediss://host:6379"
const NO_ESCAPE =
  "in user and password write %25 for a percent sign, %40 for @, %2F for a slash; or use the keys user and password"

const decoded = Option.liftThrowable(({ username, password }: URL) => ({
  user: decodeURIComponent(username),
  password: decodeURIComponent(password)
}))

/** What an address says, or what is wrong with it. */
const ofUrl = (text: string, port: number): Parsed | string => {
  const plain = addressOf(text, port)
  if (plain !== undefined) return { ...plain, tls: false, user: "", password: "", database: undefined }
  if (!/^rediss?:\/\//.test(text) || !URL.canParse(text)) return NO_ADDRESS
  const url = new URL(text)
  const path = url.pathname.replace(/^\//, "")
  const at = Number(url.port || port)
  if (url.hostname === "" || !isPort(at) || !/^\d{0,4}$/.test(path)) return NO_ADDRESS
  const signIn = decoded(url)
  if (Option.isNone(signIn)) return NO_ESCAPE
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: at,
    tls: url.protocol === "rediss:",
    ...signIn.value,
    database: path === "" ? undefined : Number(path)
  }
}

/** The store that was meant, none when it is not enabled, or what is wrong. Values of secrets are in no message. */
export const resolve = (written: typeof Written.Type): Option.Option<Database> | ReadonlyArray<Mistake> => {
  if (!written.enabled) return Option.none()
  const mistakes: Array<Mistake> = []
  const wrong = (key: string, message: string) => void mistakes.push({ path: [key], message })
  const port = Option.getOrElse(written.port, () => PORT)
  const text = Option.match(written.url, { onNone: () => DEFAULTS.url, onSome: Redacted.value })
  const address = ofUrl(text, port)
  const url = typeof address === "string" ? undefined : address
  if (typeof address === "string") wrong("url", address)
  const hasCluster = Option.exists(written.cluster, (it) => it !== false)
  if (hasCluster && Option.isSome(written.sentinel)) wrong("cluster", "a store has sentinels or is a cluster, not both")
  const tls = written.tls || url?.tls === true
  if (!tls && Option.isSome(written.ca)) wrong("ca", "a certificate is for TLS: write `tls: true`, or rediss:// in url")
  if (!tls && written.insecure) wrong("insecure", "it is about TLS: write `tls: true`, or rediss:// in url")
  const database = Option.getOrElse(written.database, () => url?.database ?? DEFAULTS.database)
  if (hasCluster && database !== 0) {
    wrong("database", `a Redis cluster has database 0 only: leave it out, or write 0 instead of ${database}`)
  }
  if (url === undefined || mistakes.length > 0) return mistakes
  const nodes = Option.getOrElse(written.cluster, () => false)
  const sentinel = Option.getOrUndefined(written.sentinel)
  return Option.some(
    Database.make({
      nodes: Data.array(
        (sentinel?.nodes ?? (typeof nodes === "boolean" ? [{ host: url.host, port: url.port }] : nodes)).map(
          ({ host, port }) => Data.struct({ host, port })
        )
      ),
      user: written.user || url.user,
      password: Option.orElse(written.password, () =>
        url.password === "" ? Option.none() : Option.some(Redacted.make(url.password))
      ),
      database,
      tls,
      ca: written.ca,
      insecure: written.insecure,
      kind: sentinel === undefined ? (hasCluster ? "cluster" : "single") : "sentinel",
      master: sentinel?.name ?? "",
      sentinelUser: sentinel?.user ?? "",
      sentinelPassword: sentinel?.password ?? Option.none()
    })
  )
}
