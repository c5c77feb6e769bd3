import { assert, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import type { GitHubClient, GitHubError } from "../../src/services/GitHub.ts"
import { level, repo, SECRET, use } from "../services/GitHub/use.ts"
import { anything } from "./text.ts"

const job = { id: 1, run_id: 2, name: "n", status: "queued", labels: ["a"], created_at: "2026-01-01T00:00:00Z" }
const answer = FastCheck.record({
  // no 5xx: it is asked three times, with pauses
  status: FastCheck.constantFrom(200, 200, 200, 201, 204, 301, 304, 400, 401, 403, 404, 409, 422),
  headers: FastCheck.constantFrom<Record<string, string>>(
    { "content-type": "application/json" },
    { "content-type": "text/html" },
    { "content-type": "application/json", link: '<https://x.test>; rel="next"' },
    { "content-type": "application/json; charset=nonsense", etag: '"x"' },
    { location: "http://elsewhere.test/" }
  ),
  body: anything(
    JSON.stringify(job),
    JSON.stringify({ total_count: 1, jobs: [job] }),
    JSON.stringify({ total_count: 1, workflow_runs: [{ id: 2, name: "CI", status: "queued" }] }),
    JSON.stringify({ total_count: 1, runners: [{ id: 3, name: "n", status: "online", busy: false }] }),
    JSON.stringify({ runner: { id: 3, name: "n", status: "offline", busy: false }, encoded_jit_config: "CANARY-JIT" })
  )
})

const CALLS: ReadonlyArray<(client: GitHubClient) => Effect.Effect<unknown, GitHubError>> = [
  (client) => client.job("o", "r", 1),
  (client) => client.look(repo, 0),
  (client) => client.createRunner(level, { name: "n", labels: ["x"] }),
  (client) => client.runner(level, 3),
  (client) => client.runnerByName(level, "n"),
  (client) => client.removeRunner(level, 3),
  (client) => client.credential,
  (client) => client.tryLook(repo),
  (client) => client.runners(level)
]

it("whatever GitHub or a proxy answers, it is understood, or it is an error without a secret", async () => {
  const counts = { understood: 0, refused: 0 }
  await FastCheck.assert(
    FastCheck.asyncProperty(answer, async (answer) => {
      const exits = await Effect.runPromise(
        use((client, github) => {
          github.faults.push({ path: "/", times: 1000, answer })
          return Effect.forEach(CALLS, (call) => Effect.exit(call(client)))
        })
      )
      for (const [n, exit] of exits.entries()) {
        counts[Exit.isSuccess(exit) ? "understood" : "refused"]++
        if (Exit.isSuccess(exit)) continue
        const failure = Cause.failureOption(exit.cause)
        assert.isTrue(Option.isSome(failure), Cause.pretty(exit.cause))
        if (Option.isSome(failure)) {
          assert.match(failure.value.message, /^(GET|POST|DELETE) /)
          assert.notInclude(Cause.pretty(exit.cause), SECRET)
          // only the answer to a registration holds one
          if (n === 2) assert.notInclude(Cause.pretty(exit.cause), "CANARY-JIT")
        }
      }
    }),
    { numRuns: 150 }
  )
  assert.isAbove(counts.understood, 5)
  assert.isAbove(counts.refused, 50)
})
