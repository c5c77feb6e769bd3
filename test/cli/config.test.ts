import { generateKeyPairSync } from "node:crypto"
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { stripVTControlCharacters } from "node:util"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { parse } from "yaml"
import { type Lab, make, TOKEN } from "../whole/lab.ts"
import { atTerminal } from "./terminal.ts"

const CANARY = "CANARY"

let lab: Lab

beforeEach(async () => {
  lab = await make()
})
afterEach(() => lab.close())

/** A plugin of the user's, with secrets that it declares and one that it does not. */
const PLUGIN = `export default ({ Effect, Schema, Secret }) => ({
  name: "mine",
  config: Schema.Struct({
    greeting: Schema.optionalWith(Schema.String, { default: () => "hello" }),
    times: Schema.optionalWith(Schema.Number, { default: () => 3 }),
    colour: Schema.optional(Schema.String),
    key: Secret,
    api_key: Schema.String,
    server: Schema.Struct({ host: Schema.String, password: Secret }),
    keys: Schema.Array(Secret)
  }),
  run: () => Effect.void
})
`

/** Every way in which a config may hold a secret, `${CANARY}…` in all of them. */
const everything = () => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString()
  const key = join(lab.folder, "app.pem")
  const token = join(lab.folder, "token")
  writeFileSync(key, pem)
  writeFileSync(token, `${CANARY}file\n`)
  const folder = join(lab.home, ".config/anklet/plugins/mine")
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, "index.mjs"), PLUGIN)
  const base = readFileSync(lab.config, "utf8").split("\n").slice(0, 6).join("\n")
  writeFileSync(
    lab.config,
    `${base}
  - name: ONE
    plugin: github
    token: \${TOKEN_OF_ONE}
    registration: repo
    owner: veertuinc
    repo: anklet
    registry_url: https://me:${CANARY}pass@registry:8089/?key=${CANARY}
    database: { enabled: true, url: "redis://me:${CANARY}@wx@h:6379/2" }
  - name: TWO
    plugin: github
    token: file:${token}
    registration: org
    owner: veertuinc
    database: { enabled: true, password: ${CANARY}, url: redis.internal }
  - name: THREE
    plugin: github
    app_id: 1
    installation_id: 2
    private_key: ${key}
    registration: org
    owner: veertuinc
    database: { url: "me:${CANARY}@host" }
  - name: FOUR
    plugin: mine
    key: ${CANARY}
    api_key: ${CANARY}
    server: { host: here, password: ${CANARY} }
    keys: [${CANARY}, "file:${token}"]
    database: { enabled: true, password: ${CANARY}, sentinel: { name: main, nodes: [a, "b:1"], password: ${CANARY} } }
  - name: FIVE
    plugin: github
    token: \${TOKEN_OF_ONE}
    runner_group: macs
    watch:
      - owner: veertuinc
      - { owner: other, repo: tool, registration: org, runner_group: 7 }
`
  )
  return { key, token, pem, env: { TOKEN_OF_ONE: `${CANARY}env` } }
}

describe("anklet config check", () => {
  it("says that a config is right, and whose services it has", async () => {
    const ran = await lab.anklet("config", "check")
    assert.deepStrictEqual(ran, {
      code: 0,
      stdout: `${lab.config} is valid: one service, RUNNER1 (github)\n`,
      stderr: ""
    })
    const json = JSON.parse((await lab.anklet("config", "check", "--json")).stdout)
    assert.deepStrictEqual(json, {
      file: lab.config,
      ok: true,
      problems: [],
      services: [{ name: "RUNNER1", plugin: "github" }]
    })
  })

  it("tells the very problems that a start tells: exit 3, and starts nothing", async () => {
    const text = readFileSync(lab.config, "utf8").replace("owner:", "ownr:").replace("plugin: github", "plugin: gitub")
    for (const broken of [
      text,
      "",
      "services: [",
      text.replace("gitub", "github").replace(TOKEN, "${NO_SUCH_TOKEN}")
    ]) {
      writeFileSync(lab.config, broken)
      const start = await lab.anklet()
      const check = await lab.anklet("config", "check")
      assert.strictEqual(check.code, 3)
      assert.strictEqual(check.stderr, start.stderr)
      assert.strictEqual(check.stdout, "")
      const json = await lab.anklet("config", "check", "--json")
      assert.strictEqual(json.code, 3)
      const { ok, problems } = JSON.parse(json.stdout)
      assert.isFalse(ok)
      for (const { message } of problems) assert.include(start.stderr, message)
    }
    const missing = await lab.run(["-c", join(lab.folder, "none.yml"), "config", "check"]).done
    assert.strictEqual(missing.code, 3)
    assert.include(missing.stderr, "there is no such file")
  })

  it("misses a secret whose file or variable is not there", async () => {
    const text = readFileSync(lab.config, "utf8")
    for (const [reference, words] of [
      ["${NO_SUCH_TOKEN}", "the environment variable NO_SUCH_TOKEN is not set"],
      ["file:/no/such/token", "the file /no/such/token cannot be read"]
    ] as const) {
      writeFileSync(lab.config, text.replace(TOKEN, reference))
      const ran = await lab.anklet("config", "check")
      assert.strictEqual(ran.code, 3)
      assert.include(ran.stderr, `line 9, services[0].token: ${words}`)
    }
  })

  it("warns of a secret's file that others may read, and of no other", async () => {
    const file = join(lab.folder, "token")
    writeFileSync(file, TOKEN)
    writeFileSync(lab.config, readFileSync(lab.config, "utf8").replace(TOKEN, `file:${file}`))
    for (const [mode, words] of [
      [0o644, `warning: ${file} holds a secret, and others may read it: chmod 600 ${file}`],
      [0o600, ""]
    ] as const) {
      chmodSync(file, mode)
      const ran = await lab.anklet("config", "check")
      assert.strictEqual(ran.code, 0)
      assert.include(ran.stderr, words)
      assert.strictEqual(ran.stderr === "", words === "")
      const { ok, warnings } = JSON.parse((await lab.anklet("config", "check", "--json")).stdout)
      assert.deepStrictEqual([ok, warnings?.length], [true, words === "" ? undefined : 1])
    }
  })

  it("refuses what a start would carry to GitHub or Redis in vain: exit 3 at the key, and none of it is shown", async () => {
    const text = readFileSync(lab.config, "utf8")
    const store = (url: string) => `${TOKEN}\n    database: { enabled: true, url: "${url}" }`
    for (const [token, line, words] of [
      [`\u201c${CANARY}\u201d`, 9, "services[0].token: it contains quotes"],
      [`"ghp_\\n${CANARY}"`, 9, "services[0].token: it contains a line break"],
      [`"ghp_\${${CANARY}}"`, 9, "services[0].token: only a whole value can be a reference"],
      [store(`redis://u:57#${CANARY}@h:6379/0`), 10, "services[0].database.url: in user and password write"],
      [store(`redis://h:6379/?password=${CANARY}`), 10, "services[0].database.url: parameters after ?"]
    ] as const) {
      writeFileSync(lab.config, text.replace(TOKEN, token))
      for (const args of [["config", "check"], ["config", "show"], ["--attach", "--once"], ["doctor"]]) {
        const { code, stdout, stderr } = await lab.anklet(...args)
        assert.strictEqual(code, args[0] === "doctor" ? 12 : 3, args.join(" "))
        assert.include((stdout + stderr).replace(/\s+/g, " "), `line ${line}, ${words}`)
        assert.notInclude(stdout + stderr, CANARY)
        assert.notInclude(stdout + stderr, "u:57")
      }
    }
  })

  it("misses the log's folder, and says which folder cannot be made", async () => {
    rmSync(join(lab.folder, "logs"), { recursive: true })
    writeFileSync(join(lab.folder, "file"), "")
    writeFileSync(
      lab.config,
      readFileSync(lab.config, "utf8").replace(/state_dir: .*/, `state_dir: ${lab.folder}/file/state`)
    )
    const ran = await lab.anklet("config", "check")
    assert.strictEqual(ran.code, 3)
    assert.include(ran.stderr, `line 5, log.file_dir: ${join(lab.folder, "logs")} does not exist`)
    assert.include(ran.stderr, `line 3, state_dir: ${join(lab.folder, "file")} is not a folder`)
  })
})

describe("values from the environment", () => {
  const env = {
    WORK: "/tmp/work",
    METRICS_PORT: "9464",
    GROUP: "7",
    IN_TIME: "90",
    LEVEL: "org",
    MANY: "2",
    VM_PROXY: "true",
    OWNER_NAME: "12",
    PASSES: "2.5",
    SHARED: "true",
    NODES: "redis-1:7000, redis-2:7001",
    MY_TOKEN: `ghp_${CANARY}0123456789`
  }
  const written = () => {
    const base = readFileSync(lab.config, "utf8").split("\n").slice(1, 5).join("\n")
    writeFileSync(
      lab.config,
      `work_dir: \${WORK}
${base}
metrics: { port: "\${METRICS_PORT}" }
vm_proxy: \${VM_PROXY}
defaults:
  plugin: github
  sleep_interval: \${PASSES}
services:
  - name: mac
    count: \${MANY}
    token: \${MY_TOKEN}
    registration: \${LEVEL}
    owner: \${OWNER_NAME}
    runner_group: \${GROUP}
    registration_timeout: \${IN_TIME}
    database:
      enabled: \${SHARED}
      cluster: \${NODES}
`
    )
  }
  const show = (more: ReadonlyArray<string>, given: Record<string, string> = env) =>
    lab.run(["config", ...more, "-c", lab.config], { env: given }).done

  it("have the types that the keys want, and the variable as their origin", async () => {
    written()
    const { stdout, stderr } = await show(["show", "--json"])
    assert.strictEqual(stderr, "")
    const { config, origins } = JSON.parse(stdout)
    assert.strictEqual(config.work_dir, "/tmp/work")
    assert.strictEqual(config.metrics.port, 9464)
    assert.strictEqual(config.vm_proxy, true)
    const [one, two] = config.services
    assert.deepStrictEqual([one.name, two.name], ["mac-1", "mac-2"])
    assert.strictEqual(one.owner, "12")
    assert.strictEqual(one.sleep_interval, 2.5)
    assert.strictEqual(one.runner_group, 7)
    assert.strictEqual(one.registration_timeout, 90)
    assert.strictEqual(one.registration, "org")
    assert.strictEqual(one.token, "<hidden>")
    assert.strictEqual(one.database.enabled, true)
    assert.deepStrictEqual(one.database.cluster, ["redis-1:7000", "redis-2:7001"])
    for (const [path, name, line] of [
      ["work_dir", "WORK", 1],
      ["metrics.port", "METRICS_PORT", 6],
      ["vm_proxy", "VM_PROXY", 7],
      ["services[1].sleep_interval", "PASSES", 10],
      ["services[0].token", "MY_TOKEN", 14],
      ["services[0].owner", "OWNER_NAME", 16],
      ["services[0].database.cluster", "NODES", 21]
    ] as const)
      assert.deepStrictEqual(origins[path], { from: "environment", name, line }, path)
    assert.notInclude(stdout, CANARY)
  })

  it("are problems that name each variable and its line, once, if they are missing or of another type", async () => {
    written()
    const { code, stderr } = await show(["check"], {
      ...env,
      WORK: " ",
      IN_TIME: "CANARY",
      LEVEL: "CANARY",
      PASSES: "",
      SHARED: "CANARY"
    })
    assert.strictEqual(code, 3)
    for (const row of [
      "line 1, work_dir: the environment variable WORK is blank",
      "line 10, defaults.sleep_interval: the environment variable PASSES is ",
      "line 18, services[0].registration_timeout: the environment variable IN_TIME must hold a number",
      'line 15, services[0].registration: expected "repo", "org" or "enterprise"',
      "line 20, services[0].database.enabled: the environment variable SHARED must hold true or false"
    ])
      assert.include(stderr, row)
    assert.notInclude(stderr, "CANARY")
    assert.strictEqual(stderr.trimEnd().split("\n").length, 6, stderr)
    const none = await show(["check"], {})
    for (const name of Object.keys(env)) assert.strictEqual(none.stderr.split(`variable ${name} is`).length, 2, name)
    assert.strictEqual(none.stderr.trimEnd().split("\n").length, 1 + Object.keys(env).length, none.stderr)
  })

  it("are whole: a text with a reference in it is refused, except in the keys of a plugin of the user's", async () => {
    everything()
    const text = readFileSync(lab.config, "utf8")
    writeFileSync(
      lab.config,
      text.replace(/^work_dir: .*/m, "work_dir: /tmp/${USER}").replace("name: ONE", "name: ${A}-1")
    )
    const { stderr } = await show(["check"], { TOKEN_OF_ONE: "x" })
    assert.include(stderr, "line 1, work_dir: only a whole value can be a reference to the environment")
    assert.include(stderr, "line 7, services[0].name: only a whole value")
    const own = text.replace(
      "api_key:",
      "greeting: hello ${WORLD}\n    times: ${TIMES}\n    colour: ${COLOUR}\n    api_key:"
    )
    writeFileSync(lab.config, own)
    const shown = await show(["show", "--json"], { TOKEN_OF_ONE: "ghp_0123", COLOUR: "blue", TIMES: "5" })
    const { config, origins } = JSON.parse(shown.stdout)
    assert.strictEqual(config.services[3].greeting, "hello ${WORLD}")
    assert.strictEqual(config.services[3].times, 5)
    assert.strictEqual(config.services[3].colour, "blue")
    assert.deepInclude(origins["services[3].colour"], { from: "environment", name: "COLOUR" })
  })
})

describe("the config that the environment names", () => {
  it("is that of ANKLET_CONFIG, or of that name in Anklet's folder; -c comes first", async () => {
    const folder = join(lab.home, ".config/anklet")
    mkdirSync(folder, { recursive: true })
    const text = readFileSync(lab.config, "utf8")
    for (const name of ["mac.yml", "config.yml", "path.yml"]) writeFileSync(join(folder, name), text)
    const checked = async (env: Record<string, string>, more: ReadonlyArray<string> = []) =>
      (await lab.run(["config", "check", ...more], { env }).done).stdout.split(" is valid")[0]
    assert.strictEqual(await checked({}), join(folder, "config.yml"))
    assert.strictEqual(await checked({ ANKLET_CONFIG_FILE_NAME: "mac.yml" }), join(folder, "mac.yml"))
    const both = { ANKLET_CONFIG_FILE_NAME: "mac.yml", ANKLET_CONFIG: "~/.config/anklet/path.yml" }
    assert.strictEqual(await checked(both), join(folder, "path.yml"))
    assert.strictEqual(await checked(both, ["-c", lab.config]), lab.config)
    assert.strictEqual(await checked({ ANKLET_CONFIG: "", ANKLET_CONFIG_FILE_NAME: "" }), join(folder, "config.yml"))
  })
})

describe("several scopes in one service", () => {
  it("are checked entry by entry, with the keys that an entry has", async () => {
    const text = readFileSync(lab.config, "utf8").replace("    owner: veertuinc\n    repo: anklet\n", "")
    const told = async (watch: string) => {
      writeFileSync(lab.config, `${text}    watch: ${watch}\n`)
      return (await lab.anklet("config", "check")).stderr
    }
    assert.match(
      await told("[{ owner: a, repp: b }]"),
      /services\[0\]\.watch\[0\]\.repp: `repp`: did you mean `repo`\?/
    )
    assert.match(
      await told("[{ owner: a, colour: b }]"),
      /`colour` is not a key here; known keys: owner, registration, enterprise, repo, runner_group$/m
    )
    assert.match(await told("[{ repo: b }]"), /watch\[0\]\.owner: is missing/)
    assert.match(await told("[]"), /watch: expected at least one entry with an `owner`/)
    assert.match(
      await told("[{ owner: a }, { owner: A, repo: b }]"),
      /services\[0\]\.watch\[1\]: its jobs are those of entry 1 as well/
    )
    assert.match(await told("[{ owner: a }]\n    owner: b"), /services\[0\]\.owner: goes into an entry of `watch`/)
  })
})

describe("anklet config show", () => {
  it("shows every value with its origin, as YAML that reads back to the same", async () => {
    const { key, token, env } = everything()
    const ran = await lab.run(["config", "show", "-c", lab.config], { env }).done
    assert.strictEqual(ran.code, 0, ran.stderr)
    for (const row of [
      /^work_dir: \S+ +# line 1$/m,
      /^ {2}- name: ONE +# line 7$/m,
      /^ {4}token: <hidden> +# environment TOKEN_OF_ONE, line 9$/m,
      /^ {4}registry_url: https:\/\/<hidden>@registry:8089\/\?<hidden> {2}# line 13$/m,
      /^ {6}url: redis:\/\/<hidden>@h:6379\/2 +# line 14$/m,
      /^ {4}sleep_interval: 10 +# default$/m,
      /^ {4}api_url: https:\/\/api\.github\.com +# default$/m,
      /^ {4}# runner_sha256: +not set$/m,
      /^ {6}url: redis\.internal +# line 20$/m,
      /^ {6}port: 6379 +# default$/m,
      /^ {4}greeting: hello +# default$/m,
      /^ {4}times: 3 +# default$/m,
      /^ {4}# colour: +not set$/m,
      /^ {4}api_key: <hidden> +# line 32$/m,
      /^ {6}password: <hidden> +# line 33$/m
    ])
      assert.match(ran.stdout, row)
    assert.include(ran.stdout, `# file ${token}, line 17`)
    assert.include(ran.stdout, `# file ${key}, line 25`)
    const json = await lab.run(["config", "show", "--json", "-c", lab.config], { env }).done
    const { file, config, origins } = JSON.parse(json.stdout)
    assert.strictEqual(file, lab.config)
    assert.deepStrictEqual(parse(ran.stdout), config)
    assert.deepStrictEqual(origins["services[0].token"], { from: "environment", name: "TOKEN_OF_ONE", line: 9 })
    assert.deepStrictEqual(origins["services[1].token"], { from: "file", path: token, line: 17 })
    assert.deepStrictEqual(origins["services[3].greeting"], { from: "default" })
    assert.deepStrictEqual(config.services[3].keys, ["<hidden>", "<hidden>"])
    assert.deepStrictEqual(config.services[4].watch, [
      { owner: "veertuinc" },
      { owner: "other", repo: "tool", registration: "org", runner_group: 7 }
    ])
    assert.notProperty(config.services[4], "owner")
  })

  it("shows no secret, whatever way it is given in", async () => {
    const { pem, env } = everything()
    for (const more of [[], ["--json"]]) {
      const { stdout, stderr } = await lab.run(["config", "show", "-c", lab.config, ...more], { env }).done
      assert.include(stdout, "<hidden>")
      assert.notInclude(stdout + stderr, CANARY)
      for (const line of pem.split("\n").filter(Boolean)) assert.notInclude(stdout, line)
    }
  })

  it("shows the services that defaults and count make, each value with the line that it comes from", async () => {
    const base = readFileSync(lab.config, "utf8").split("\n").slice(0, 5).join("\n")
    writeFileSync(
      lab.config,
      `${base}
defaults:
  plugin: github
  token: ${CANARY}
  registration: repo
  owner: acme
  sleep_interval: 5
services:
  - { name: app, count: 2, repo: app }
  - { name: tool, repo: tool, sleep_interval: 7 }
`,
      { mode: 0o600 }
    )
    const check = await lab.anklet("config", "check")
    assert.include(check.stdout, "3 services, app-1 (github), app-2 (github), tool (github)")
    const { stdout } = await lab.anklet("config", "show", "--json")
    const { config, origins } = JSON.parse(stdout)
    assert.deepStrictEqual(
      config.services.map(({ name, repo, sleep_interval }: Record<string, unknown>) => [name, repo, sleep_interval]),
      [
        ["app-1", "app", 5],
        ["app-2", "app", 5],
        ["tool", "tool", 7]
      ]
    )
    const lines = (key: string) => [0, 1, 2].map((index) => origins[`services[${index}].${key}`].line)
    assert.deepStrictEqual(["name", "repo", "token", "sleep_interval"].map(lines), [
      [13, 13, 14],
      [13, 13, 14],
      [8, 8, 8],
      [11, 11, 14]
    ])
    // a mistake in what three services share is one
    writeFileSync(lab.config, readFileSync(lab.config, "utf8").replace("owner: acme", "ownr: acme"), { mode: 0o600 })
    const wrong = await lab.anklet("config", "check")
    assert.strictEqual(wrong.code, 3)
    assert.strictEqual(wrong.stderr.split("did you mean `owner`?").length, 2, wrong.stderr)
    assert.include(wrong.stderr, "line 10, ")
  })

  it("shows who hears of trouble, if anybody, and not at which address", async () => {
    assert.notInclude((await lab.anklet("config", "show")).stdout, "notify")
    const notify = "notify:\n  webhook: https://hooks.example.com/T0/CANARYb7f3\n  command: ~/bin/page\n"
    writeFileSync(lab.config, `${notify}${readFileSync(lab.config, "utf8")}`)
    const { stdout } = await lab.anklet("config", "show")
    assert.match(
      stdout,
      /^notify:\n {2}webhook: <hidden> +# line 2\n {2}command: \/\S+\/bin\/page +# line 3\n {2}waiting: 30 +# default$/m
    )
    assert.notInclude(stdout, "CANARY")
  })

  it("shows where new versions come from, if somebody wrote it", async () => {
    assert.notInclude((await lab.anklet("config", "show")).stdout, "update")
    const text = readFileSync(lab.config, "utf8")
    writeFileSync(lab.config, `update:\n  url: https://releases.example.com/anklet\n  keys: /etc/keys.pem\n${text}`)
    assert.match(
      (await lab.anklet("config", "show")).stdout,
      /^update:\n {2}url: https:\/\/releases\.example\.com\/anklet +# line 2\n {2}keys: \/etc\/keys\.pem +# line 3$/m
    )
    writeFileSync(lab.config, `update:\n  url: http://releases.example.com\n${text}`)
    assert.include((await lab.anklet("config", "check")).stderr, "expected an address that begins with https://")
  })

  it("shows where metrics are served, if anywhere", async () => {
    assert.notInclude((await lab.anklet("config", "show")).stdout, "metrics")
    writeFileSync(lab.config, `metrics:\n  port: 9464\n${readFileSync(lab.config, "utf8")}`)
    const { stdout } = await lab.anklet("config", "show")
    assert.match(stdout, /^metrics:\n {2}port: 9464 +# line 2\n {2}host: 127\.0\.0\.1 +# default$/m)
  })

  it("knows every default that docs/configuration.md states", async () => {
    const { stdout } = await lab.anklet("config", "show", "--json")
    const { config, origins } = JSON.parse(stdout)
    const [service] = config.services
    const documented = readFileSync("docs/configuration.md", "utf8")
    for (const [key, origin] of Object.entries<{ from: string }>(origins)) {
      const [, name] = key.match(/^services\[0\]\.(\w+)$/) ?? []
      if (origin.from !== "default" || name === undefined || name === "runner_url") continue
      assert.match(documented, new RegExp(`\`(services\\[\\]\\.)?${name}\` \\| \`${service[name]}\``))
    }
  })

  it("is plain in a pipe and with NO_COLOR, and coloured at a terminal", async () => {
    const piped = await lab.anklet("config", "show")
    assert.notInclude(piped.stdout, "\u001b")
    const args = ["config", "show", "-c", lab.config]
    const { seen } = await atTerminal(args, { env: lab.env, cwd: lab.folder })
    assert.include(seen, "\u001b[2m# line 1\u001b[0m")
    assert.strictEqual(stripVTControlCharacters(seen), piped.stdout)
    const plain = await atTerminal(args, { env: { ...lab.env, NO_COLOR: "1" }, cwd: lab.folder })
    assert.strictEqual(plain.seen, piped.stdout)
  })

  it("tells what is wrong with a config that cannot be used: exit 3", async () => {
    writeFileSync(lab.config, readFileSync(lab.config, "utf8").replace("owner:", "ownr:"))
    const ran = await lab.anklet("config", "show")
    assert.strictEqual(ran.code, 3)
    assert.include(ran.stderr, "did you mean `owner`?")
    assert.strictEqual(ran.stdout, "")
  })
})

describe("anklet config", () => {
  it("refuses what it does not know: exit 2, and says what", async () => {
    for (const [args, word] of [
      [["config", "shwo"], "shwo"],
      [["config", "show", "--frobnicate"], "--frobnicate"],
      [["config", "check", "more"], "more"]
    ] as const) {
      const ran = await lab.anklet(...args)
      assert.strictEqual(ran.code, 2, args.join(" "))
      assert.include(ran.stderr, word)
      assert.strictEqual(ran.stdout, "")
    }
  })

  it("does not take the value of -c for a command", async () => {
    for (const name of ["config", "show", "demo"]) {
      writeFileSync(join(lab.folder, name), readFileSync(lab.config))
      const ran = await lab.run(["config", "-c", name, "check"]).done
      assert.strictEqual(ran.code, 0, ran.stderr)
      assert.strictEqual((await lab.run(["-c", name, "config", "check"]).done).code, 0)
    }
  })
})
