/** Whom this process trusts with a file. What two users do to each other is in test/whole/users.test.ts. */
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { PlatformError } from "@effect/platform/Error"
import type { FileSystem } from "@effect/platform/FileSystem"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Files from "../../src/files/Files.ts"
import { Lstat, type Named } from "../../src/files/Lstat.ts"
import { NodeContext } from "../fakes/platform.ts"

const me = process.getuid?.() ?? 0
const mode = (path: string) => lstatSync(path).mode & 0o7777

let folder = ""
let before = 0
beforeEach(() => {
  before = process.umask(0)
  folder = realpathSync(mkdtempSync(join(tmpdir(), "anklet-files-")))
})
afterEach(() => {
  process.umask(before)
})

const refused = (effect: Effect.Effect<unknown, Files.Untrusted | PlatformError, FileSystem>) =>
  Effect.map(Effect.either(effect), (done) =>
    Either.isLeft(done) && done.left._tag === "Untrusted" ? done.left.message : undefined
  )

/** The real files, except that the status of some is made up. */
const as = (given: Record<string, Partial<Named>>) =>
  Effect.map(
    Lstat,
    (real) => (path: string) =>
      Effect.map(
        real(path),
        Option.map((found): Named => ({ ...found, ...given[path] }))
      )
  )

describe("what is made, with a umask of 0,", () => {
  it.effect("is its user's alone, folders on the way too", () =>
    Effect.gen(function* () {
      const deep = join(folder, "a", "b")
      yield* Files.makeFolder(deep)
      yield* Files.create(join(deep, "made"), "x")
      yield* Files.replace(join(deep, "replaced"), "x")
      yield* Effect.scoped(Files.openToAppend(join(deep, "appended")))
      yield* Effect.scoped(Files.openAnew(join(deep, "anew")))
      assert.deepStrictEqual([join(folder, "a"), deep].map(mode), [0o700, 0o700])
      assert.deepStrictEqual(
        ["made", "replaced", "appended", "anew"].map((name) => mode(join(deep, name))),
        [0o600, 0o600, 0o600, 0o600]
      )
    }).pipe(Effect.provide(NodeContext))
  )
})

describe("a link that somebody planted", () => {
  for (const [what, act] of [
    ["is not read", Files.readText],
    ["is not appended to", (path: string) => Effect.scoped(Files.openToAppend(path))],
    ["is not written through", (path: string) => Files.replace(path, "mine")],
    ["is not taken for a file that says something", (path: string) => Files.look(path)]
  ] as const) {
    it.effect(what, () =>
      Effect.gen(function* () {
        const victim = join(folder, "victim")
        const path = join(folder, "state")
        writeFileSync(victim, "precious", { mode: 0o600 })
        symlinkSync(victim, path)
        assert.include(yield* refused(act(path)), `${path} is a symbolic link`)
        assert.strictEqual(readFileSync(victim, "utf8"), "precious")
      }).pipe(Effect.provide(NodeContext))
    )
  }

  it.effect("as a name that is about to be made is not followed, also where it leads nowhere", () =>
    Effect.gen(function* () {
      const path = join(folder, "new")
      symlinkSync(join(folder, "nowhere"), path)
      const made = yield* Effect.either(Files.create(path, "x"))
      assert.isTrue(Either.isLeft(made))
      yield* Effect.scoped(Files.openAnew(path))
      assert.isFalse(lstatSync(path).isSymbolicLink())
      assert.throws(() => lstatSync(join(folder, "nowhere")))
    }).pipe(Effect.provide(NodeContext))
  )

  it.effect("as a second name of a file, where all may make names, is refused, and elsewhere is not", () =>
    Effect.gen(function* () {
      const victim = join(folder, "victim")
      writeFileSync(victim, "precious", { mode: 0o600 })
      linkSync(victim, join(folder, "linked"))
      assert.isUndefined(yield* refused(Files.readText(join(folder, "linked"))))
      chmodSync(folder, 0o1777)
      assert.include(yield* refused(Files.readText(join(folder, "linked"))), "second name")
    }).pipe(Effect.provide(NodeContext))
  )
})

describe("the user's own links", () => {
  it.effect("to folders are followed, wherever they stand on the way", () =>
    Effect.gen(function* () {
      mkdirSync(join(folder, "volume", "state"), { recursive: true, mode: 0o700 })
      symlinkSync("volume", join(folder, "relative"))
      symlinkSync(join(folder, "relative", "..", "volume", "state"), join(folder, "state"))
      yield* Files.makeFolder(join(folder, "state"))
      yield* Files.replace(join(folder, "state", "file"), "x")
      assert.strictEqual(readFileSync(join(folder, "volume", "state", "file"), "utf8"), "x")
    }).pipe(Effect.provide(NodeContext))
  )

  it.effect("to a file that is the user's to give are followed, and what they lead to is looked at", () =>
    Effect.gen(function* () {
      const real = join(folder, "dotfiles.mjs")
      writeFileSync(real, "x", { mode: 0o600 })
      symlinkSync(real, join(folder, "index.mjs"))
      assert.isUndefined(yield* refused(Files.lookAtGiven(join(folder, "index.mjs"))))
      chmodSync(real, 0o666)
      assert.include(yield* refused(Files.lookAtGiven(join(folder, "index.mjs"))), `chmod go-w ${real}`)
    }).pipe(Effect.provide(NodeContext))
  )

  it.effect("in a circle are refused", () =>
    Effect.gen(function* () {
      symlinkSync(join(folder, "b"), join(folder, "a"))
      symlinkSync(join(folder, "a"), join(folder, "b"))
      assert.include(yield* refused(Files.lookAtFolder(join(folder, "a"))), "too many links")
    }).pipe(Effect.provide(NodeContext))
  )
})

describe("trust", () => {
  const STAFF = 20
  for (const [what, at, given, says] of [
    ["root's file", "file", { uid: 0 }, undefined],
    ["another user's file", "file", { uid: me + 1 }, "belongs to another user"],
    ["a file that all may write", "file", { mode: 0o646 }, "chmod go-w"],
    ["a file that a group of many may write", "file", { mode: 0o664, gid: STAFF }, "chmod go-w"],
    ["a file that root's group may write", "file", { mode: 0o664, gid: 0 }, undefined],
    ["a file that all may read", "file", { mode: 0o644, gid: STAFF }, undefined],
    ["what is not a file", "file", { type: "Other" }, "not a regular file"],
    ["a file in another user's folder", "folder", { uid: me + 1 }, "belongs to another user"],
    ["a file in another user's folder, sticky or not", "folder", { uid: me + 1, mode: 0o1777 }, "another user"],
    ["a file in a folder that all may write", "folder", { mode: 0o777 }, "chmod go-w"],
    ["a file in a folder that a group of many may write", "folder", { mode: 0o775, gid: STAFF }, "chmod go-w"],
    ["a file in a folder that all may write, and that is sticky", "folder", { mode: 0o1777 }, undefined],
    ["a file below another user's folder", "above", { uid: me + 1 }, "belongs to another user"],
    ["a file below a folder that all may write", "above", { mode: 0o777 }, "chmod go-w"],
    ["a file on a volume whose root a group may write", "above", { mode: 0o775, gid: STAFF }, undefined]
  ] as const) {
    it.effect(`${says === undefined ? "is given to" : "is refused to"} ${what}`, () =>
      Effect.gen(function* () {
        const above = join(folder, "volume")
        const file = join(above, "folder", "file")
        mkdirSync(join(above, "folder"), { recursive: true, mode: 0o755 })
        writeFileSync(file, "x", { mode: 0o644 })
        const paths = { file, folder: join(above, "folder"), above }
        const lstat = yield* as({ [paths[at]]: given })
        const said = yield* refused(Effect.provideService(Files.readText(file), Lstat, lstat))
        if (says === undefined) assert.isUndefined(said)
        else assert.include(said, says)
        if (says !== undefined) assert.include(said, paths[at])
      }).pipe(Effect.provide(NodeContext))
    )
  }

  it.effect("is refused to a link of another user on the way, where all may make names", () =>
    Effect.gen(function* () {
      mkdirSync(join(folder, "mine"), { mode: 0o700 })
      writeFileSync(join(folder, "mine", "file"), "x", { mode: 0o600 })
      symlinkSync("mine", join(folder, "way"))
      const lstat = yield* as({ [folder]: { mode: 0o1777 }, [join(folder, "way")]: { uid: me + 1 } })
      const said = yield* refused(Effect.provideService(Files.readText(join(folder, "way", "file")), Lstat, lstat))
      assert.include(said, `${join(folder, "way")} belongs to another user`)
    }).pipe(Effect.provide(NodeContext))
  )

  it.effect("is refused to anything in a plugin's folder that others may write, at any depth", () =>
    Effect.gen(function* () {
      mkdirSync(join(folder, "lib", "deep"), { recursive: true, mode: 0o755 })
      writeFileSync(join(folder, "lib", "deep", "helper.mjs"), "x", { mode: 0o644 })
      assert.isUndefined(yield* refused(Files.lookAtAll(folder)))
      chmodSync(join(folder, "lib", "deep", "helper.mjs"), 0o666)
      assert.include(yield* refused(Files.lookAtAll(folder)), "helper.mjs")
    }).pipe(Effect.provide(NodeContext))
  )
})
