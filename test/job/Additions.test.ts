import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Additions from "../../src/job/Additions.ts"
import { parse } from "../../src/job/Variables.ts"

const bytes = (text: string) => new TextEncoder().encode(text)
const doubtOf = (text: string | Uint8Array) =>
  Either.match(Additions.script("/p/prepare.bash", typeof text === "string" ? bytes(text) : text), {
    onLeft: ({ why, remedy }) => `${why}: ${remedy}`,
    onRight: () => ""
  })

describe("a script that is added", () => {
  it("is any text that bash reads as it is meant", () => {
    for (const text of [
      "",
      "echo hello",
      "#!/bin/sh\ntrue\n",
      "#!/usr/bin/env bash\n# ünï\n",
      "#! /bin/bash -e\n",
      "printf 'a\\r\\n'\n"
    ])
      assert.strictEqual(doubtOf(text), "", text)
  })

  it("is refused, with what is wrong and what to do, where bash would read something else", () => {
    assert.match(doubtOf("echo a\necho b\r\n"), /ends line 2 as Windows does \(CR LF\).*perl .*'\/p\/prepare.bash'/)
    assert.match(doubtOf("\ufeffecho a\n"), /byte order mark.*perl/)
    assert.match(doubtOf("echo \0"), /zero byte/)
    assert.match(doubtOf(new Uint8Array([0x23, 0xff, 0xfe])), /no text in UTF-8/)
    assert.match(doubtOf("#!/usr/bin/env python3\n"), /another program than bash/)
    assert.match(doubtOf("x".repeat(300_000)), /more than 256 KiB/)
  })
})

describe("variables that are added", () => {
  const doubts = (text: string) => Either.getOrElse(Either.flip(parse(text)), () => [])

  it("are taken as they stand, up to the end of the line", () => {
    const text = "# proxies\n\nHTTPS_PROXY=http://a:b@proxy:3128\n  # more\n_x1= a=b 'c' $D #e\nEMPTY="
    assert.deepStrictEqual(Either.getOrThrow(parse(text)), [
      ["HTTPS_PROXY", "http://a:b@proxy:3128"],
      ["_x1", " a=b 'c' $D #e"],
      ["EMPTY", ""]
    ])
  })

  it("are refused line by line, with the numbers of the lines and without what may be a secret", () => {
    const found = doubts(
      [
        "A=1",
        "HUNTER2",
        "export B=hunter2",
        "C =hunter2",
        'D="hunter2"',
        "E=hunter2\r",
        "A=hunter2",
        "UID=hunter2",
        "F=hunter2\u001b[0m",
        "9=hunter2",
        `G=${"hunter2".repeat(10_000)}`
      ].join("\n")
    )
    assert.deepStrictEqual(
      found.map((doubt) => doubt.slice(0, doubt.indexOf(":"))),
      [2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map((line) => `line ${line}`)
    )
    assert.notMatch(found.join("\n"), /hunter2/i)
    assert.match(found[5] ?? "", /A is set in line 1 already/)
  })
})
