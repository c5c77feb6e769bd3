import { afterEach, assert, describe, it } from "vitest"
import { type RedisServer, start } from "../store/server.ts"
import { type Lab, make, TOKEN } from "./lab.ts"

const PASSWORD = "redis-CANARYdeadbeef44"

let lab: Lab
let server: RedisServer
afterEach(async () => {
  await lab.close()
  await server.close()
})

describe("a variable that makes libraries talk", () => {
  for (const DEBUG of ["*", "ioredis:*", "*,-nothing"])
    it(`DEBUG=${DEBUG} prints no command of Redis, and no password`, async () => {
      server = await start({ password: PASSWORD, lines: ["maxmemory-policy noeviction"] })
      lab = await make({
        service: `database:\n  enabled: true\n  url: 127.0.0.1\n  port: ${server.port}\n  password: ${PASSWORD}`
      })
      const ran = await lab.run(["-c", lab.config, "--attach", "--once"], { env: { DEBUG } }).done
      assert.strictEqual(ran.code, 0, ran.stdout)
      for (const text of [PASSWORD, TOKEN, "ioredis:"]) assert.notInclude(ran.stdout + ran.stderr, text)
    })
})
