import { afterEach, assert, describe, it } from "vitest"
import { LABELS, type Lab, make, OTHER, TEMPLATE } from "./lab.ts"

// these contain no part of the token, which would be hidden anyway
const PASSWORD = "zebra-quartz-7731-violin"
const KEY = "0f9e8d7c6b5a49382716"

let lab: Lab
afterEach(() => lab.close())

describe("a registry whose address holds a password", () => {
  for (const url of [`https://ci:${PASSWORD}@elsewhere.corp`, `https://elsewhere.corp/anka?key=${KEY}`])
    it(`is named in the log and to people, and its secret is not: ${url.replace(/zebra[\w-]+|0f9e\w+/, "…")}`, async () => {
      lab = await make({ service: `registry_url: ${url}` })
      lab.queue({ labels: LABELS.map((label) => label.replace(TEMPLATE, OTHER)) })
      const ran = await lab.anklet("--attach", "--once")
      const said = [ran.stdout, ran.stderr, JSON.stringify(lab.log())]
      for (const command of [["doctor"], ["doctor", "--json"], ["status"], ["config", "show"]]) {
        const { stdout, stderr } = await lab.anklet(...command)
        said.push(stdout, stderr)
      }
      assert.include(said[2], "elsewhere.corp")
      for (const text of said) for (const secret of [PASSWORD, KEY]) assert.notInclude(text, secret)
    })
})
