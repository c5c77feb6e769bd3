import { assert, describe, it } from "vitest"
import { expand } from "../../src/config/Shorthand.ts"

const of = (services: unknown, defaults?: unknown) =>
  expand({ work_dir: "w", services, ...(defaults === undefined ? {} : { defaults }) })

describe("defaults", () => {
  it("are what a service has unless it has its own, maps key by key; a blank value counts as none", () => {
    const { content, mistakes } = of(
      [
        { name: "A", repo: "app", database: { database: 2 } },
        { name: "B", token: "own", owner: null }
      ],
      { token: "t", owner: "acme", database: { enabled: true, url: "redis" } }
    )
    assert.deepStrictEqual(mistakes, [])
    assert.deepStrictEqual(content, {
      work_dir: "w",
      services: [
        { name: "A", repo: "app", token: "t", owner: "acme", database: { enabled: true, url: "redis", database: 2 } },
        { name: "B", token: "own", owner: "acme", database: { enabled: true, url: "redis" } }
      ]
    })
  })

  it("are found where they are written", () => {
    const { written } = of([{ name: "A", database: { database: 2 }, owner: null }], {
      owner: "acme",
      database: { url: "redis" }
    })
    for (const [path, where] of [
      [
        ["services", 0],
        ["services", 0]
      ],
      [
        ["services", 0, "name"],
        ["services", 0, "name"]
      ],
      [
        ["services", 0, "owner"],
        ["defaults", "owner"]
      ],
      [
        ["services", 0, "repo"],
        ["services", 0, "repo"]
      ],
      [
        ["services", 0, "database", "url"],
        ["defaults", "database", "url"]
      ],
      [
        ["services", 0, "database", "database"],
        ["services", 0, "database", "database"]
      ],
      [
        ["log", "file_dir"],
        ["log", "file_dir"]
      ]
    ] as const)
      assert.deepStrictEqual(written(path), where)
  })

  it("are keys and values, and neither a name nor a count", () => {
    assert.deepStrictEqual(of([{ name: "A" }], null).mistakes, [])
    assert.strictEqual(of([{ name: "A" }], "token").mistakes[0]?.path.join(), "defaults")
    const { content, mistakes } = of([{ plugin: "github" }], { name: "A", count: 2, token: "t" })
    assert.deepStrictEqual(
      mistakes.map(({ path }) => path.join(".")),
      ["defaults.name", "defaults.count"]
    )
    assert.deepStrictEqual(content.services, [{ plugin: "github", token: "t" }])
  })
})

describe("a count", () => {
  it("makes several services of one, each with a name of its own, and all written at one place", () => {
    const { content, mistakes, written } = of([
      { name: "A" },
      { name: "B", count: 2, repo: "app" },
      { name: "C", count: 1 }
    ])
    assert.deepStrictEqual(mistakes, [])
    assert.deepStrictEqual(content.services, [
      { name: "A" },
      { name: "B-1", repo: "app" },
      { name: "B-2", repo: "app" },
      { name: "C-1" }
    ])
    assert.deepStrictEqual(written(["services", 2, "repo"]), ["services", 1, "repo"])
    assert.deepStrictEqual(written(["services", 3, "name"]), ["services", 2, "name"])
  })

  for (const count of [0, -1, 1.5, 33, 1e9, "2", true, [], {}])
    it(`of ${JSON.stringify(count)} is a mistake, and the service is there once`, () => {
      const { content, mistakes } = of([{ name: "A", count }])
      assert.deepStrictEqual(
        mistakes.map(({ path }) => path.join(".")),
        ["services.0.count"]
      )
      assert.deepStrictEqual(content.services, [{ name: "A" }])
    })

  it("leaves what is no list of services to those who report it", () => {
    for (const services of [undefined, null, "x", {}, [1, null]])
      assert.deepStrictEqual(of(services, { token: "t" }).content.services, services)
  })
})
