import { readFileSync, writeFileSync } from "node:fs"
import { request } from "node:http"
import { createServer, type Server } from "node:https"
import type { AddressInfo } from "node:net"
import { afterEach, assert, describe, it } from "vitest"
import { type Certificates, certificates } from "../store/server.ts"
import { type Lab, make } from "./lab.ts"

let lab: Lab
let server: Server

afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await lab.close()
})

/** The lab's GitHub, as a company has it: behind TLS, with a certificate of an authority of its own. */
const behindTls = async ({ cert, key }: Certificates) => {
  server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (asked, answer) => {
    const passed = request(
      new URL(asked.url ?? "/", lab.github.url),
      { method: asked.method ?? "GET", headers: asked.headers },
      (response) => {
        answer.writeHead(response.statusCode ?? 502, response.headers)
        response.pipe(answer)
      }
    )
    asked.pipe(passed)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const url = `https://localhost:${(server.address() as AddressInfo).port}`
  writeFileSync(lab.config, readFileSync(lab.config, "utf8").replace(/api_url: .*/, `api_url: ${url}`))
}

describe("a GitHub with a certificate of the company's own authority", () => {
  it("is refused, with the remedy", async () => {
    lab = await make()
    await behindTls(certificates(lab.folder))
    const ran = await lab.anklet("--attach", "--once")
    assert.strictEqual(ran.code, 10, ran.stderr)
    assert.match(ran.stderr, /the certificate of localhost:\d+ is not trusted; set NODE_EXTRA_CA_CERTS/)
  })

  it("is trusted when NODE_EXTRA_CA_CERTS names the authority", async () => {
    lab = await make()
    const files = certificates(lab.folder)
    await behindTls(files)
    const { jobs } = lab.queue({})
    const ran = await lab.run(["-c", lab.config, "--attach", "--once"], { env: { NODE_EXTRA_CA_CERTS: files.ca } }).done
    assert.strictEqual(ran.code, 0, ran.stderr)
    assert.strictEqual(jobs[0]?.conclusion, "success")
  })
})
