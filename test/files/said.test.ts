import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { FileSystem } from "@effect/platform/FileSystem"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Effect from "effect/Effect"
import { assert, it } from "vitest"
import { said } from "../../src/files/said.ts"

it("a failed operation on a file is said in the system's words, without the function that was called", async () => {
  const folder = mkdtempSync(join(tmpdir(), "anklet-said-"))
  const file = join(folder, "file")
  writeFileSync(file, "")
  const failed = (operation: (fs: FileSystem) => Effect.Effect<unknown, Parameters<typeof said>[0]>) =>
    Effect.runPromise(
      Effect.flatMap(FileSystem, operation).pipe(Effect.flip, Effect.map(said), Effect.provide(NodeFileSystem.layer))
    )
  const missing = join(folder, "no", "file")
  assert.strictEqual(await failed((fs) => fs.readFile(missing)), `no such file or directory: ${missing}`)
  assert.strictEqual(await failed((fs) => fs.readDirectory(file)), `not a directory: ${file}`)
  assert.strictEqual(await failed((fs) => fs.makeDirectory(file)), `file already exists: ${file}`)
  rmSync(folder, { recursive: true })
})

it("without the system's words, its reason is said; any other error has words of its own", () => {
  const denied = { _tag: "SystemError", reason: "PermissionDenied", message: "PermissionDenied: FileSystem.open (/x)" }
  assert.strictEqual(said({ ...denied, pathOrDescriptor: "/x" }), "permission denied: /x")
  assert.strictEqual(said(denied), "permission denied")
  assert.strictEqual(said({ _tag: "Untrusted", message: "/x is a link" }), "/x is a link")
})
