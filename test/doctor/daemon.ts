/** What can be wrong with the daemon's files and folders. */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { crc32 } from "node:zlib"
import type { Fault } from "./Fault.ts"

/** Its faults. */
export const daemon: ReadonlyArray<Fault> = [
  {
    on: "warnings and notes alone",
    name: "a file that pauses the host",
    id: "paused",
    level: "warning",
    what: /\.drain pauses this Mac/,
    remedy: /rm \S+\.drain/,
    cause: (host) => {
      mkdirSync(join(host.lab.home, ".config/anklet"), { recursive: true })
      writeFileSync(join(host.lab.home, ".config/anklet/.drain"), "")
    }
  },
  {
    on: "warnings and notes alone",
    name: "a PID file of a process that is gone",
    id: "pid-file-stale",
    level: "note",
    what: /anklet\.pid/,
    remedy: /next start/,
    cause: (host) => writeFileSync(host.lab.pidFile, "4194301\n1\n")
  },
  {
    on: "warnings and notes alone",
    name: "a damaged ledger",
    id: "ledger-damaged",
    level: "warning",
    what: /ledger\.jsonl/,
    remedy: /keeps a copy/,
    cause: (host) => {
      const line = JSON.stringify({ _tag: "OfAnotherVersion" })
      writeFileSync(host.lab.ledgerFile, `${crc32(line).toString(16).padStart(8, "0")} ${line}\n`)
    }
  },
  {
    on: "what GitHub, Anka and this Mac refuse",
    name: "a PID file that cannot be read",
    id: "pid-file-unreadable",
    level: "problem",
    what: /anklet\.pid/,
    remedy: /pid_file_dir/,
    cause: (host) => void mkdirSync(host.lab.pidFile, { recursive: true })
  },
  {
    on: "what GitHub, Anka and this Mac refuse",
    name: "a ledger that cannot be read",
    id: "ledger-unreadable",
    level: "problem",
    what: /ledger\.jsonl/,
    remedy: /state_dir/,
    cause: (host) => void mkdirSync(host.lab.ledgerFile, { recursive: true })
  },
  {
    on: "what GitHub, Anka and this Mac refuse",
    name: "no log folder",
    id: "folder-missing",
    level: "problem",
    what: /log\.file_dir/,
    remedy: /mkdir -p \S+logs/,
    cause: (host) => rmSync(join(host.lab.folder, "logs"), { recursive: true })
  },
  {
    on: "what is not there",
    name: "a state_dir below a file",
    id: "folder-unusable",
    level: "problem",
    what: /state_dir .*is not a folder/,
    remedy: /owner/,
    cause: (host) => {
      writeFileSync(join(host.lab.folder, "file"), "")
      host.rewrite(/state_dir: .*/, `state_dir: ${join(host.lab.folder, "file")}/state`)
    }
  },
  {
    on: "what is not there",
    name: "a log that all may write",
    id: "file-untrusted",
    level: "problem",
    what: /anklet\.log may be written by other users/,
    remedy: /chmod go-w \S+anklet\.log/,
    cause: (host) => {
      writeFileSync(host.lab.logFile, "")
      chmodSync(host.lab.logFile, 0o666)
    }
  },
  {
    on: "what is not there",
    name: "a full disk",
    id: "disk-full",
    level: "problem",
    what: /0\.0 GiB are free on \/Volumes\/Data of Anka/,
    remedy: /space/,
    cause: (host) => host.leaveFree(0)
  }
]
