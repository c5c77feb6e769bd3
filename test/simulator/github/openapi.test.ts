import { generateKeyPairSync } from "node:crypto"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { createAppAuth } from "@octokit/auth-app"
import Ajv from "ajv"
import addFormats from "ajv-formats"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { type SimulatedGitHub, start } from "../../../src/simulator/github/server.ts"
import { enterpriseOf } from "../../../src/simulator/github/world.ts"

type Json = { readonly [key: string]: Json } & ReadonlyArray<Json> & string

/** OpenAPI 3.0 writes `nullable` where JSON schema has a type `null`. */
const nullable = (node: unknown): unknown => {
  if (Array.isArray(node)) return node.map(nullable)
  if (typeof node !== "object" || node === null) return node
  const {
    nullable: isNullable,
    example: _,
    ...rest
  } = Object.fromEntries(
    Object.entries(node).map(([key, value]) => [
      key,
      key === "example" || key === "examples" ? undefined : nullable(value)
    ])
  )
  if (isNullable !== true) return rest
  return { anyOf: [rest, { type: "null" }] }
}

/** One of GitHub's descriptions, and what checks an answer to a route against it. */
const description = (name: string) => {
  const file = createRequire(import.meta.url).resolve(`@octokit/openapi/generated/${name}.json`)
  const api = JSON.parse(readFileSync(file, "utf8"))
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: true })
  addFormats(ajv)
  ajv.addFormat("repo.nwo", true)
  ajv.addSchema({ $id: "api", components: { schemas: nullable(api.components.schemas) } })

  const resolve = (node: Json): Json =>
    node?.$ref === undefined
      ? node
      : String(node.$ref)
          .slice(2)
          .split("/")
          .reduce((at: Json, key) => at[key] as Json, api)

  const check = (method: string, route: string, status: number, path: string, body: unknown) => {
    const response = resolve(api.paths[route]?.[method]?.responses?.[String(status)])
    assert.isDefined(response, `${method} ${route} is not described to answer ${status}`)
    const schema = response.content?.["application/json"]?.schema
    if (schema === undefined) return
    const validate = ajv.compile(
      JSON.parse(JSON.stringify(nullable(schema)).replaceAll("#/components", "api#/components"))
    )
    assert.isTrue(validate(body), `${method} ${path}: ${JSON.stringify(validate.errors?.slice(0, 5))}`)
  }
  return { check, isBasicError: ajv.compile({ $ref: "api#/components/schemas/basic-error" }) }
}

let github: SimulatedGitHub
const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })

beforeAll(async () => {
  github = await start({
    tokens: ["good"],
    app: { id: 7, installation: 9, publicKey: publicKey.export({ type: "spki", format: "pem" }).toString() }
  })
})
afterAll(() => github.close())

const ask = async (method: string, path: string, body?: unknown, token = "good") => {
  const response = await fetch(`${github.url}${path}`, {
    method: method.toUpperCase(),
    headers: { authorization: `Bearer ${token}`, "user-agent": "test" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) })
  })
  const text = await response.text()
  return { status: response.status, body: text === "" ? undefined : JSON.parse(text) }
}

/** Sends a request, and checks the answer against the description. */
const holdsBy =
  ({ check }: ReturnType<typeof description>) =>
  async (method: string, route: string, path: string, status: number, body?: unknown, token?: string) => {
    const answer = await ask(method, path, body, token)
    assert.strictEqual(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.body)}`)
    check(method, route, status, path, answer.body)
    return answer.body
  }

const described = description("api.github.com")
const holds = holdsBy(described)

const R = "/repos/{owner}/{repo}"

describe("every answer of the simulated GitHub is as GitHub's own description says", () => {
  it("for runs and jobs, in all their states", async () => {
    const { run, jobs } = github.world.queue({
      owner: "o",
      repo: "r",
      jobs: [{ labels: ["a"], steps: ["true", "false"] }, { labels: ["b"] }]
    })
    const [job] = jobs
    assert.isDefined(job)
    const runner = github.world.register("o/r", "one", ["a"])
    for (const step of [
      () => undefined,
      () => github.world.assign(runner),
      () => github.world.complete(job?.id ?? 0, "success"),
      () => github.world.cancel(run.id)
    ]) {
      step()
      await holds("get", `${R}/actions/runs`, "/repos/o/r/actions/runs", 200)
      await holds("get", `${R}/actions/runs/{run_id}`, `/repos/o/r/actions/runs/${run.id}`, 200)
      await holds("get", `${R}/actions/runs/{run_id}/jobs`, `/repos/o/r/actions/runs/${run.id}/jobs`, 200)
      await holds("get", `${R}/actions/jobs/{job_id}`, `/repos/o/r/actions/jobs/${job?.id}`, 200)
    }
    await holds("post", `${R}/actions/runs/{run_id}/cancel`, `/repos/o/r/actions/runs/${run.id}/cancel`, 409)
    await holds("post", `${R}/actions/runs/{run_id}/rerun`, `/repos/o/r/actions/runs/${run.id}/rerun`, 201, {})
    await holds(
      "get",
      `${R}/actions/runs/{run_id}/attempts/{attempt_number}/jobs`,
      `/repos/o/r/actions/runs/${run.id}/attempts/1/jobs`,
      200
    )
    await holds(
      "post",
      `${R}/actions/runs/{run_id}/force-cancel`,
      `/repos/o/r/actions/runs/${run.id}/force-cancel`,
      202
    )
    await holds(
      "post",
      `${R}/actions/runs/{run_id}/rerun-failed-jobs`,
      `/repos/o/r/actions/runs/${run.id}/rerun-failed-jobs`,
      201,
      {}
    )
  })

  it("for runners of repositories and organisations", async () => {
    for (const [route, path] of [
      [`${R}/actions/runners`, "/repos/o/x/actions/runners"],
      ["/orgs/{org}/actions/runners", "/orgs/o/actions/runners"]
    ] as const) {
      const asked = { name: `of ${path}`, labels: ["self-hosted", "b"], runner_group_id: 1 }
      const { runner } = await holds("post", `${route}/generate-jitconfig`, `${path}/generate-jitconfig`, 201, asked)
      await holds("post", `${route}/generate-jitconfig`, `${path}/generate-jitconfig`, 409, asked)
      await holds("post", `${route}/generate-jitconfig`, `${path}/generate-jitconfig`, 422, {
        ...asked,
        name: "n",
        labels: []
      })
      await holds("post", `${route}/generate-jitconfig`, `${path}/generate-jitconfig`, 404, {
        ...asked,
        name: "n",
        runner_group_id: 5
      })
      for (const labels of [Array.from({ length: 101 }, (_, n) => `l${n}`), ["x".repeat(257)], [""]]) {
        await holds("post", `${route}/generate-jitconfig`, `${path}/generate-jitconfig`, 422, {
          ...asked,
          name: "n",
          labels
        })
      }
      await holds("get", route, path, 200)
      await holds("get", `${route}/{runner_id}`, `${path}/${runner.id}`, 200)
      const busy = github.world.runners.get(runner.id)
      assert.isDefined(busy)
      if (busy !== undefined) busy.job = 1
      const refused = await holds("delete", `${route}/{runner_id}`, `${path}/${runner.id}`, 422)
      assert.include(refused.message, "is currently running a job and cannot be deleted.")
      if (busy !== undefined) busy.job = null
      await holds("delete", `${route}/{runner_id}`, `${path}/${runner.id}`, 204)
      assert.strictEqual((await ask("get", `${path}/${runner.id}`)).status, 404)
    }
  })

  it("for runners and runner groups of enterprises, which only the Enterprise Cloud has", async () => {
    const holds = holdsBy(description("ghec"))
    github.world.enterprises.set("big", new Set(["o"]))
    github.world.groups.set(enterpriseOf("big"), [{ id: 5, name: "some", repositories: ["o"] }])
    const [E, at] = ["/enterprises/{enterprise}/actions", "/enterprises/big/actions"]
    const groups = async (query: string) =>
      (await holds("get", `${E}/runner-groups`, `${at}/runner-groups${query}`, 200)).runner_groups.map(
        ({ id }: { readonly id: number }) => id
      )
    assert.deepStrictEqual(await groups("?visible_to_organization=o"), [1, 5])
    assert.deepStrictEqual(await groups("?visible_to_organization=p"), [1])
    const asked = { name: "of an enterprise", labels: ["e"], runner_group_id: 5 }
    const jit = [`${E}/runners/generate-jitconfig`, `${at}/runners/generate-jitconfig`] as const
    const { runner } = await holds("post", ...jit, 201, asked)
    await holds("post", ...jit, 409, asked)
    await holds("get", `${E}/runners`, `${at}/runners`, 200)
    await holds("get", `${E}/runners/{runner_id}`, `${at}/runners/${runner.id}`, 200)
    await holds("delete", `${E}/runners/{runner_id}`, `${at}/runners/${runner.id}`, 204)
    assert.strictEqual((await ask("get", "/enterprises/other/actions/runners")).status, 404)
  })

  it("for runner groups of organisations, which repositories do not have", async () => {
    github.world.groups.set("o", [
      { id: 5, name: "all" },
      { id: 6, name: "some", repositories: ["r"] }
    ])
    const groups = async (query: string) =>
      (
        await holds("get", "/orgs/{org}/actions/runner-groups", `/orgs/o/actions/runner-groups${query}`, 200)
      ).runner_groups.map(({ id }: { readonly id: number }) => id)
    assert.deepStrictEqual(await groups(""), [1, 5, 6])
    assert.deepStrictEqual(await groups("?visible_to_repository=r"), [1, 5, 6])
    assert.deepStrictEqual(await groups("?visible_to_repository=x"), [1, 5])
    const asked = { name: "of a group", labels: ["g"], runner_group_id: 6 }
    const { runner } = await holds(
      "post",
      "/orgs/{org}/actions/runners/generate-jitconfig",
      "/orgs/o/actions/runners/generate-jitconfig",
      201,
      asked
    )
    assert.strictEqual(runner.runner_group_id, 6)
    await holds(
      "post",
      `${R}/actions/runners/generate-jitconfig`,
      "/repos/o/r/actions/runners/generate-jitconfig",
      404,
      asked
    )
    github.world.queue({ owner: "o", repo: "x", jobs: [{ labels: ["g"] }] })
    const [registered] = [...github.world.runners.values()].filter(({ group }) => group === 6)
    assert.isDefined(registered)
    if (registered === undefined) return
    assert.isUndefined(github.world.assign(registered))
    const { jobs } = github.world.queue({ owner: "o", repo: "r", jobs: [{ labels: ["g"] }] })
    assert.strictEqual(github.world.assign(registered)?.id, jobs[0]?.id)
  })

  it("for repositories, the rate limit, an App's token and its check runs", async () => {
    github.world.repositories.add("o/r")
    await holds("get", "/orgs/{org}/repos", "/orgs/o/repos", 200)
    await holds("get", "/installation/repositories", "/installation/repositories", 200)
    await holds("get", R, "/repos/o/r", 200)
    await holds("get", `${R}/actions/permissions`, "/repos/o/r/actions/permissions", 200)
    github.world.withoutActions.add("o/r")
    await holds("get", `${R}/actions/permissions`, "/repos/o/r/actions/permissions", 200)
    github.world.withoutActions.clear()
    github.world.users.add("someone")
    await holds("get", "/users/{username}", "/users/someone", 200)
    await holds("get", "/users/{username}", "/users/o", 200)
    await holds("get", "/rate_limit", "/rate_limit", 200)
    const auth = createAppAuth({ appId: 7, privateKey: privateKey.export({ type: "pkcs1", format: "pem" }).toString() })
    const { token } = await auth({ type: "app" })
    for (const [route, path] of [
      ["/repos/{owner}/{repo}/installation", "/repos/o/r/installation"],
      ["/orgs/{org}/installation", "/orgs/o/installation"],
      ["/users/{username}/installation", "/users/o/installation"]
    ] as const) {
      await holds("get", route, path, 200, undefined, token)
      assert.strictEqual((await ask("get", path.replace("/o", "/other"), undefined, token)).status, 404)
    }
    const minted = await holds(
      "post",
      "/app/installations/{installation_id}/access_tokens",
      "/app/installations/9/access_tokens",
      201,
      {},
      token
    )
    await holds(
      "post",
      `${R}/check-runs`,
      "/repos/o/r/check-runs",
      201,
      { name: "n", head_sha: "0".repeat(40) },
      minted.token
    )
  })

  it("and what is refused is a basic error", async () => {
    const validate = described.isBasicError
    for (const [status, answer] of [
      [401, await ask("get", "/repos/o/r/actions/runs", undefined, "bad")],
      [404, await ask("get", "/repos/o/unknown/actions/runs")],
      [404, await ask("get", "/nothing")],
      [422, await ask("get", "/repos/o/r/actions/runs?status=sleeping")]
    ] as const) {
      assert.strictEqual(answer.status, status)
      assert.isTrue(validate(answer.body), JSON.stringify(validate.errors))
    }
  })
})
