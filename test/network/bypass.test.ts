import { assert, describe, it } from "vitest"
import * as bypass from "../../src/network/bypass.ts"

/** The list, an address, and whether it is reached directly. */
const CASES: ReadonlyArray<readonly [list: string, url: string, direct: boolean]> = [
  ["", "https://api.github.com", false],
  ["*", "https://api.github.com", true],
  ["a.com, *", "https://api.github.com", true],
  // a name matches itself and everything below it, and nothing else
  ["github.com", "https://github.com", true],
  ["github.com", "https://api.github.com", true],
  ["github.com", "https://notgithub.com", false],
  ["github.com", "https://github.com.evil.org", false],
  [".github.com", "https://api.github.com", true],
  [".github.com", "https://github.com", true],
  [".github.com", "https://notgithub.com", false],
  ["*.github.com", "https://api.github.com", true],
  ["*.github.com", "https://notgithub.com", false],
  ["GitHub.COM", "https://api.github.com", true],
  ["github.com", "https://API.GITHUB.COM.", true],
  ["github.com.", "https://api.github.com", true],
  // separators
  ["a.com,github.com", "https://github.com", true],
  ["a.com github.com", "https://github.com", true],
  [" a.com ,, github.com ,", "https://github.com", true],
  [",", "https://github.com", false],
  [".", "https://github.com", false],
  // ports
  ["ghe.corp:8443", "https://ghe.corp:8443/api/v3", true],
  ["ghe.corp:8443", "https://ghe.corp/api/v3", false],
  ["ghe.corp:443", "https://ghe.corp/api/v3", true],
  ["ghe.corp:80", "http://ghe.corp/api/v3", true],
  ["*:8443", "https://ghe.corp:8443", false],
  // IP addresses and networks
  ["10.1.2.3", "https://10.1.2.3", true],
  ["10.1.2.3", "https://10.1.2.30", false],
  ["10.1.2.3:8443", "https://10.1.2.3:8443", true],
  ["10.1.2.3:8443", "https://10.1.2.3", false],
  ["10.0.0.0/8", "https://10.200.2.3", true],
  ["10.0.0.0/8", "https://11.1.2.3", false],
  ["10.0.0.0/8", "https://10.example.com", false],
  ["10.0.0.0/99", "https://10.1.2.3", false],
  ["ghe.corp/8", "https://ghe.corp", false],
  ["fd00::1", "https://[fd00::1]", true],
  ["[fd00::1]", "https://[fd00:0:0::1]", true],
  ["[fd00::1]:8443", "https://[fd00::1]:8443", true],
  ["[fd00::1]:8443", "https://[fd00::1]", false],
  ["fd00::/8", "https://[fd12:3456::1]", true],
  ["fd00::/8", "https://[2001:db8::1]", false],
  ["2", "https://10.0.0.2", false],
  // this host, whatever the list says
  ["", "http://127.0.0.1:8080", true],
  ["", "http://127.9.9.9", true],
  ["", "http://localhost:8080", true],
  ["", "http://ghe.localhost", true],
  ["", "http://[::1]:8080", true],
  ["", "http://[::ffff:127.0.0.1]", true],
  ["", "http://localhost.corp", false],
  ["", "http://128.0.0.1", false]
]

describe("NO_PROXY", () => {
  for (const [list, url, direct] of CASES) {
    it(`"${list}" lets ${url} go ${direct ? "past" : "through"} the proxy`, () => {
      assert.strictEqual(bypass.make(list)(new URL(url)), direct)
    })
  }
})
