import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { parse } from "yaml"

const FOLDER = ".github"

/** Every YAML file below `.github`: workflows, and actions of our own. */
const files = readdirSync(FOLDER, { recursive: true, encoding: "utf8" })
  .filter((name) => /\.ya?ml$/.test(name))
  .map((name) => join(FOLDER, name))

interface Step {
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, unknown>>
}
interface Job {
  readonly uses?: string
  readonly steps?: ReadonlyArray<Step>
  readonly permissions?: Readonly<Record<string, string>>
  readonly environment?: string
  readonly needs?: unknown
}
interface Workflow {
  readonly on?: unknown
  readonly permissions?: unknown
  readonly jobs?: Readonly<Record<string, Job>>
  readonly runs?: { readonly steps?: ReadonlyArray<Step> }
}

const jobsOf = ({ jobs = {}, runs = {} }: Workflow): ReadonlyArray<Job> => [...Object.values(jobs), runs]
const stepsOf = (workflow: Workflow) => jobsOf(workflow).flatMap(({ steps = [] }) => steps)

/** The code that is used: actions of steps, and whole workflows. Parsed as YAML, so that no notation is overlooked. */
const usesIn = (text: string): ReadonlyArray<string> => {
  const workflow: Workflow = parse(text)
  return [...jobsOf(workflow), ...stepsOf(workflow)].flatMap(({ uses }) => (uses === undefined ? [] : [uses]))
}

/** Used code that others could replace: everything not pinned to a full commit, with the tag beside it for people. */
const unpinned = (text: string): ReadonlyArray<string> =>
  usesIn(text).filter((uses) => {
    if (uses.startsWith("./")) return false
    const isPinned =
      /^[\w.-]+(\/[\w.-]+)+@[0-9a-f]{40}$/.test(uses) || /^docker:\/\/[^@]+@sha256:[0-9a-f]{64}$/.test(uses)
    return !isPinned || !text.split("\n").some((line) => line.includes(uses) && /# v\d+\.\d+\.\d+$/.test(line))
  })

/** Steps whose shell text contains an expression: GitHub inserts its value before the shell reads it. */
const pasted = (text: string): ReadonlyArray<string> =>
  stepsOf(parse(text)).flatMap(({ run }) => (run?.includes("${{") ? [run] : []))

const COMMIT = "08c6903cd8c0fde910a37f88322edcfb5dd907a8"
const DIGEST = `sha256:${COMMIT}${COMMIT.slice(0, 24)}`
const step = (uses: string) => `jobs:\n  a:\n    steps:\n      - uses: ${uses}\n`

describe("what the workflows use", () => {
  it("is pinned by its commit, and its tag is told beside it, in every file", () => {
    assert.include(files, join(FOLDER, "workflows", "release.yml"))
    for (const file of files) assert.deepStrictEqual(unpinned(readFileSync(file, "utf8")), [], file)
    assert.isFalse(existsSync("action.yml") || existsSync("action.yaml"))
  })

  it("is only GitHub's own", () => {
    for (const file of files)
      for (const uses of usesIn(readFileSync(file, "utf8"))) assert.match(uses, /^actions\//, file)
  })

  for (const [what, text] of [
    ["a tag", step("actions/checkout@v5 # v5.0.0")],
    ["a whole version", step("actions/checkout@v5.0.0 # v5.0.0")],
    ["a branch", step("actions/checkout@main # v5.0.0")],
    ["a short commit", step("actions/checkout@08c6903 # v5.0.0")],
    ["a commit whose tag nobody tells", step(`actions/checkout@${COMMIT}`)],
    ["a commit with half a tag", step(`actions/checkout@${COMMIT} # v5`)],
    ["a tag in quotes", step('"actions/checkout@v5" # v5.0.0')],
    ["a tag in the flow form", "jobs: {a: {steps: [{uses: actions/checkout@v5}]}}\n"],
    ["a key in quotes", 'jobs:\n  a:\n    steps:\n      - "uses": actions/checkout@v5\n'],
    ["a part of a repository by a tag", step("actions/cache/restore@v4 # v4.0.0")],
    ["a container by a tag", step("docker://alpine:3.20 # v3.20.0")],
    ["a workflow of another repository by a tag", "jobs:\n  a:\n    uses: o/r/.github/workflows/w.yml@v1 # v1.0.0\n"],
    ["a step of an action of our own", "runs:\n  using: composite\n  steps:\n    - uses: actions/checkout@v5\n"],
    ["no version at all", step("actions/checkout")]
  ] as const)
    it(`is refused by this test where it is ${what}`, () => assert.strictEqual(unpinned(text).length, 1))

  for (const [what, text] of [
    ["a commit with its tag", step(`actions/checkout@${COMMIT} # v5.0.0`)],
    ["a container by its digest", step(`docker://alpine@${DIGEST} # v3.20.0`)],
    ["an action of our own", step("./.github/actions/mine")]
  ] as const)
    it(`passes this test where it is ${what}`, () => assert.deepStrictEqual(unpinned(text), []))
})

describe("the release workflow", () => {
  const workflow: Workflow = parse(readFileSync(join(FOLDER, "workflows", "release.yml"), "utf8"))

  it("tells with GitHub's own signature from which commit all files were built, before they are published", () => {
    const { attest, publish } = workflow.jobs ?? {}
    assert.deepStrictEqual(attest?.permissions, { contents: "read", "id-token": "write", attestations: "write" })
    const provenance = attest?.steps?.find(({ uses = "" }) => uses.startsWith("actions/attest-build-provenance@"))
    assert.deepStrictEqual(provenance?.with, { "subject-path": "release/*" })
    assert.deepStrictEqual(publish?.permissions, { contents: "write" })
    assert.strictEqual(publish?.needs, "attest")
  })
})

describe("the workflows", () => {
  for (const file of files) {
    const text = readFileSync(file, "utf8")
    const workflow: Workflow = parse(text)

    it(`${file} may only read, but for jobs that say more, and those run no code of the repository`, () => {
      assert.deepStrictEqual(workflow.permissions, { contents: "read" })
      for (const { permissions = {}, steps = [] } of jobsOf(workflow)) {
        if (!Object.values(permissions).includes("write")) continue
        for (const { uses = "", run = "" } of steps) {
          assert.notMatch(uses, /^actions\/checkout@/)
          assert.notMatch(run, /\b(npm|npx|node|sh|bash)\b/)
        }
      }
    })

    it(`${file} gives secrets only to a job of a guarded environment that installs no packages`, () => {
      for (const job of jobsOf(workflow)) {
        if (!JSON.stringify(job).includes("secrets.")) continue
        assert.isString(job.environment)
        for (const { run = "" } of job.steps ?? []) assert.notMatch(run, /\b(npm|npx)\b/)
      }
    })

    it(`${file} pastes no value into a shell`, () => assert.deepStrictEqual(pasted(text), []))

    it(`${file} leaves no credential of GitHub's in the checkout`, () => {
      for (const { uses = "", with: given = {} } of stepsOf(workflow))
        if (uses.startsWith("actions/checkout@")) assert.strictEqual(given["persist-credentials"], false)
    })

    it(`${file} runs nothing of a stranger's with the rights of this repository`, () =>
      assert.notMatch(JSON.stringify(workflow.on), /pull_request_target|workflow_run|issue_comment/))

    it(`${file} runs no scripts of packages when it installs them`, () => {
      const installs = stepsOf(workflow).flatMap(({ run = "" }) => run.match(/npm (ci|i|install)\b.*/g) ?? [])
      for (const install of installs) assert.include(install, "--ignore-scripts")
    })
  }
})
