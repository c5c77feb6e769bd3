/** Real Redis servers, each in a folder and on a port of its own, and what may befall them. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { connect, createServer, type Server, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Redis } from "ioredis"
import { until } from "../whole/lab.ts"

const children = new Set<ChildProcess>()
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL")
})

/** A port on which no process listens now. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })

/** Wait until something is so; a question that fails is asked again. */
export const eventually = (what: string, holds: () => Promise<boolean> | boolean, within = 20_000): Promise<void> =>
  until(what, async () => Promise.resolve(holds()).catch(() => false), within)

export interface ServerOptions {
  /** Lines of its configuration. */
  readonly lines?: ReadonlyArray<string>
  /** Keep an append-only file, flushed every second. */
  readonly persistent?: boolean
  /** Listen with TLS only. */
  readonly tls?: Certificates
  /** Sign in with this. */
  readonly password?: string
  readonly sentinel?: boolean
}

/** A certificate for 127.0.0.1 and the authority that signed it, as files. */
export interface Certificates {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** Make an authority and a certificate, which is for these names too. */
export const certificates = (folder: string, ...names: ReadonlyArray<string>): Certificates => {
  const at = (name: string) => join(folder, name)
  const openssl = (...args: ReadonlyArray<string>) => execFileSync("openssl", args, { stdio: "ignore" })
  const files = { ca: at("ca.crt"), cert: at("redis.crt"), key: at("redis.key") }
  const all = ["IP:127.0.0.1", "DNS:localhost", ...names.map((name) => `DNS:${name}`)]
  writeFileSync(at("names"), `subjectAltName=${all.join(",")}`)
  openssl(
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-days",
    "30",
    "-subj",
    "/CN=an authority",
    "-keyout",
    at("ca.key"),
    "-out",
    files.ca
  )
  openssl(
    "req",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-subj",
    "/CN=localhost",
    "-keyout",
    files.key,
    "-out",
    at("redis.csr")
  )
  openssl(
    "x509",
    "-req",
    "-in",
    at("redis.csr"),
    "-CA",
    files.ca,
    "-CAkey",
    at("ca.key"),
    "-CAcreateserial",
    "-days",
    "30",
    "-extfile",
    at("names"),
    "-out",
    files.cert
  )
  return files
}

/** Start a server; returns when it answers. */
export const start = async (options: ServerOptions = {}) => {
  const folder = mkdtempSync(join(tmpdir(), "anklet-redis-"))
  const { tls, password, sentinel = false } = options
  let port = 0
  let child: ChildProcess | undefined
  const client = () =>
    new Redis({
      host: "127.0.0.1",
      port,
      lazyConnect: true,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      commandTimeout: 5000,
      ...(password === undefined ? {} : { password }),
      ...(tls === undefined ? {} : { tls: { rejectUnauthorized: false } })
    }).on("error", () => {})
  /** Ask it one thing, on a connection of its own. */
  const ask = async <A>(question: (redis: Redis) => Promise<A>): Promise<A> => {
    const redis = client()
    try {
      await redis.connect()
      return await question(redis)
    } finally {
      redis.disconnect()
    }
  }
  const launch = async () => {
    const config = join(folder, "redis.conf")
    if (!sentinel || port === 0) {
      port ||= await freePort()
      writeFileSync(
        config,
        [
          "bind 127.0.0.1",
          `dir ${folder}`,
          ...(tls === undefined
            ? [`port ${port}`]
            : [
                "port 0",
                `tls-port ${port}`,
                `tls-cert-file ${tls.cert}`,
                `tls-key-file ${tls.key}`,
                `tls-ca-cert-file ${tls.ca}`,
                "tls-auth-clients no"
              ]),
          ...(sentinel ? [] : ['save ""', `appendonly ${options.persistent === true ? "yes" : "no"}`]),
          ...(password === undefined ? [] : [`requirepass ${password}`]),
          ...(options.lines ?? [])
        ].join("\n")
      )
    }
    child = spawn("redis-server", [config, ...(sentinel ? ["--sentinel"] : [])], { stdio: "ignore" })
    children.add(child)
    await eventually("the server answers", async () => (await ask((redis) => redis.ping())) === "PONG")
  }
  const dead = (signal: NodeJS.Signals) =>
    new Promise<void>((resolve) => {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return resolve()
      child.once("exit", () => resolve())
      child.kill("SIGCONT")
      child.kill(signal)
    })
  await launch()
  return {
    folder,
    get port() {
      return port
    },
    ask,
    client,
    kill: () => dead("SIGKILL"),
    /** Start it again, where it was; empty, if it keeps nothing. */
    launch,
    pause: () => child?.kill("SIGSTOP"),
    resume: () => child?.kill("SIGCONT"),
    close: async () => {
      await dead("SIGKILL")
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

export type RedisServer = Awaited<ReturnType<typeof start>>

/** A master, a replica and three sentinels that watch them. */
export const startSentinels = async () => {
  const master = await start()
  const replica = await start({ lines: [`replicaof 127.0.0.1 ${master.port}`] })
  await eventually("the replica follows", () =>
    replica.ask(async (redis) => (await redis.info("replication")).includes("master_link_status:up"))
  )
  const sentinels = await Promise.all(
    [1, 2, 3].map(() =>
      start({
        sentinel: true,
        lines: [
          `sentinel monitor anklet 127.0.0.1 ${master.port} 2`,
          "sentinel down-after-milliseconds anklet 1000",
          "sentinel failover-timeout anklet 4000"
        ]
      })
    )
  )
  await eventually("the sentinels know each other and the replica", async () => {
    const said = await Promise.all(
      sentinels.map(({ ask }) => ask((redis) => redis.call("SENTINEL", "MASTER", "anklet")))
    )
    return said.every((fields) => {
      const text = JSON.stringify(fields)
      return text.includes('"num-slaves","1"') && text.includes('"num-other-sentinels","2"')
    })
  })
  return {
    master,
    replica,
    sentinels,
    close: async () => void (await Promise.all([master, replica, ...sentinels].map(({ close }) => close())))
  }
}

/** Three masters with a replica each. */
export const startCluster = async () => {
  const lines = [
    "cluster-enabled yes",
    "cluster-node-timeout 1000",
    "cluster-config-file nodes.conf",
    "cluster-replica-validity-factor 0"
  ]
  const nodes = await Promise.all(Array.from({ length: 6 }, () => start({ lines })))
  execFileSync(
    "redis-cli",
    [
      "--cluster",
      "create",
      ...nodes.map(({ port }) => `127.0.0.1:${port}`),
      "--cluster-replicas",
      "1",
      "--cluster-yes"
    ],
    { stdio: "ignore" }
  )
  const isWhole = (node: RedisServer) =>
    node.ask(async (redis) => String(await redis.call("CLUSTER", "INFO")).includes("cluster_state:ok"))
  await eventually("the cluster is whole", async () => (await Promise.all(nodes.map(isWhole))).every(Boolean))
  const idOf = (node: RedisServer) => node.ask(async (redis) => String(await redis.call("CLUSTER", "MYID")))
  const masters = async () => {
    const roles = await Promise.all(nodes.map((node) => node.ask((redis) => redis.info("replication")).catch(() => "")))
    return nodes.filter((_, n) => roles[n]?.includes("role:master"))
  }
  /** The node that answers for a key. */
  const ownerOf = async (key: string) => {
    for (const node of await masters()) {
      const isOwner = await node
        .ask((redis) => redis.exists(key))
        .then(
          () => true,
          () => false
        )
      if (isOwner) return node
    }
    throw new Error(`nobody owns ${key}`)
  }
  return {
    nodes,
    masters,
    ownerOf,
    isWhole,
    /** Move the slot of a key, with all that is in it, to another master. */
    move: async (key: string) => {
      const from = await ownerOf(key)
      const to = (await masters()).find((node) => node !== from)
      if (to === undefined) throw new Error("there is no other master")
      const slot = String(await from.ask((redis) => redis.call("CLUSTER", "KEYSLOT", key)))
      const [source, target] = await Promise.all([idOf(from), idOf(to)])
      await to.ask((redis) => redis.call("CLUSTER", "SETSLOT", slot, "IMPORTING", source))
      await from.ask((redis) => redis.call("CLUSTER", "SETSLOT", slot, "MIGRATING", target))
      for (;;) {
        const keys = await from.ask((redis) => redis.call("CLUSTER", "GETKEYSINSLOT", slot, "100"))
        if (!Array.isArray(keys) || keys.length === 0) break
        await from.ask((redis) => redis.call("MIGRATE", "127.0.0.1", to.port, "", "0", "5000", "KEYS", ...keys))
      }
      for (const node of [to, from]) await node.ask((redis) => redis.call("CLUSTER", "SETSLOT", slot, "NODE", target))
      return { from, to }
    },
    close: async () => void (await Promise.all(nodes.map(({ close }) => close())))
  }
}

/** A way to a server that can be cut, or go dead without a word. */
export const startProxy = async (target: () => number) => {
  const sockets = new Set<Socket>()
  const deaf = new WeakSet<Socket>()
  const stores = new WeakSet<Socket>()
  let stalled = false
  let deafened = false
  let refuses = false
  const proxy: Server = createServer((near) => {
    if (refuses) return void near.destroy()
    const far = connect(target(), "127.0.0.1")
    stores.add(far)
    for (const [from, to] of [
      [near, far],
      [far, near]
    ] as const) {
      sockets.add(from)
      if (stalled || (deafened && from === far)) deaf.add(from)
      from.on("data", (chunk) => {
        // a packet that is lost
        if (!deaf.has(from)) to.write(chunk)
      })
      from.on("error", () => to.destroy())
      from.on("close", () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve))
  const address = proxy.address()
  const drop = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    /** Connections stay open, and nothing comes through them any more, also later; new ones are as deaf. */
    stall: () => {
      stalled = true
      for (const socket of sockets) deaf.add(socket)
    },
    /** What the store answers is lost; it goes on hearing what it is asked. */
    deafen: () => {
      deafened = true
      for (const socket of sockets) if (stores.has(socket)) deaf.add(socket)
    },
    /** Connections end, and none is accepted. */
    cut: () => {
      refuses = true
      drop()
    },
    /** From now on new connections work. */
    heal: () => {
      stalled = false
      deafened = false
      refuses = false
    },
    close: () => {
      drop()
      return new Promise<void>((resolve) => proxy.close(() => resolve()))
    }
  }
}

/** A folder for a test's own files. */
export const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), "anklet-store-"))
  mkdirSync(path, { recursive: true })
  return path
}

/** A way to the store that can be cut. */
export type Proxy = Awaited<ReturnType<typeof startProxy>>
