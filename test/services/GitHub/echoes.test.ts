/** A GitHub, or a proxy before it, that repeats the credential. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { GitHubClient, GitHubError } from "../../../src/services/GitHub.ts"
import type { SimulatedGitHub } from "../../../src/simulator/github/server.ts"
import { ECHOES, leak } from "../../fuzz/canary.ts"
import { level, repo, sent, use, useApp } from "./use.ts"

/** Answers that contain an echo. */
const ANSWERS: Readonly<
  Record<string, (echo: string) => { status: number; headers?: Record<string, string>; body?: string }>
> = {
  ...Object.fromEntries(
    [401, 403, 404, 409, 422, 500, 418].map((status) => [
      `${status}`,
      (echo: string) => ({
        status,
        body: JSON.stringify({ message: `Bad credentials: ${echo}`, errors: [{ message: echo }] })
      })
    ])
  ),
  "a long message": (echo) => ({
    status: 422,
    body: JSON.stringify({ message: `${"x".repeat(470)}${echo}` })
  }),
  "a permission": (echo) => ({
    status: 403,
    headers: { "x-accepted-github-permissions": encodeURI(echo) },
    body: '{"message":"no"}'
  }),
  "a rate limit": (echo) => ({
    status: 403,
    headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "9999999999" },
    body: JSON.stringify({ message: `API rate limit exceeded for ${echo}` })
  }),
  "a redirect": (echo) => ({ status: 302, headers: { location: `http://elsewhere.test/${encodeURI(echo)}` } }),
  "a list of something else": (echo) => ({
    status: 200,
    body: JSON.stringify({
      total_count: 1,
      workflow_runs: [{ id: echo }],
      jobs: [echo],
      runners: [{ [echo]: echo, name: echo }]
    })
  }),
  "an object of something else": (echo) => ({ status: 200, body: JSON.stringify({ id: echo, name: echo, [echo]: 1 }) }),
  "a registration of something else": (echo) => ({
    status: 201,
    body: JSON.stringify({ runner: { id: echo }, encoded_jit_config: echo })
  }),
  "a page": (echo) => ({ status: 200, headers: { "content-type": "text/html" }, body: `<html>${echo}</html>` }),
  "half of JSON": (echo) => ({ status: 200, body: `{"message": "${echo.replace(/["\n]/g, "")}` })
}

const CALLS: ReadonlyArray<(client: GitHubClient) => Effect.Effect<unknown, GitHubError>> = [
  (client) => client.job("o", "r", 1),
  (client) => client.look(repo, 0),
  (client) => client.createRunner(level, { name: "n", labels: ["x"] }),
  (client) => client.removeRunner(level, 3),
  (client) => client.credential
]

/** Everything that a caller receives, and everything logged during the call. */
const told = (client: GitHubClient) =>
  Effect.map(
    Effect.forEach(CALLS, (call) => Effect.either(call(client))),
    (results) =>
      results
        .flatMap((result) =>
          result._tag === "Left"
            ? [
                JSON.stringify(result.left),
                result.left.message,
                Cause.pretty(Cause.fail(result.left)),
                `${result.left.stack}`
              ]
            : []
        )
        .join("\n")
  )

const TOKEN = "ghp_CANARYq8w7e6r5t4z3u2i1o0p9a8s7d6f5g4"

describe("an echo of the credential is in no error", () => {
  for (const [what, answer] of Object.entries(ANSWERS)) {
    it.live(`in ${what}`, () =>
      Effect.forEach(
        Object.entries(ECHOES),
        ([how, echo]) =>
          use(
            (client, github) =>
              Effect.gen(function* () {
                github.faults.push({ path: "/", times: 1000, answer: answer(echo(TOKEN)) })
                const text = yield* told(client)
                assert.isUndefined(leak(text, TOKEN), `${how}: ${text}`)
              }),
            { token: TOKEN }
          ),
        { discard: true, concurrency: 5 }
      )
    )
  }

  it.live("that an App minted", () =>
    useApp((client, github) =>
      Effect.gen(function* () {
        yield* Effect.ignore(client.job("o", "r", 1))
        for (const answer of Object.values(ANSWERS)) {
          // when GitHub refuses a token, another one is minted
          const minted = mintedOf(github)
          github.faults.length = 0
          github.faults.push({ path: "/repos", times: 1000, answer: answer(ECHOES.header?.(minted) ?? "") })
          assert.isUndefined(leak(yield* told(client), minted))
        }
      })
    )
  )
})

const mintedOf = (github: SimulatedGitHub): string => {
  const token = sent(github, "GET", "/repos/").findLast(({ token }) => token.startsWith("ghs_"))?.token ?? ""
  assert.notStrictEqual(token, "")
  return token
}
