/** The config, and who else may read the secrets in it. */
import { FileSystem } from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Finding from "../Finding.ts"
import { expand } from "../Home.ts"
import type { Check, Patient } from "./Patient.ts"

export const KINDS = {
  "config-unusable": {
    level: "problem",
    why: "A daemon never starts with a config that is wrong.",
    remedy: "correct the file; the README lists all keys"
  },
  "secret-readable": {
    level: "warning",
    why: "Every user of this Mac can read the secret, and take runners or the queue with it.",
    remedy: "`chmod 600 FILE`"
  }
} as const satisfies Finding.Kinds

const found = Finding.about("config", KINDS)

/** A line that gives a secret as it is, and not as `${ENV}`, `file:PATH`, or a key's file. */
const WRITTEN = [
  /^\s*(?:- )?\s*(?:token|password)\s*:\s*["']?(?!\$\{|file:|["'\s])\S/m,
  /^\s*(?:- )?\s*url\s*:\s*["']?rediss?:\/\/[^/\s]*:[^/\s]+@/m,
  /-----BEGIN [A-Z ]*PRIVATE KEY/
]

/** Files that hold nothing but a secret. */
const FILES = [
  /^\s*(?:- )?\s*\w+\s*:\s*["']?file:([^"'\s]+)/gm,
  /^\s*(?:- )?\s*private_key\s*:\s*["']?([~/.][^"'\s]*)/gm
]

const isReadable = (path: string) =>
  Effect.flatMap(FileSystem, (fs) => fs.stat(path)).pipe(
    Effect.map(({ mode }) => (mode & 0o077) !== 0),
    // one that cannot be asked for is told of where the config is read
    Effect.orElseSucceed(() => false)
  )

const readable = (path: string) =>
  found("secret-readable", `${path} holds a secret, and others may read it`, { remedy: `\`chmod 600 ${path}\`` })

const secrets = Effect.fnUntraced(function* ({ file, places }: Patient) {
  const fs = yield* FileSystem
  const text = yield* Effect.orElseSucceed(fs.readFileString(file), () => "")
  const named = FILES.flatMap((pattern) => [...text.matchAll(pattern)].map(([, path = ""]) => expand(path, places)))
  const holding = [...(WRITTEN.some((pattern) => pattern.test(text)) ? [file] : []), ...new Set(named)]
  return (yield* Effect.filter(holding, isReadable)).map(readable)
})

/** Whether the daemon could start with this config. */
export const config: Check = {
  subject: "config",
  run: (patient) =>
    Effect.map(secrets(patient), (secrets) => [
      ...patient.problems.map((problem) => found("config-unusable", `${patient.file}: ${problem}`)),
      ...(patient.problems.length > 0
        ? []
        : [
            Finding.ok(
              "config",
              `${patient.file} is understood: ${patient.services.map(({ name }) => name).join(", ")}`
            )
          ]),
      ...secrets
    ])
}
