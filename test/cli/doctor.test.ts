import { generateKeyPairSync } from "node:crypto"
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { crc32 } from "node:zlib"
import { build } from "plist"
import { afterEach, assert, beforeAll, describe, it } from "vitest"
import { alter, calls, clones } from "../../src/simulator/anka/host.ts"
import type { Vm } from "../../src/simulator/anka/state.ts"
import { freePort, type RedisServer, start as startRedis } from "../store/server.ts"
import { type Lab, type LabOptions, make, type Ran, TEMPLATE, TOKEN, until } from "../whole/lab.ts"
import { atTerminal } from "./terminal.ts"

const PASSWORD = "redis-CANARYdeadbeef43"
const ORPHAN = "anklet-vm-11111111-1111-4111-8111-111111111111"

/** The process that macOS has for each VM. */
const PROCESS =
  "/System/Library/Frameworks/Virtualization.framework/Versions/A/XPCServices/com.apple.Virtualization.VirtualMachine.xpc/Contents/MacOS/com.apple.Virtualization.VirtualMachine"

let lab: Lab
let isOpen = false
let server: RedisServer | undefined

const close = async () => {
  if (isOpen) await lab.close()
  isOpen = false
  await server?.close()
  server = undefined
}
afterEach(close)

interface Found {
  readonly id: string
  readonly level: string
  readonly what: string
  readonly why: string
  readonly remedy: string
  readonly fix?: string
  readonly outcome?: { readonly mended: boolean; readonly said: string }
}

/** A program that stands in for one of the system's: what it says to any question, or to some. */
const standIn = (name: string, ...lines: ReadonlyArray<string>) => {
  const folder = join(lab.folder, "programs")
  mkdirSync(folder, { recursive: true })
  const path = join(folder, name)
  writeFileSync(path, `${["#!/bin/bash", ...lines].join("\n")}\n`)
  chmodSync(path, 0o755)
}

const roomOf = (gib: number) =>
  standIn(
    "df",
    "echo 'Filesystem 1024-blocks Used Available Capacity Mounted on'",
    `echo '/dev/disk3s5 976490576 200 ${gib * 2 ** 20} 1% /Volumes/Data of Anka'`
  )

/** A host on which everything is as it should be, but for the daemon, which does not run yet. */
const healthy = async (options: LabOptions = {}) => {
  lab = await make(options)
  isOpen = true
  chmodSync(lab.config, 0o600)
  lab.world.repositories.add("veertuinc/anklet")
  roomOf(400)
}

/** Run it where the programs that stand in for others are found. */
const anklet = (...args: ReadonlyArray<string>): Promise<Ran> =>
  lab.run(["-c", lab.config, ...args], { env: { PATH: `${join(lab.folder, "programs")}:${lab.env.PATH}` } }).done

/** Ask the doctor. Whatever it says, it says no secret. */
const doctor = async (...args: ReadonlyArray<string>): Promise<Ran> => {
  const ran = await anklet("doctor", ...args)
  for (const secret of [TOKEN, PASSWORD]) assert.notInclude(ran.stdout + ran.stderr, secret)
  return ran
}

const examined = async (...args: ReadonlyArray<string>) => {
  const ran = await doctor("--json", ...args)
  const { findings, totals } = JSON.parse(ran.stdout)
  const found: ReadonlyArray<Found> = findings
  return { code: ran.code, found, totals, of: (id: string) => found.find((finding) => finding.id === id) }
}

const bad = (found: ReadonlyArray<Found>) => found.filter(({ level }) => level === "problem" || level === "warning")

const vm = (name: string, status: Vm["status"] = "running", more: Partial<Vm> = {}) =>
  alter(lab.host, (host) => {
    host.vms.push({ uuid: `uuid-of-${name}`, name, status, tags: [], created: "", accessed: "", ...more })
  })

const rewrite = (from: string | RegExp, to: string) =>
  writeFileSync(lab.config, readFileSync(lab.config, "utf8").replace(from, to))

const headers = {
  "x-ratelimit-limit": "5000",
  "x-ratelimit-remaining": "4000",
  "x-ratelimit-reset": String(Math.ceil(Date.now() / 1000) + 1800)
}
const standing = (given: Record<string, string>) =>
  lab.github.faults.push({
    path: "/rate_limit",
    answer: { status: 200, headers: { ...headers, ...given }, body: "{}" }
  })

/** A service more, whose plugin is examined so. */
const pluginThat = (examine: string) => {
  const folder = join(lab.home, ".config/anklet/plugins/mine")
  mkdirSync(folder, { recursive: true })
  const members = `name: "mine", config: Schema.Struct({}), run: () => Effect.void, examine: () => ${examine}`
  writeFileSync(join(folder, "index.mjs"), `export default ({ Effect, Schema }) => ({ ${members} })`)
  writeFileSync(lab.config, `${readFileSync(lab.config, "utf8")}  - name: MINE\n    plugin: mine\n`)
}

/** A Mac of which macOS's own programs tell nothing bad. */
const mac = () => {
  standIn("sw_vers", "echo 15.6.1")
  standIn("id", 'case "$1" in -un) echo ci ;; -u) echo 501 ;; esac')
  standIn("stat", "echo ci")
  standIn("pmset", "echo ' sleep                0'", "echo ' autorestart          1'")
  standIn("security", 'echo "Keychain \\"$2\\" no-timeout" >&2')
  standIn("ps", "echo /sbin/launchd")
  standIn("defaults", 'case "$3" in autoLoginUser) echo ci ;; *) exit 1 ;; esac')
  standIn("plutil", 'exec tail -n +1 "$5"')
  standIn("launchctl", 'case "$2" in system) echo "services = {"; echo "}" ;; esac')
  agent({})
}

/** The user's LaunchAgent; the stand-in of plutil takes JSON. */
const agent = (given: Record<string, unknown>) => {
  const folder = join(lab.home, "Library", "LaunchAgents")
  mkdirSync(folder, { recursive: true })
  const usual = {
    Label: "com.example.anklet",
    ProgramArguments: ["/usr/local/bin/anklet", "--attach"],
    ExitTimeOut: 180,
    KeepAlive: { SuccessfulExit: false }
  }
  writeFileSync(join(folder, "com.example.anklet.plist"), JSON.stringify({ ...usual, ...given }))
}

describe("a healthy host", () => {
  it("has no finding worse than a note, without a daemon and without Redis: exit 0", async () => {
    await healthy()
    const { code, found } = await examined()
    assert.deepStrictEqual(bad(found), [])
    assert.strictEqual(code, 0)
    assert.includeMembers(
      found.map(({ id }) => id),
      ["daemon-down", "script-unwritten", "not-a-mac"]
    )
  })

  it("has none with a daemon that runs, two services and Redis, and each subject is told of", async () => {
    server = await startRedis({ password: PASSWORD, lines: ["maxmemory-policy noeviction"] })
    await healthy({
      services: 2,
      service: `database:\n  enabled: true\n  url: 127.0.0.1\n  port: ${server.port}\n  password: ${PASSWORD}`
    })
    assert.strictEqual((await lab.anklet()).code, 0)
    const ran = await doctor()
    assert.strictEqual(ran.code, 0, ran.stdout)
    assert.match(ran.stdout, /\n0 problems, 0 warnings, \d notes, \d+ ok\n$/)
    for (const subject of "config daemon clock macos anka registry templates vms github redis scripts".split(" "))
      assert.match(ran.stdout, new RegExp(`^${subject}$`, "m"))
    assert.include(ran.stdout, `it runs (pid ${lab.pid()})`)
    assert.include(ran.stdout, `Redis at 127.0.0.1:${server.port} answers: version`)
    // two services that share a credential are told of once
    assert.strictEqual(ran.stdout.match(/can be listed/g)?.length, 2)
    assert.deepStrictEqual(lab.github.violations, [])
  })

  it("that is a Mac has none either", async () => {
    await healthy()
    mac()
    const { code, found } = await examined()
    assert.deepStrictEqual(bad(found), [])
    assert.strictEqual(code, 0)
    assert.notInclude(JSON.stringify(found), "DHCPLeaseTimeSecs")
    assert.include(JSON.stringify(found), "macOS 15.6.1")
    assert.include(JSON.stringify(found), "is loaded and fits")
  })

  it("is not changed by looking: no file, no VM, no runner, no call but questions", async () => {
    await healthy()
    vm(ORPHAN)
    await doctor()
    assert.isFalse(existsSync(lab.pidFile))
    assert.isFalse(existsSync(join(lab.folder, "daemon")))
    assert.isFalse(existsSync(join(lab.home, ".config")))
    assert.strictEqual(clones(lab.host).length, 1)
    assert.deepStrictEqual([...new Set(lab.github.log.map(({ method }) => method))], ["GET"])
    const asked = calls(lab.host).map(({ argv }) => argv.join(" "))
    assert.sameMembers(asked, ["-j version", "-j license show", "-j list", "-j registry list", "config img_lib_dir"])
  })
})

/** What is wrong with a host, and what the doctor must find: name, level, words, and a part of the remedy. */
type Fault = readonly [
  what: string,
  id: string,
  level: string,
  says: RegExp,
  remedy: RegExp,
  fault: () => void | Promise<void>
]

/** Several faults of one host that do not hide each other. */
interface Ward {
  readonly name: string
  readonly code: 0 | 12
  readonly faults: ReadonlyArray<Fault>
}

const script = (name: string) => join(lab.home, ".config/anklet/plugins/github", name)

const WARDS: ReadonlyArray<Ward> = [
  {
    name: "warnings and notes alone",
    code: 0,
    faults: [
      [
        "a script that was changed",
        "script-differs",
        "note",
        /start-runner\.bash differs/,
        /mv \S+start-runner\.bash/,
        async () => {
          await lab.anklet("--attach", "--once")
          writeFileSync(script("start-runner.bash"), "# mine")
        }
      ],
      [
        "a token that others can read",
        "secret-readable",
        "warning",
        /holds a secret/,
        /chmod 600 \S+daemon.yml/,
        () => chmodSync(lab.config, 0o644)
      ],
      [
        "a file that pauses the host",
        "paused",
        "warning",
        /\.drain pauses this Mac/,
        /rm \S+\.drain/,
        () => {
          mkdirSync(join(lab.home, ".config/anklet"), { recursive: true })
          writeFileSync(join(lab.home, ".config/anklet/.drain"), "")
        }
      ],
      [
        "variables of an older Anklet",
        "variables-ignored",
        "warning",
        /RUNNER1_OWNER is set as for Anklet 1 or 2/,
        /moving-in/,
        () => {
          lab.env.RUNNER1_OWNER = "o"
        }
      ],
      [
        "a PID file of a process that is gone",
        "pid-file-stale",
        "note",
        /anklet\.pid/,
        /next start/,
        () => writeFileSync(lab.pidFile, "4194301\n1\n")
      ],
      [
        "a damaged ledger",
        "ledger-damaged",
        "warning",
        /ledger\.jsonl/,
        /keeps a copy/,
        () => {
          const line = JSON.stringify({ _tag: "OfAnotherVersion" })
          writeFileSync(lab.ledgerFile, `${crc32(line).toString(16).padStart(8, "0")} ${line}\n`)
        }
      ],
      [
        "little room for images",
        "volume-low",
        "warning",
        /20\.0 GiB are free/,
        /anka delete --cache/,
        () => roomOf(20)
      ],
      [
        "an old anka",
        "anka-old",
        "warning",
        /3\.7\.2 is older than 3\.8/,
        /install Anka 3\.8/,
        () => alter(lab.host, (host) => void Object.assign(host, { version: "3.7.2" }))
      ],
      [
        "a registry that is down",
        "registry-away",
        "warning",
        /Connection refused/,
        /registry_url/,
        () => alter(lab.host, (host) => void Object.assign(host.registry, { down: true }))
      ],
      [
        "a template that failed",
        "template-failed",
        "warning",
        /state "failed"/,
        new RegExp(`--force ${TEMPLATE}`),
        () =>
          alter(lab.host, (host) => {
            for (const vm of host.vms) vm.status = "failed"
          })
      ],
      [
        "a VM of ours in no ledger",
        "vms-orphaned",
        "warning",
        new RegExp(ORPHAN),
        /anka delete --yes anklet-vm/,
        () => vm(ORPHAN)
      ],
      ["a VM of somebody's", "vms-foreign", "note", /xcode-tests/, /anka stop xcode-tests/, () => vm("xcode-tests")],
      ["a fine-grained token", "registration-untried", "note", /is not known/, /'Administration: write'/, () => {}],
      [
        "a rate limit that is nearly used up",
        "rate-limit-low",
        "warning",
        /490 of 5000 requests are left/,
        /sleep_interval/,
        () => void lab.github.limits.remaining.set(TOKEN, 490)
      ],
      [
        "runners of somebody's",
        "runners-foreign",
        "note",
        /mac-mini-7/,
        /meant to be there/,
        () => void lab.world.register("veertuinc/anklet", "mac-mini-7", ["self-hosted"])
      ],
      [
        "runners of other hosts",
        "runners-offline",
        "note",
        /1 offline at veertuinc\/anklet: anklet-vm-x/,
        /nothing/,
        () => void lab.world.register("veertuinc/anklet", "anklet-vm-x", ["self-hosted"])
      ],
      [
        "a plugin that dies",
        "plugin-died",
        "warning",
        /plugin mine died.*no idea/,
        /mend the plugin/,
        () => pluginThat('{ throw new Error("no idea") }')
      ]
    ]
  },
  {
    name: "what GitHub, Anka and this Mac refuse",
    code: 12,
    faults: [
      [
        "a file with a token that others can read",
        "secret-readable",
        "warning",
        /home\/token/,
        /chmod 600 \S+token/,
        () => {
          writeFileSync(join(lab.home, "token"), TOKEN, { mode: 0o644 })
          rewrite(`token: ${TOKEN}`, "token: file:~/token")
        }
      ],
      [
        "a PID file that cannot be read",
        "pid-file-unreadable",
        "problem",
        /anklet\.pid/,
        /pid_file_dir/,
        () => void mkdirSync(lab.pidFile, { recursive: true })
      ],
      [
        "a ledger that cannot be read",
        "ledger-unreadable",
        "problem",
        /ledger\.jsonl/,
        /state_dir/,
        () => void mkdirSync(lab.ledgerFile, { recursive: true })
      ],
      [
        "no log folder",
        "folder-missing",
        "problem",
        /log\.file_dir/,
        /mkdir -p \S+logs/,
        () => rmSync(join(lab.folder, "logs"), { recursive: true })
      ],
      [
        "a full volume of images",
        "volume-full",
        "problem",
        /4\.0 GiB are free/,
        /anka delete --cache/,
        () => roomOf(4)
      ],
      [
        "an anka that prints garbage",
        "anka-fails",
        "problem",
        /anka version.*printed no result/,
        /by hand/,
        () => alter(lab.host, (host) => void host.faults.push({ command: "version", fault: "garbage" }))
      ],
      [
        "a licence for laptops",
        "licence-unfit",
        "problem",
        /not one for CI/,
        /anka license activate/,
        () => alter(lab.host, (host) => void Object.assign(host.license, { type: "com.veertu.anka.develop" }))
      ],
      [
        "another registry that is not there",
        "registry-away",
        "warning",
        /http:\/\/elsewhere:1/,
        /registry_url/,
        () => rewrite("sleep_interval", "registry_url: http://elsewhere:1\n    sleep_interval")
      ],
      [
        "two VMs of somebody's",
        "places-taken",
        "problem",
        /one, two/,
        /anka stop one/,
        () => {
          vm("one")
          vm("two")
        }
      ],
      [
        "a wrong clock",
        "clock-wrong",
        "problem",
        /is (599|60\d) seconds ahead of GitHub's/,
        /sntp/,
        () => standing({ date: new Date(Date.now() - 600_000).toUTCString() })
      ],
      [
        "a token that may not list runs",
        "permission-missing",
        "problem",
        /actions\/runs: .*may not/,
        /'Actions: read'/,
        () => void lab.github.faults.push({ path: "/actions/runs", times: 100, answer: { status: 403 } })
      ],
      [
        "a token that may not list runners",
        "permission-missing",
        "problem",
        /runners: .*may not.*administration=write/,
        /'Administration: write' on the repository veertuinc\/anklet/,
        () =>
          void lab.github.faults.push({
            path: "/actions/runners",
            times: 100,
            answer: { status: 403, headers: { "x-accepted-github-permissions": "administration=write" } }
          })
      ],
      [
        "a script of an older Anklet",
        "script-outdated",
        "problem",
        /register-runner\.bash is a script of Anklet 1 or 2/,
        /mv \S+register-runner\.bash/,
        () => {
          mkdirSync(script(""), { recursive: true })
          writeFileSync(script("register-runner.bash"), "./config.sh --token $2")
        }
      ],
      [
        "a script that cannot be read",
        "script-unreadable",
        "problem",
        /start-runner\.bash cannot be read/,
        /owner/,
        () => void mkdirSync(script("start-runner.bash"), { recursive: true })
      ]
    ]
  },
  {
    name: "what is not there",
    code: 12,
    faults: [
      [
        "a state_dir below a file",
        "folder-unusable",
        "problem",
        /state_dir .*is not a folder/,
        /owner/,
        () => {
          writeFileSync(join(lab.folder, "file"), "")
          rewrite(/state_dir: .*/, `state_dir: ${join(lab.folder, "file")}/state`)
        }
      ],
      [
        "a log that all may write",
        "file-untrusted",
        "problem",
        /anklet\.log may be written by other users/,
        /chmod go-w \S+anklet\.log/,
        () => {
          writeFileSync(lab.logFile, "")
          chmodSync(lab.logFile, 0o666)
        }
      ],
      [
        "a script that all may write",
        "script-untrusted",
        "problem",
        /start-runner\.bash may be written by other users/,
        /chmod go-w \S+start-runner\.bash/,
        () => {
          mkdirSync(script(""), { recursive: true })
          writeFileSync(script("start-runner.bash"), "")
          chmodSync(script("start-runner.bash"), 0o777)
        }
      ],
      [
        "a config that all may write",
        "config-untrusted",
        "warning",
        /daemon\.yml may be written by other users/,
        /chmod go-w \S+daemon\.yml/,
        () => chmodSync(lab.config, 0o622)
      ],
      ["a full disk", "disk-full", "problem", /0\.0 GiB are free on \/Volumes\/Data of Anka/, /space/, () => roomOf(0)],
      ["no anka", "anka-missing", "problem", /no "anka"/, /veertu\.com/, () => rmSync(join(lab.host, "bin", "anka"))],
      [
        "a GitHub that is away",
        "github-unreachable",
        "problem",
        /refuses connections/,
        /api_url/,
        async () => rewrite(/api_url: .*/, `api_url: http://127.0.0.1:${await freePort()}`)
      ]
    ]
  },
  {
    name: "a new Mac, and an old token",
    code: 12,
    faults: [
      [
        "no licence",
        "licence-unfit",
        "problem",
        /License is not activated/,
        /anka license activate/,
        () => alter(lab.host, (host) => void Object.assign(host.license, { error: "License is not activated" }))
      ],
      [
        "no registry",
        "registry-none",
        "note",
        /no default registry/,
        /registry add/,
        () => alter(lab.host, (host) => void Object.assign(host.registry, { error: "No registry configured" }))
      ],
      [
        "another user's templates",
        "library-empty",
        "warning",
        /no templates/,
        /user who has the templates/,
        () => alter(lab.host, (host) => void Object.assign(host, { vms: [] }))
      ],
      [
        "a token that has expired",
        "credential-refused",
        "problem",
        /refuses the credential/,
        /new token/,
        () => void lab.github.faults.push({ path: /./, times: 100, answer: { status: 401 } })
      ]
    ]
  },
  {
    name: "an organisation",
    code: 12,
    faults: [
      [
        "a repository that the token may not see",
        "repository-hidden",
        "warning",
        /veertuinc\/secret/,
        /'Actions: read'/,
        () => {
          lab.world.repositories.add("veertuinc/secret")
          rewrite("registration: repo", "registration: org")
          rewrite("    repo: anklet\n", "")
          lab.github.faults.push({ path: "/secret/actions/runs", times: 100, answer: { status: 404 } })
        }
      ],
      [
        "a token that may not list its runners",
        "permission-missing",
        "problem",
        /orgs\/veertuinc/,
        /'Self-hosted runners: write' on the organisation/,
        () => void lab.github.faults.push({ path: "/actions/runners", times: 100, answer: { status: 404 } })
      ]
    ]
  },
  {
    name: "a runner group",
    code: 12,
    faults: [
      [
        "that does not let the repository in",
        "runner-group-closed",
        "problem",
        /runner group 7 \("macs"\) of veertuinc does not let veertuinc\/anklet in/,
        /let the repository use the group/,
        () => {
          lab.world.groups.set("veertuinc", [{ id: 7, name: "macs", repositories: ["other"] }])
          rewrite("registration: repo", "registration: org\n    runner_group: 7")
        }
      ]
    ]
  },
  {
    name: "the runner group of an organisation",
    code: 12,
    faults: [
      [
        "that is not there",
        "runner-group-unknown",
        "problem",
        /`runner_group` 99: veertuinc has no such runner group/,
        /correct `runner_group`/,
        () => rewrite("registration: repo", "registration: org\n    runner_group: 99")
      ]
    ]
  },
  {
    name: "the runner group of a repository",
    code: 12,
    faults: [
      [
        "that only an organisation can have",
        "runner-group-unknown",
        "problem",
        /runners of a repository have the default group/,
        /correct `runner_group`/,
        () => rewrite("registration: repo", "registration: repo\n    runner_group: 99")
      ]
    ]
  },
  {
    name: "a repository",
    code: 12,
    faults: [
      [
        "that was renamed",
        "repository-renamed",
        "warning",
        /veertuinc\/anklet is called veertuinc\/former now/,
        /`owner` and `repo`/,
        () => lab.github.world.rename("veertuinc/anklet", "veertuinc/former")
      ],
      [
        "that is archived",
        "watching-nothing",
        "problem",
        /veertuinc\/former is archived/,
        /`owner` and `repo`/,
        () => void lab.github.world.archived.add("veertuinc/former")
      ]
    ]
  },
  {
    name: "an organisation that is not there",
    code: 12,
    faults: [
      [
        "any more",
        "watching-nothing",
        "problem",
        /there is no organisation veertuinc/,
        /`owner`/,
        () => {
          rewrite("registration: repo", "registration: org")
          rewrite("    repo: anklet\n", "")
          lab.github.world.repositories.clear()
        }
      ]
    ]
  },
  {
    name: "a classic token",
    code: 12,
    faults: [
      [
        "that has not its scope",
        "permission-missing",
        "problem",
        /scopes workflow, read:org, and not repo/,
        /scope `repo`/,
        () => standing({ "x-oauth-scopes": "workflow, read:org" })
      ],
      [
        "for a repository that is not there",
        "permission-missing",
        "problem",
        /does not know it/,
        /veertuinc\/anklet/,
        () => lab.world.repositories.clear()
      ]
    ]
  },
  {
    name: "GitHub",
    code: 12,
    faults: [
      [
        "that is a web page",
        "github-unreachable",
        "problem",
        /not from GitHub's API/,
        /api_url/,
        () => void lab.github.faults.push({ path: /actions/, times: 100, answer: { status: 404, body: "<html>" } })
      ]
    ]
  },
  {
    name: "what an operator has opened",
    code: 0,
    faults: [
      [
        "metrics for every host",
        "metrics-open",
        "note",
        /served on 0\.0\.0\.0, port 9464/,
        /firewall/,
        () => rewrite("services:", "metrics:\n  port: 9464\n  host: 0.0.0.0\nservices:")
      ],
      [
        "certificates that nobody checks",
        "tls-unchecked",
        "warning",
        /NODE_TLS_REJECT_UNAUTHORIZED=0/,
        /unset NODE_TLS_REJECT_UNAUTHORIZED/,
        () => {
          lab.env.NODE_TLS_REJECT_UNAUTHORIZED = "0"
        }
      ],
      [
        "a runtime that prints headers",
        "runtime-talks",
        "warning",
        /environment: NODE_DEBUG$/,
        /unset the variable/,
        () => {
          lab.env.NODE_DEBUG = "module"
        }
      ],
      [
        "a runtime that loads other code",
        "runtime-opened",
        "warning",
        /environment: --require in NODE_OPTIONS$/,
        /out of the variable/,
        () => {
          writeFileSync(join(lab.folder, "other.cjs"), "")
          lab.env.NODE_OPTIONS = `--max_old_space_size=512 --require=${join(lab.folder, "other.cjs")}`
        }
      ],
      [
        "traces with a key and without TLS",
        "traces-plain",
        "warning",
        /sent to http:\/\/collector\.corp:4318, with OTEL_EXPORTER_OTLP_HEADERS/,
        /https:\/\/ address/,
        () => {
          lab.env.OTEL_EXPORTER_OTLP_ENDPOINT = "http://collector.corp:4318"
          lab.env.OTEL_EXPORTER_OTLP_HEADERS = `authorization=${PASSWORD}`
        }
      ],
      [
        "a proxy that is told a password in the clear",
        "proxy-plain",
        "note",
        /the proxy proxy\.corp:3128, from `proxy` in the config/,
        /network that you trust/,
        // what is here goes past it
        () => rewrite("services:", `proxy: http://ci:${PASSWORD}@proxy.corp:3128\nvm_proxy: true\nservices:`)
      ],
      [
        "VMs that know the proxy's password",
        "vm-proxy-secret",
        "note",
        /VMs get a proxy with a user and a password/,
        /asks for none/,
        () => {}
      ],
      [
        "a plugin from disk",
        "plugin-own",
        "note",
        /the plugin mine does not come with Anklet: \S+plugins\/mine\/index\.mjs/,
        /who may write it/,
        () => pluginThat("Effect.succeed([])")
      ],
      [
        "a registry without TLS",
        "registry-plain",
        "note",
        /`registry_url` http:\/\/elsewhere:1 is reached/,
        /https:\/\//,
        () => rewrite("sleep_interval", `registry_url: http://ci:${PASSWORD}@elsewhere:1\n    sleep_interval`)
      ],
      [
        "a registry's password in an argument",
        "registry-secret",
        "warning",
        /`registry_url` http:\/\/elsewhere:1 has a user/,
        /anka registry add/,
        () => {}
      ],
      [
        "a password for archives that every job can read",
        "runner-url-secret",
        "note",
        /`runner_url` https:\/\/mirror\.corp has a user/,
        /SHA-256/,
        () => rewrite("sleep_interval", `runner_url: https://ci:${PASSWORD}@mirror.corp/r.tar.gz\n    sleep_interval`)
      ],
      [
        "a classic token",
        "token-broad",
        "note",
        /classic one, with scopes that Anklet does not need: delete_repo, workflow/,
        /fine-grained/,
        () => standing({ "x-oauth-scopes": "delete_repo, repo, workflow" })
      ],
      [
        "a public repository",
        "repository-public",
        "note",
        /everybody may see veertuinc\/anklet/,
        /require approval/,
        () => void lab.world.open.add("veertuinc/anklet")
      ]
    ]
  },
  {
    name: "a runner group for public repositories",
    code: 0,
    faults: [
      [
        "of an organisation",
        "runner-group-public",
        "note",
        /runner group 7 \("macs"\) of veertuinc lets public repositories in/,
        /Allow public repositories/,
        () => {
          lab.world.groups.set("veertuinc", [{ id: 7, name: "macs", admitsPublic: true }])
          rewrite("registration: repo", "registration: org\n    runner_group: 7")
        }
      ]
    ]
  },
  {
    name: "an API without TLS",
    code: 12,
    faults: [
      [
        "on another host",
        "api-plain",
        "warning",
        /`api_url` http:\/\/ghe\.invalid is reached without TLS/,
        /https:\/\//,
        () => rewrite(/api_url: .*/, "api_url: http://ghe.invalid/api/v3")
      ]
    ]
  },
  {
    name: "a rate limit",
    code: 0,
    faults: [
      [
        "that is used up",
        "rate-limit-low",
        "warning",
        /0 of 5000 requests are left/,
        /sleep_interval/,
        () => void lab.github.limits.remaining.set(TOKEN, 0)
      ]
    ]
  },
  {
    name: "a config",
    code: 12,
    faults: [
      [
        "with a mistake",
        "config-unusable",
        "problem",
        /`ownr`: did you mean `owner`/,
        /README/,
        () => rewrite("owner:", "ownr:")
      ]
    ]
  },
  {
    name: "the way to GitHub",
    code: 12,
    faults: [
      [
        "by a proxy that is none",
        "network-unusable",
        "problem",
        /environment variable HTTPS_PROXY: expected the address of an HTTP proxy/,
        /docs\/network\.md/,
        () => {
          lab.env.HTTPS_PROXY = "ftp://proxy.corp"
        }
      ]
    ]
  },
  {
    name: "a config that is not there",
    code: 12,
    faults: [["at all", "config-unusable", "problem", /there is no such file/, /README/, () => rmSync(lab.config)]]
  },
  {
    name: "a script",
    code: 12,
    faults: [
      [
        "that is gone under a daemon",
        "script-missing",
        "problem",
        /start-runner\.bash is not there/,
        /anew/,
        async () => {
          assert.strictEqual((await lab.anklet()).code, 0)
          rmSync(script("start-runner.bash"))
        }
      ]
    ]
  }
]

/** The same on a Mac, where macOS's own programs tell it. */
const MACS: ReadonlyArray<Ward> = [
  {
    name: "a Mac that nobody has prepared",
    code: 12,
    faults: [
      [
        "sleep",
        "mac-sleeps",
        "warning",
        /sleeps after 10 minutes/,
        /pmset -a sleep 0/,
        () =>
          standIn(
            "pmset",
            "echo ' sleep                10 (sleep prevented by powerd)'",
            "echo ' autorestart          0'"
          )
      ],
      ["no start after a power failure", "mac-stays-off", "note", /power failure/, /autorestart 1/, () => {}],
      [
        "nobody at the screen",
        "session-missing",
        "problem",
        /nobody is logged in.* not ci/,
        /log in/,
        () => standIn("stat", "echo root")
      ],
      [
        "no automatic login",
        "no-automatic-login",
        "note",
        /ci is not/,
        /Automatically log in/,
        () => standIn("defaults", "echo 'The domain/default pair does not exist' >&2; exit 1")
      ],
      [
        "leases that somebody cut short",
        "leases-short",
        "note",
        /for 600 seconds/,
        /defaults delete .*bootpd/,
        () => standIn("defaults", 'case "$3" in bootpd) echo "{ DHCPLeaseTimeSecs = 600; }" ;; *) exit 1 ;; esac')
      ],
      [
        "a locked keychain",
        "keychain-locked",
        "problem",
        /User interaction is not allowed/,
        /unlock-keychain/,
        () =>
          standIn("security", "echo 'security: SecKeychainCopySettings: User interaction is not allowed.' >&2; exit 36")
      ],
      ["a permission that nobody can ask for", "local-network", "note", /15\.6\.1/, /Local Network/, () => {}],
      [
        "places that macOS has not given back",
        "places-leaked",
        "warning",
        /2 processes of VMs, Anka lists 0/,
        /reboot/,
        () => standIn("ps", `echo ${PROCESS}`, `echo ${PROCESS}`)
      ],
      [
        "no file for launchd",
        "launchd-none",
        "note",
        /does not start/,
        /anklet service install/,
        () => rmSync(join(lab.home, "Library"), { recursive: true })
      ]
    ]
  },
  {
    name: "a Mac that belongs to somebody",
    code: 12,
    faults: [
      [
        "another user at the screen",
        "session-missing",
        "problem",
        /eve is logged in.* not ci/,
        /log in/,
        () => standIn("stat", "echo eve")
      ],
      [
        "a keychain that asks for its password",
        "keychain-locked",
        "problem",
        /asks for its password/,
        /unlock-keychain/,
        () => standIn("security", "exec sleep 600")
      ],
      [
        "a daemon of the system",
        "launchd-system",
        "problem",
        /com\.acme\.anklet runs as a LaunchDaemon/,
        /LaunchAgent/,
        () =>
          standIn("launchctl", `case "$2" in system) echo "	     412      - 	com.acme.anklet" ;; *) exit 113 ;; esac`)
      ],
      [
        "a file that launchd has not loaded",
        "launchd-unloaded",
        "warning",
        /not loaded/,
        /launchctl bootstrap gui\/501 \S+\.plist/,
        () => {}
      ],
      [
        "a file that lets Anklet go to the background",
        "launchd-detaches",
        "problem",
        /without --attach/,
        /--attach/,
        () => agent({ ProgramArguments: ["/usr/local/bin/anklet"], ExitTimeOut: undefined, KeepAlive: undefined })
      ],
      [
        "a file that leaves no time to clean up",
        "launchd-impatient",
        "warning",
        /gives Anklet 20 seconds/,
        /120/,
        () => {}
      ],
      ["a file that does not start Anklet again", "launchd-forgets", "note", /KeepAlive/, /KeepAlive/, () => {}],
      [
        "a service that starts otherwise than by hand",
        "service-differs",
        "warning",
        /SSL_CERT_FILE is set in the service, and not here/,
        /anklet service install/,
        async () => {
          const { file } = JSON.parse((await anklet("service", "status", "--json")).stdout)
          const EnvironmentVariables = { SSL_CERT_FILE: "/a.pem" }
          writeFileSync(file, build({ ProgramArguments: ["anklet"], EnvironmentVariables }))
        }
      ]
    ]
  },
  {
    name: "a Mac with secrets in its service",
    code: 0,
    faults: [
      [
        "that other users can read",
        "service-secret",
        "warning",
        /\.plist holds the variable GH, the variable OTEL_EXPORTER_OTLP_HEADERS, the variable SOME_TOKEN, a token in the command, and others may read it/,
        /file:PATH/,
        async () => {
          rewrite(`token: ${TOKEN}`, "token: ${GH}")
          lab.env.GH = TOKEN
          const { file } = JSON.parse((await anklet("service", "status", "--json")).stdout)
          const token = `ghp_${"x".repeat(36)}`
          const EnvironmentVariables = {
            GH: TOKEN,
            OTEL_EXPORTER_OTLP_HEADERS: `authorization=${PASSWORD}`,
            SOME_TOKEN: token,
            LANG: "C"
          }
          writeFileSync(file, build({ ProgramArguments: ["anklet", "--attach", token], EnvironmentVariables }))
        }
      ]
    ]
  },
  {
    name: "a Mac with warnings alone",
    code: 0,
    faults: [
      [
        "a user who is root",
        "user-root",
        "warning",
        /root/,
        /user who has the templates/,
        () => standIn("id", 'case "$1" in -un) echo root ;; -u) echo 0 ;; esac')
      ],
      [
        "a keychain that locks itself",
        "keychain-locks-itself",
        "warning",
        /locks itself/,
        /set-keychain-settings/,
        () => standIn("security", `echo 'Keychain "login" lock-on-sleep timeout=300s' >&2`)
      ],
      [
        "a file that is no property list",
        "launchd-unreadable",
        "warning",
        /no property list/,
        /plutil -lint/,
        () => writeFileSync(join(lab.home, "Library/LaunchAgents/com.example.anklet.plist"), "<plist")
      ]
    ]
  }
]

for (const { name, code, faults } of [...WARDS, ...MACS]) {
  describe(`the doctor finds: ${name}:`, () => {
    let seen: Awaited<ReturnType<typeof examined>>

    beforeAll(async () => {
      await healthy()
      if (MACS.some((ward) => ward.name === name)) mac()
      for (const [, , , , , fault] of faults) await fault()
      seen = await examined()
      await close()
    })

    it(`exits ${code}`, () => {
      assert.strictEqual(seen.code, code, JSON.stringify(seen.found, undefined, 1))
      assert.strictEqual(seen.totals.problem > 0, code === 12)
    })

    for (const [what, id, level, says, remedy] of faults) {
      it(`${what}: ${id}, with why it matters and what mends it`, () => {
        const finding = seen.found.find((finding) => finding.id === id && says.test(finding.what))
        assert.isDefined(finding, JSON.stringify(seen.found, undefined, 1))
        assert.strictEqual(finding?.level, level)
        assert.match(finding?.remedy ?? "", remedy)
        assert.isNotEmpty(finding?.why)
      })
    }
  })
}

describe("the doctor finds of Redis", () => {
  const withRedis = (more = "", port = server?.port ?? 0) =>
    healthy({ service: `database:\n  enabled: true\n  url: 127.0.0.1\n  port: ${port}\n${more}` })

  it("that it is away, and nothing else hangs on it: redis-away", async () => {
    await withRedis("", await freePort())
    const { code, of } = await examined()
    assert.strictEqual(code, 12)
    assert.include(of("redis-away")?.what, "refuses connections")
  })

  it("that it drops keys, refuses the sign-in, or is a read-only replica: redis-refuses, redis-away", async () => {
    server = await startRedis({ password: PASSWORD, lines: ["maxmemory-policy allkeys-lru"] })
    await withRedis(`  password: ${PASSWORD}`)
    const evicts = await examined()
    assert.strictEqual(evicts.code, 12)
    assert.match(evicts.of("redis-refuses")?.what ?? "", /allkeys-lru.*config set maxmemory-policy noeviction/)
    rewrite(`password: ${PASSWORD}`, "password: another")
    assert.match((await examined()).of("redis-refuses")?.what ?? "", /refuses the sign-in/)
    rewrite("password: another", `password: ${PASSWORD}`)
    await server.ask(async (redis) => {
      await redis.config("SET", "maxmemory-policy", "noeviction")
      await redis.call("REPLICAOF", "127.0.0.1", "1")
    })
    // one that has no time to answer now is asked again
    await until("it is named", async () => /read-only replica/.test((await examined()).of("redis-away")?.what ?? ""))
  })

  it("that its memory is nearly full, it could not save, or it does not tell: warnings and a note, exit 0", async () => {
    server = await startRedis({ password: PASSWORD, lines: ["maxmemory-policy noeviction"] })
    await withRedis(`  password: ${PASSWORD}`)
    await server.ask(async (redis) => {
      const used = Number((await redis.info("memory")).match(/^used_memory:(\d+)/m)?.[1])
      await redis.config("SET", "maxmemory", String(Math.round(used * 1.05)))
      rmSync(server!.folder, { recursive: true })
      await redis.call("BGSAVE").catch(() => "refused")
    })
    await until("the save failed", () =>
      server!.ask(async (redis) => (await redis.info("persistence")).includes("rdb_last_bgsave_status:err"))
    )
    const told = await examined()
    assert.strictEqual(told.of("redis-nearly-full")?.level, "warning")
    assert.strictEqual(told.of("redis-unsaved")?.level, "warning")
    await server.ask((redis) =>
      redis.call(
        "ACL",
        "SETUSER",
        "anklet",
        "on",
        `>${PASSWORD}`,
        "~anklet:*",
        "&anklet:*",
        "+@all",
        "-@admin",
        "-@dangerous"
      )
    )
    rewrite("  password:", "  user: anklet\n      password:")
    const untold = await examined()
    assert.strictEqual(untold.of("redis-untold")?.level, "note")
    assert.strictEqual(untold.code, 0)
  })

  it("that its user may not do all it must: redis-refuses, with the grant", async () => {
    server = await startRedis({ password: PASSWORD, lines: ["maxmemory-policy noeviction"] })
    await withRedis(`  user: anklet\n  password: ${PASSWORD}`)
    await server.ask((redis) =>
      redis.call("ACL", "SETUSER", "anklet", "on", `>${PASSWORD}`, "~anklet:*", "+info", "+get")
    )
    assert.match((await examined()).of("redis-refuses")?.what ?? "", /grant it "~anklet:\*/)
  })

  it("that it is on another host without password or TLS: redis-open, redis-plain; here, nothing of it", async () => {
    const at = (url: string, more = "") =>
      writeFileSync(lab.config, `${usual}    database:\n      enabled: true\n      url: ${url}\n${more}`)
    await healthy()
    const usual = readFileSync(lab.config, "utf8")
    at("redis.invalid")
    const { of } = await examined()
    assert.strictEqual(of("redis-open")?.level, "warning")
    assert.include(
      of("redis-open")?.what,
      "Redis at redis.invalid:6379 is on another host, and the config has no password"
    )
    assert.strictEqual(of("redis-plain")?.level, "note")
    at("rediss://redis.invalid", `      password: ${PASSWORD}\n`)
    const guarded = await examined()
    for (const id of ["redis-open", "redis-plain"]) assert.isUndefined(guarded.of(id))
    for (const here of ["127.0.0.1", "localhost", "127.1.2.3", '"[::1]"']) {
      at(here)
      const { found } = await examined()
      assert.notMatch(JSON.stringify(found), /redis-(open|plain)/, here)
    }
  })

  it("that anybody is trusted: redis-trusts-anybody", async () => {
    await withRedis("  tls: true\n  insecure: true", await freePort())
    assert.strictEqual((await examined()).of("redis-trusts-anybody")?.level, "warning")
  })
})

describe("the doctor finds of an App", () => {
  const keys = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" }
  })
  const withApp = async () => {
    await healthy({ github: { app: { id: 1, installation: 2, publicKey: keys.publicKey } } })
    writeFileSync(join(lab.home, "key.pem"), keys.privateKey, { mode: 0o600 })
    rewrite(`token: ${TOKEN}`, "app_id: 1\n    installation_id: 2\n    private_key: ~/key.pem")
  }
  const grant = (permissions: Record<string, string>) =>
    lab.github.faults.push({
      path: "access_tokens",
      times: 100,
      answer: {
        status: 201,
        body: JSON.stringify({ token: "ghs_x", expires_at: "2099-01-01T00:00:00Z", permissions })
      }
    })

  it("that all is well, its permissions included", async () => {
    await withApp()
    const { code, found } = await examined()
    assert.strictEqual(code, 0)
    assert.deepStrictEqual(bad(found), [])
    assert.include(JSON.stringify(found), "the App may register runners at veertuinc/anklet")
    assert.notInclude(JSON.stringify(found), "app-broad")
    assert.notInclude(JSON.stringify(found), "PRIVATE KEY")
  })

  it("that it may not register runners, or not write checks: permission-missing, checks-unwritten", async () => {
    await withApp()
    grant({ actions: "read", administration: "read" })
    const { code, of } = await examined()
    assert.strictEqual(code, 12)
    assert.include(of("permission-missing")?.what, "may not register runners at veertuinc/anklet")
    assert.include(of("permission-missing")?.remedy, "'Administration: write' on the repository")
    assert.strictEqual(of("checks-unwritten")?.level, "note")
  })

  it("that it may write what Anklet does not need: app-broad", async () => {
    await withApp()
    grant({ actions: "read", administration: "write", checks: "write", contents: "write", secrets: "write" })
    const { code, of } = await examined()
    assert.strictEqual(code, 0)
    assert.strictEqual(of("app-broad")?.level, "note")
    assert.include(of("app-broad")?.what, "does not need: contents, secrets")
    assert.include(of("app-broad")?.remedy, "Permissions & events")
  })

  it("that it is not installed any more: credential-refused", async () => {
    await withApp()
    rewrite("installation_id: 2", "installation_id: 3")
    const { code, of } = await examined()
    assert.strictEqual(code, 12)
    assert.include(of("credential-refused")?.what, "does not let the App in")
  })

  it("that others can read its key: secret-readable", async () => {
    await withApp()
    chmodSync(join(lab.home, "key.pem"), 0o644)
    assert.include((await examined()).of("secret-readable")?.what, "key.pem")
  })
})

describe("the doctor does not cry wolf", () => {
  const quiet = async (...ids: ReadonlyArray<string>) => {
    const { found } = await examined()
    for (const id of ids)
      assert.isUndefined(
        found.find((finding) => finding.id === id),
        id
      )
    // nothing listens at the registries that these configs name
    assert.isEmpty(bad(found).filter(({ id }) => id !== "registry-away"))
  }

  it("over metrics, a proxy, a collector and a registry on this Mac", async () => {
    await healthy({
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318",
        OTEL_EXPORTER_OTLP_HEADERS: `authorization=${PASSWORD}`
      }
    })
    rewrite("services:", `metrics:\n  port: 9464\nproxy: http://ci:${PASSWORD}@127.0.0.1:3128\nservices:`)
    rewrite("sleep_interval", "registry_url: http://127.0.0.1:8089\n    sleep_interval")
    await quiet("metrics-open", "proxy-plain", "traces-plain", "registry-plain")
  })

  it("over TLS, and what holds no password", async () => {
    await healthy({
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: "https://collector.corp", OTEL_EXPORTER_OTLP_HEADERS: `key=${PASSWORD}` }
    })
    rewrite("services:", "proxy: http://proxy.corp:3128\nvm_proxy: true\nservices:")
    rewrite("sleep_interval", "registry_url: https://registry.corp\n    sleep_interval")
    await quiet("proxy-plain", "vm-proxy-secret", "traces-plain", "registry-plain", "registry-secret")
  })

  it("over options that only tune the runtime", async () => {
    await healthy({
      env: {
        NODE_OPTIONS: "--max-old-space-size=512 --no-warnings --report-on-fatalerror --dns-result-order=ipv4first",
        BUN_OPTIONS: "--smol"
      }
    })
    await quiet("runtime-opened", "runtime-talks")
  })
})

describe("doctor --fix", () => {
  it("writes missing scripts, makes the log folder, removes a stale PID file, and says so: exit 0", async () => {
    await healthy()
    rmSync(join(lab.folder, "logs"), { recursive: true })
    mkdirSync(join(lab.folder, "daemon"))
    writeFileSync(lab.pidFile, "4194301\n1\n")
    const before = await examined()
    assert.strictEqual(before.code, 12)
    assert.match(before.of("folder-missing")?.fix ?? "", /^makes \S+logs$/)
    const { code, of, totals } = await examined("--fix")
    for (const id of ["folder-missing", "pid-file-stale", "script-unwritten"])
      assert.isTrue(of(id)?.outcome?.mended, id)
    assert.strictEqual(code, 0)
    assert.strictEqual(totals.problem, 0)
    assert.isFalse(existsSync(lab.pidFile))
    assert.isTrue(existsSync(join(lab.folder, "logs")))
    assert.include(
      readFileSync(join(lab.home, ".config/anklet/plugins/github/start-runner.bash"), "utf8"),
      "#!/usr/bin/env bash"
    )
    assert.deepStrictEqual(
      (await examined()).found.filter(({ fix }) => fix !== undefined),
      []
    )
  })

  it("deletes VMs of ours that no ledger names, and leaves foreign ones and templates", async () => {
    await healthy()
    assert.strictEqual((await lab.anklet("--attach", "--once")).code, 0)
    vm(ORPHAN)
    vm("somebody-else")
    vm("anklet-vm-of-somebody")
    const ran = await doctor("--fix")
    assert.strictEqual(ran.code, 0, ran.stdout)
    assert.include(ran.stdout.replace(/\s+/g, " "), `Mended: deleted ${ORPHAN}`)
    assert.deepStrictEqual(
      clones(lab.host).map(({ name }) => name),
      ["somebody-else", "anklet-vm-of-somebody"]
    )
    assert.match(ran.stdout, /, 1 mended\n$/)
  })

  it("says what could not be mended, and what to do then", async () => {
    await healthy()
    assert.strictEqual((await lab.anklet("--attach", "--once")).code, 0)
    vm(ORPHAN)
    alter(lab.host, (host) => void host.faults.push({ command: "delete", fault: "fail", message: "Device is busy" }))
    const { of } = await examined("--fix")
    assert.isFalse(of("vms-orphaned")?.outcome?.mended)
    assert.include(of("vms-orphaned")?.outcome?.said, "Device is busy")
    assert.strictEqual(clones(lab.host).length, 1)
  })

  it("leaves VMs alone where no Anklet ever ran, and where one runs", async () => {
    await healthy()
    vm(ORPHAN)
    await doctor("--fix")
    assert.strictEqual(clones(lab.host).length, 1)
    assert.strictEqual((await lab.anklet()).code, 0)
    const { of } = await examined("--fix")
    assert.include(of("vms-orphaned")?.remedy, "the daemon removes them within 5 minutes")
    assert.isUndefined(of("vms-orphaned")?.fix)
    assert.strictEqual(clones(lab.host).length, 1)
  })

  it("after a crash removes a runner of ours whose job is over, and leaves the VM to the next start", async () => {
    await healthy()
    const { jobs } = lab.queue({ steps: ["sleep 600"] })
    assert.strictEqual((await lab.anklet()).code, 0)
    await until("the job runs", () => lab.world.job(jobs[0]?.id ?? 0).status === "in_progress")
    process.kill(lab.pid() ?? 0, "SIGKILL")
    const vms = lab.left().vms
    // GitHub has given the job up, and its runner has not been heard of since
    alter(lab.host, (host) => void host.faults.push({ command: "run", fault: "fail" }))
    const [job] = jobs
    for (const runner of lab.world.runners.values())
      Object.assign(runner, { job: null, status: "offline", mode: "ghost", doneAt: null, used: false })
    Object.assign(job ?? {}, { status: "completed", conclusion: "failure" })
    lab.world.register("veertuinc/anklet", ORPHAN, ["self-hosted"])
    const crashed = await examined()
    assert.include(crashed.of("ledger-owes")?.what, 'job "job (0)"')
    assert.include(crashed.of("ledger-owes")?.what, vms[0] ?? "none")
    assert.isDefined(crashed.of("pid-file-stale"))
    assert.isUndefined(crashed.of("vms-orphaned"))
    const { of } = await examined("--fix")
    assert.isTrue(of("runners-left")?.outcome?.mended, JSON.stringify(of("runners-left")))
    assert.deepStrictEqual(lab.left(), { vms, runners: [ORPHAN] })
  })

  it("never touches a script of the user's", async () => {
    await healthy()
    const script = join(lab.home, ".config/anklet/plugins/github/start-runner.bash")
    mkdirSync(join(lab.home, ".config/anklet/plugins/github"), { recursive: true })
    writeFileSync(script, "# mine")
    await doctor("--fix")
    assert.strictEqual(readFileSync(script, "utf8"), "# mine")
  })
})

describe("what the doctor prints", () => {
  /** A path, or a command to be copied, stays whole, and may be longer than the screen. */
  const isUnbreakable = (line: string) => /^\s*(\S+|`[^`]*`\S*)$/.test(line.slice(11))

  it("fits into 80 columns without colours where it is no terminal, worst first, with the config in its commands", async () => {
    await healthy()
    vm("one")
    vm("two")
    chmodSync(lab.config, 0o644)
    const ran = await doctor()
    assert.strictEqual(ran.code, 12)
    assert.notInclude(ran.stdout, "\u001b")
    for (const line of ran.stdout.split("\n")) {
      assert.isTrue(line.length <= 80 || isUnbreakable(line), line)
    }
    assert.match(ran.stdout, /vms\n {2}problem {2}VMs of others run: one, two\n[\s\S]*?\n {2}ok {7}2 of 2 places/)
    assert.include(ran.stdout, `Mend: \`anklet -c ${lab.config}\``)
    assert.include(ran.stdout, `Or \`anklet -c ${lab.config} doctor --fix\``)
    assert.match(ran.stdout, /\n1 problem, 1 warning, \d notes, \d+ ok\n$/)
  })

  it("has colours on a terminal, and none with NO_COLOR; fits into its columns", async () => {
    await healthy()
    const shown = (env: Record<string, string>) =>
      atTerminal(["-c", lab.config, "doctor"], {
        env: { ...lab.env, PATH: `${join(lab.folder, "programs")}:${lab.env.PATH}`, ...env },
        cwd: lab.folder,
        columns: 60
      })
    const coloured = await shown({})
    assert.strictEqual(coloured.code, 0)
    assert.include(coloured.seen, "\u001b[32mok\u001b[0m")
    assert.include(coloured.seen, "\u001b[36mnote\u001b[0m")
    const plain = await shown({ NO_COLOR: "1" })
    assert.notInclude(plain.seen, "\u001b")
    assert.isAbove(plain.seen.split("\n").length, coloured.seen.split("\n").length - 1)
    for (const line of plain.seen.split("\n")) assert.isTrue(line.length <= 60 || isUnbreakable(line), line)
  })

  it("as JSON has every finding and the totals", async () => {
    await healthy()
    const ran = await doctor("--json")
    const { ankletVersion, config, findings, totals } = JSON.parse(ran.stdout)
    assert.match(ankletVersion, /^\d+\.\d+\.\d+$/)
    assert.strictEqual(config, lab.config)
    for (const level of ["problem", "warning", "note", "ok"])
      assert.strictEqual(totals[level], findings.filter((finding: Found) => finding.level === level).length)
    assert.deepStrictEqual(Object.keys(findings[0]), ["subject", "id", "level", "what", "why", "remedy"])
  })

  it("comes also when anka and a plugin hang: that is a finding, and the rest is told", async () => {
    await healthy()
    pluginThat("Effect.never")
    for (const command of ["version", "license", "list", "registry", "config"])
      alter(lab.host, (host) => void host.faults.push({ command, fault: "hang" }))
    const { code, found, of } = await examined()
    assert.strictEqual(code, 12)
    assert.strictEqual(found.filter(({ id }) => id === "anka-hangs").length, 3)
    assert.match(of("anka-hangs")?.what ?? "", /no answer within 10 s/)
    assert.include(JSON.stringify(found), "can be listed")
    assert.isDefined(of("registry-away"))
    assert.include(of("unfinished")?.what, "did not end within 35 s")
    // and none of them is left behind
    for (const { pid } of calls(lab.host)) assert.throws(() => process.kill(pid, 0))
  })

  it("comes also when GitHub says nothing", async () => {
    await healthy()
    lab.github.faults.push({ path: /./, times: 1000, silent: true })
    const { code, of } = await examined()
    assert.strictEqual(code, 12)
    assert.include(of("github-unreachable")?.what, "no answer within 15 s")
  })

  it("knows no other flags: exit 2", async () => {
    await healthy()
    assert.strictEqual((await doctor("--frobnicate")).code, 2)
  })
})
