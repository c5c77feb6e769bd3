/** The simulated GitHub as an HTTP server: tokens, rate limits, ETags, pages, faults, and a log of all that was asked. */
import { createHash, randomBytes } from "node:crypto"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { type Answer, answer, type Context, type Request } from "./routes.ts"
import { RunnerService } from "./runners.ts"
import { enterpriseOf, Refused, World } from "./world.ts"

/** What a route does wrong, and when. */
export interface Fault {
  readonly method?: string
  /** A part of the path, or a pattern. */
  readonly path: string | RegExp
  /** Number of times; default: once. */
  readonly times?: number
  /** Answer this instead of working. */
  readonly answer?: { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  /** Cut the connection before or after the work is done. */
  readonly cut?: "before" | "after"
  /** Send only the first half of the body. */
  readonly half?: boolean
  /** Never answer. */
  readonly silent?: boolean
  /** Wait first, in milliseconds. */
  readonly delay?: number
}

/** One request that came in. */
export interface Logged {
  readonly method: string
  readonly path: string
  readonly token: string
  readonly at: number
  status: number
  /** What it cost of the primary rate limit. */
  cost: number
}

/** How to start. */
export interface Options {
  readonly port?: number
  /** In front of every REST path, e.g. `/api/v3`. */
  readonly prefix?: string
  /** Tokens that are known; default: any. */
  readonly tokens?: ReadonlyArray<string>
  readonly app?: Context["app"]
  /** Requests per hour and token. */
  readonly limit?: number
}

/** A running simulated GitHub. */
export interface SimulatedGitHub {
  /** Address of the REST API: the value for `api_url`. */
  readonly url: string
  readonly world: World
  readonly log: Array<Logged>
  readonly faults: Array<Fault>
  /** Check runs that were created. */
  readonly checks: Array<unknown>
  /** What a well-behaved client never does. */
  readonly violations: Array<string>
  /** The primary limit of every token, and how much of it is left. */
  readonly limits: { limit: number; remaining: Map<string, number>; resetAt: number }
  readonly close: () => Promise<void>
}

const read = async (request: IncomingMessage): Promise<unknown> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString()
  return text === "" ? undefined : JSON.parse(text)
}

const matches = (fault: Fault, method: string, path: string) =>
  (fault.method === undefined || fault.method === method) &&
  (typeof fault.path === "string" ? path.includes(fault.path) : fault.path.test(path))

/** Start one. */
export const start = async (options: Options = {}): Promise<SimulatedGitHub> => {
  const { prefix = "", tokens, app } = options
  const world = new World(Date.now)
  const log: Array<Logged> = []
  const faults: Array<Fault & { left?: number }> = []
  const checks: Array<unknown> = []
  const violations: Array<string> = []
  const minted = new Map<string, number>()
  const posted = new Map<string, number>()
  const limits = { limit: options.limit ?? 5000, remaining: new Map<string, number>(), resetAt: Date.now() + 3_600_000 }
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen(options.port ?? 0, "127.0.0.1", resolve)
  })
  const { port } = server.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`
  const runners = new RunnerService(world)

  const rate = (token: string) => {
    if (Date.now() >= limits.resetAt) {
      limits.resetAt = Date.now() + 3_600_000
      limits.remaining.clear()
    }
    const remaining = limits.remaining.get(token) ?? limits.limit
    return { limit: limits.limit, used: limits.limit - remaining, remaining, reset: Math.ceil(limits.resetAt / 1000) }
  }

  const context: Context = {
    world,
    url: `${origin}${prefix}`,
    services: `${origin}/_services/pipelines`,
    app,
    rate,
    checks,
    mint: () => {
      const token = `ghs_${randomBytes(18).toString("hex")}`
      const expiresAt = Date.now() + 3_600_000
      minted.set(token, expiresAt)
      return { token, expiresAt }
    }
  }

  const send = (
    response: ServerResponse,
    status: number,
    headers: Record<string, string>,
    text: string,
    half = false
  ): void => {
    if (!half) {
      response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(text) }).end(text)
      return
    }
    response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(text) })
    response.write(text.slice(0, text.length / 2), () => response.destroy())
  }

  /** Page a list and tell of the other pages. */
  const page = (result: Answer, url: URL): { readonly body: unknown; readonly link: string | undefined } => {
    if (result.list === undefined) return { body: result.body, link: undefined }
    const { key, items } = result.list
    const size = Math.min(100, Number(url.searchParams.get("per_page") ?? 30) || 30)
    const number = Number(url.searchParams.get("page") ?? 1) || 1
    const pages = Math.max(1, Math.ceil(items.length / size))
    const slice = items.slice((number - 1) * size, number * size)
    const to = (target: number, rel: string) => {
      const other = new URL(url)
      other.searchParams.set("page", String(target))
      return `<${other}>; rel="${rel}"`
    }
    const links = [
      ...(number > 1 ? [to(number - 1, "prev"), to(1, "first")] : []),
      ...(number < pages ? [to(number + 1, "next"), to(pages, "last")] : [])
    ]
    return {
      body: key === undefined ? slice : { total_count: items.length, [key]: slice },
      link: links.length === 0 ? undefined : links.join(", ")
    }
  }

  const isKnown = (token: string) =>
    tokens === undefined || tokens.includes(token) || (minted.get(token) ?? 0) > Date.now()

  const rest = (request: Request, url: URL, headers: IncomingMessage["headers"], entry: Logged) => {
    const error = (status: number, message: string) => ({
      status,
      headers: {} as Record<string, string>,
      text: JSON.stringify({ message, documentation_url: "https://docs.github.com/rest", status: String(status) })
    })
    if (headers["user-agent"] === undefined) return error(403, "Request forbidden by administrative rules.")
    const asApp = request.path.startsWith("/app/") || request.path.endsWith("/installation")
    if (!asApp && (request.token === "" || !isKnown(request.token))) return error(401, "Bad credentials")
    const { remaining, reset } = rate(request.token)
    const limited = {
      "x-ratelimit-limit": String(limits.limit),
      "x-ratelimit-resource": "core",
      "x-ratelimit-reset": String(reset)
    }
    if (remaining <= 0 && request.path !== "/rate_limit") {
      violations.push(`request after the limit was reached: ${request.method} ${request.path}`)
      return {
        ...error(403, `API rate limit exceeded for ${request.path}.`),
        headers: { ...limited, "x-ratelimit-remaining": "0" }
      }
    }
    let result: ReturnType<typeof error>
    let etag: string | undefined
    try {
      const answered = answer(context, request)
      const { body, link } = page(answered, url)
      const text = body === undefined ? "" : JSON.stringify(body)
      etag =
        request.method === "GET"
          ? `W/"${createHash("sha256").update(`${request.token} ${url} ${text}`).digest("hex")}"`
          : undefined
      result = {
        status: answered.status,
        headers: {
          ...answered.headers,
          ...(etag === undefined ? {} : { etag }),
          ...(link === undefined ? {} : { link })
        },
        text
      }
    } catch (refusal) {
      if (!(refusal instanceof Refused)) throw refusal
      result = error(refusal.status, refusal.message)
    }
    const unchanged = etag !== undefined && headers["if-none-match"] === etag
    if (unchanged) result = { ...result, status: 304, text: "" }
    entry.cost = unchanged || request.path === "/rate_limit" ? 0 : 1
    limits.remaining.set(request.token, remaining - entry.cost)
    return {
      ...result,
      headers: {
        ...result.headers,
        ...limited,
        "x-ratelimit-remaining": String(remaining - entry.cost),
        "x-ratelimit-used": String(limits.limit - remaining + entry.cost)
      }
    }
  }

  const judge = (request: Request, status: number) => {
    if (status === 422 && request.method === "DELETE")
      violations.push(`a busy runner was to be deleted: ${request.path}`)
    if (request.method === "POST" && status < 300) {
      const key = `${request.path} ${JSON.stringify(request.body)}`
      posted.set(key, (posted.get(key) ?? 0) + 1)
      if (posted.get(key) === 2 && !request.path.includes("access_tokens"))
        violations.push(`a successful POST was repeated: ${request.path}`)
    }
  }

  server.on("request", async (incoming, response) => {
    const url = new URL(incoming.url ?? "/", origin)
    const method = incoming.method ?? "GET"
    try {
      const body = await read(incoming)
      if (url.pathname.startsWith("/_services/"))
        return runners.handle(method, url, incoming.headers.authorization ?? "", body, response)
      if (url.pathname.startsWith("/_control/")) return control(url, body, response)
      const path = url.pathname.slice(prefix.length)
      const token = (incoming.headers.authorization ?? "").replace(/^(bearer|token) /i, "")
      const entry: Logged = { method, path: `${path}${url.search}`, token, at: Date.now(), status: 0, cost: 0 }
      log.push(entry)
      const fault = faults.find((fault) => matches(fault, method, entry.path) && (fault.left ?? fault.times ?? 1) > 0)
      if (fault !== undefined) fault.left = (fault.left ?? fault.times ?? 1) - 1
      if (fault?.delay !== undefined) await new Promise((resolve) => setTimeout(resolve, fault.delay))
      if (fault?.silent === true) return
      if (fault?.cut === "before") return response.destroy()
      if (fault?.answer !== undefined) {
        entry.status = fault.answer.status
        const text =
          fault.answer.body ?? JSON.stringify({ message: "a fault", documentation_url: "https://docs.github.com/rest" })
        return send(
          response,
          fault.answer.status,
          { "content-type": "application/json; charset=utf-8", ...fault.answer.headers },
          text
        )
      }
      if (!url.pathname.startsWith(prefix))
        return send(response, 404, { "content-type": "text/html" }, "<html>Not Found</html>")
      const request: Request = { method, path, query: url.searchParams, body, token }
      const result = rest(request, url, incoming.headers, entry)
      entry.status = result.status
      judge(request, result.status)
      if (fault?.cut === "after") return response.destroy()
      send(
        response,
        result.status,
        { "content-type": "application/json; charset=utf-8", ...result.headers },
        result.text,
        fault?.half
      )
    } catch (error) {
      send(response, 500, { "content-type": "text/plain" }, String(error))
    }
  })

  /** The same handles for another process: `POST /_control/queue|cancel|complete|release|end|vanish|mode|group|enterprise|fault|rename|repository`, `GET /_control/state|log|who`. */
  const control = (url: URL, given: unknown, response: ServerResponse): void => {
    // the driver of the simulator knows what each action takes
    const body = JSON.parse(JSON.stringify(given ?? {}))
    const actions: Record<string, () => unknown> = {
      queue: () => world.queue(body),
      cancel: () => world.cancel(body.run),
      complete: () => world.complete(body.job, body.conclusion),
      release: () => world.release(body.job),
      end: () => world.end(body.run, body.conclusion),
      vanish: () => world.vanish(body),
      mode: () => world.modes.set(body.name, body.mode),
      group: () => {
        const scope = body.enterprise === undefined ? body.owner : enterpriseOf(body.enterprise)
        world.groups.set(scope, [...(world.groups.get(scope) ?? []), body.group])
      },
      enterprise: () => world.enterprises.set(body.enterprise, new Set(body.owners)),
      fault: () => faults.push(body),
      rename: () => world.rename(body.from, body.to),
      repository: () => world.repositories.add(body.repository),
      who: () => ({ pid: process.pid }),
      state: () => ({
        runs: [...world.runs.values()],
        jobs: [...world.jobs.values()],
        runners: [...world.runners.values()]
      }),
      log: () => log
    }
    const action = actions[url.pathname.slice("/_control/".length)]
    if (action === undefined) send(response, 404, {}, "unknown")
    else send(response, 200, { "content-type": "application/json" }, JSON.stringify(action() ?? null))
  }

  return {
    url: context.url,
    world,
    log,
    faults,
    checks,
    violations,
    limits,
    close: () =>
      new Promise((resolve) => {
        runners.close()
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}
