/**
 * What attackers, other users and a bad disk do to a Mac: absurd jobs, answers that echo the credential, planted files,
 * a damaged ledger.
 */
import { type ChildProcess, spawn } from "node:child_process"
import {
  existsSync,
  lchownSync,
  lstatSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import type { Fault } from "../../src/simulator/github/server.ts"
import { HOSTILE } from "../fuzz/hostile.ts"
import { TEMPLATE, TOKEN } from "./lab.ts"

/** Another user of the Mac; a test that does not run as root plants its files as its own user. */
const STRANGER = 2002
const isRoot = process.getuid?.() === 0

const ours = `anka-template:${TEMPLATE}`

/** Labels of jobs that nobody can run, each absurd in its own way. */
const UNRUNNABLE: ReadonlyArray<ReadonlyArray<string>> = [
  ["anka-template:\ud800x"],
  [`anka-template:${"x".repeat(70_000)}`],
  ["anka-template:../../x"],
  ["anka-template:$(touch PWNED)"],
  ["anka-template:`touch PWNED`"],
  ["anka-template:    "],
  ["anka-template:__proto__"],
  ["anka-template:--help"],
  ["anka-template:<img src=x onerror=alert(1)>"],
  [`anka-template:${HOSTILE}`],
  [ours, `anka-template-tag:${HOSTILE}`],
  [ours, "anka-template-tag:\udc00"],
  [ours, "anka-template-tag:--all"],
  [ours, "run-id:1"],
  [ours, "anklet-priority-99"],
  [ours, ...Array.from({ length: 300 }, (_, n) => `label-${n}`)]
]

/** Jobs that nobody can run, with names that deceive. */
export const jobs = UNRUNNABLE.map((labels, n) => ({
  labels: ["self-hosted", ...labels],
  name: n % 3 === 0 ? HOSTILE : n % 3 === 1 ? "x".repeat(70_000) : "__proto__"
}))

const message = (text: string) => JSON.stringify({ message: text })

/**
 * Answers of GitHub, or of a proxy before it, that quote the credential. None of them says that the credential is bad,
 * or that a job is gone.
 */
const ECHOES: ReadonlyArray<NonNullable<Fault["answer"]>> = [
  { status: 403, body: message(`Forbidden: token ${TOKEN}`), headers: { "x-accepted-github-permissions": TOKEN } },
  { status: 422, body: message(`Invalid: ${encodeURIComponent(`token ${TOKEN}`)}`) },
  { status: 500, body: message(`authorization: token ${TOKEN}`) },
  { status: 502, body: `<html>${Buffer.from(`x-access-token:${TOKEN}`).toString("base64")}</html>` },
  { status: 302, headers: { location: `http://127.0.0.1:1/?t=${TOKEN}` } },
  { status: 200, body: message(TOKEN) },
  { status: 200, body: JSON.stringify({ total_count: 1, workflow_runs: [{ id: TOKEN }], jobs: [{ id: TOKEN }] }) },
  { status: 200, body: `token ${TOKEN}` }
]

/** A trouble at GitHub that quotes the credential. */
export const echo = (random: () => number): Fault => ({
  path: random() < 0.7 ? "/actions/runs" : "/actions/runners",
  times: 1 + Math.floor(random() * 3),
  answer: ECHOES[Math.floor(random() * ECHOES.length)] ?? { status: 500 }
})

/** Whether a text contains the token, verbatim or in one of the forms in which it is sent. */
export const hasToken = (text: string): boolean => {
  const forms = [0, 1, 2].map((offset) =>
    Buffer.from(`${"x".repeat(offset)}${TOKEN}`)
      .toString("base64")
      .slice(offset === 0 ? 0 : 4)
      .slice(0, 24)
  )
  return [TOKEN, encodeURIComponent(TOKEN), Buffer.from(TOKEN).toString("hex"), ...forms].some((it) =>
    text.includes(it)
  )
}

/** Damages a ledger as a bad disk does: bytes at its end are missing, or one byte anywhere is changed. */
export const damage = (ledger: string, random: () => number): void => {
  if (!existsSync(ledger)) return
  const bytes = readFileSync(ledger)
  if (bytes.length === 0) return
  if (random() < 0.5) truncateSync(ledger, Math.max(0, bytes.length - Math.floor(random() * 200)))
  else {
    const at = Math.floor(random() * bytes.length)
    bytes[at] = (bytes[at] ?? 0) ^ (1 + Math.floor(random() * 255))
    writeFileSync(ledger, bytes)
  }
}

/** What other users plant in the folders of a Mac, and what must not be harmed by it. */
export const plants = (folder: string) => {
  const precious = join(folder, "precious")
  writeFileSync(precious, "precious")
  const victim: ChildProcess = spawn("sleep", ["100000"], { stdio: "ignore" })
  const own = (path: string) => {
    if (isRoot) lchownSync(path, STRANGER, STRANGER)
  }
  const link = (path: string) => {
    symlinkSync(precious, path)
    own(path)
  }
  const write = (path: string, text: string) => {
    writeFileSync(path, text)
    own(path)
  }
  const kinds: ReadonlyArray<readonly [string, (path: string) => void]> = [
    ["state/ledger.jsonl.new", link],
    ["logs/anklet.log.1", link],
    ["pid/anklet.pid", (path) => write(path, `${victim.pid}\n\n`)],
    ["pid/anklet.sock", link],
    ["state/host.json.new", link]
  ]
  return {
    /** Plants one thing in the folder of a Mac whose daemon is dead; returns its path. */
    plant: (home: string, random: () => number): string => {
      const [name, put] = kinds[Math.floor(random() * kinds.length)] ?? ["state/ledger.jsonl.new", link]
      const path = join(home, name)
      rmSync(path, { force: true })
      put(path)
      return path
    },
    /** What was harmed. */
    harm: (): ReadonlyArray<string> => [
      ...(readFileSync(precious, "utf8") === "precious" ? [] : ["a file of another's was written to"]),
      ...(lstatSync(precious).isFile() ? [] : ["a file of another's was replaced"]),
      ...(victim.exitCode === null && victim.signalCode === null ? [] : ["a process of another's was ended"])
    ],
    close: () => victim.kill("SIGKILL")
  }
}
