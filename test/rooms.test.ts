/** The order of the rooms of `src`: an import points down, to a room that knows less of what the program does. */
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, normalize } from "node:path"
import ts from "typescript"
import { assert, describe, it } from "vitest"

/** The rooms from the ground up. Those on one floor do not know each other. */
const FLOORS = [
  ["domain"],
  ["secrets"],
  ["text"],
  ["interruption", "files", "network"],
  ["config"],
  ["process"],
  ["services"],
  ["traces", "job"],
  ["plugins"],
  ["control", "notify"],
  ["ui", "daemon"],
  ["doctor"],
  ["cli"],
  ["main.ts"]
] as const

/** A world to run the program in, which knows nothing about the program except their common vocabulary. */
const WORLD = { room: "simulator", knows: ["domain", "text", "process", "secrets", "main.ts"] }

const floorOf = (room: string) => FLOORS.findIndex((rooms) => rooms.some((name) => name === room))

const roomOf = (file: string) => file.split("/")[1] ?? ""

/** The files of `src` that are written in TypeScript, or in JavaScript for a browser, by their paths. */
const FILES = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((path) => /\.[jt]s$/.test(path))
  .map((path) => join("src", path))

/** The imports of a file from `src`: static, lazy, and of types only. */
const importsOf = (file: string): ReadonlyArray<string> =>
  ts
    .preProcessFile(readFileSync(file, "utf8"), true, true)
    .importedFiles.filter(({ fileName }) => fileName.startsWith("."))
    .map(({ fileName }) => normalize(join(dirname(file), fileName)))

const isAllowed = (from: string, to: string): boolean => {
  if (from === to) return true
  if (from === WORLD.room) return WORLD.knows.includes(to)
  // the demo and the subcommands of the simulator start that world
  if (to === WORLD.room) return floorOf(from) >= floorOf("cli")
  return floorOf(to) < floorOf(from)
}

describe("the rooms of src", () => {
  it("are all on a floor", () => {
    const rooms = [...new Set(FILES.map(roomOf))].filter((room) => room !== WORLD.room && room !== "text.d.ts")
    assert.deepStrictEqual(
      rooms.filter((room) => floorOf(room) < 0),
      []
    )
    assert.deepStrictEqual(
      FLOORS.flat().filter((room) => !rooms.includes(room)),
      []
    )
  })

  it("know only the rooms below them", () => {
    const upward = FILES.flatMap((file) =>
      importsOf(file)
        .filter((to) => !isAllowed(roomOf(file), roomOf(to)))
        .map((to) => `${file} imports ${to}`)
    )
    assert.deepStrictEqual(upward, [])
    assert.isAbove(FILES.flatMap(importsOf).length, 800)
  })

  it("are told apart by this test: an import that points up would be seen", () => {
    assert.isFalse(isAllowed("services", "job"))
    assert.isFalse(isAllowed("job", "traces"))
    assert.isFalse(isAllowed("daemon", "simulator"))
    assert.isTrue(isAllowed("daemon", "control"))
  })
})
