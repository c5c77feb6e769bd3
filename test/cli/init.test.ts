/** A first config, from what a person types or a script gives. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { assert, describe, it } from "vitest"
import { configOf, runsOn, watchedOf } from "../../src/cli/init/config.ts"
import { type Lab, make, TEMPLATE, TOKEN, until } from "../whole/lab.ts"
import { run } from "../whole/processes.ts"
import { PROGRAM } from "../whole/program.ts"

const newLab = async (tokens?: ReadonlyArray<string>): Promise<Lab> => {
  const lab = await make({ github: { prefix: "/api/v3", ...(tokens === undefined ? {} : { tokens }) } })
  lab.world.repositories.add("acme/app")
  return lab
}

/** The folder of a config that is not there yet. */
const folderOf = (lab: Lab) => join(lab.home, ".config", "anklet")
const configOfLab = (lab: Lab) => join(folderOf(lab), "config.yml")
/** The page of a repository at the lab's GitHub. */
const addressOf = (lab: Lab, repository: string) => `${new URL(lab.github.url).origin}/${repository}`

const tokenFileOf = (lab: Lab): string => {
  const file = join(lab.folder, "secret")
  writeFileSync(file, `${TOKEN}\n`, { mode: 0o600 })
  return file
}

/** `anklet init` at a terminal: each answer is typed when its question is there. */
const atTerminal = async (lab: Lab, args: ReadonlyArray<string>, answers: ReadonlyArray<readonly [string, string]>) => {
  const command = [...PROGRAM, "init", ...args].map((word) => `'${word}'`).join(" ")
  const child = spawn("script", ["-qec", `bash -c "stty cols 100; exec ${command}"`, "/dev/null"], {
    cwd: lab.folder,
    env: { TERM: "xterm", ...lab.env },
    stdio: ["pipe", "pipe", "inherit"]
  })
  let seen = ""
  child.stdout.setEncoding("utf8").on("data", (chunk) => {
    seen += chunk
  })
  const ended = new Promise<number>((resolve) => child.on("close", (code) => resolve(code ?? -1)))
  for (const [question, answer] of answers) {
    await until(`it asks for ${question}`, () => seen.includes(question))
    child.stdin.write(answer)
  }
  return { code: await ended, seen }
}

describe("what is watched", () => {
  const read = (text: string) => Either.getOrUndefined(watchedOf(text))

  it("is read from a name, from an address, and from what git clones", () => {
    const app = { owner: "acme", repo: Option.some("app"), apiUrl: Option.none() }
    for (const text of ["acme/app", " acme/app ", "https://github.com/acme/app", "https://github.com/acme/app.git"])
      assert.deepStrictEqual(read(text), app, text)
    assert.deepStrictEqual(read("https://github.com/acme"), { ...app, repo: Option.none() })
    assert.deepStrictEqual(read("https://git.corp/acme/app")?.apiUrl, Option.some("https://git.corp/api/v3"))
    assert.deepStrictEqual(read("https://corp.ghe.com/acme")?.apiUrl, Option.some("https://api.corp.ghe.com"))
  })

  it("is nothing else", () => {
    for (const text of ["", "/", "a b", "acme/app/actions/runs/1", "git@github.com:acme/app", "acme/äpp", "https://"])
      assert.isTrue(Either.isLeft(watchedOf(text)), text)
  })
})

it("a path with blanks or quotes is a path in the config, and a name of digits a name", () => {
  const text = configOf({
    watched: { owner: "123", repo: Option.some("0x10"), apiUrl: Option.none() },
    signIn: { _tag: "Token", file: '/Users/me and "you"/token' },
    workDir: "/Users/me: all",
    logDir: "/Users/me #1"
  })
  for (const line of [
    'work_dir: "/Users/me: all"',
    '  file_dir: "/Users/me #1"',
    '    token: "file:/Users/me and \\"you\\"/token"',
    '    owner: "123"',
    '    repo: "0x10"'
  ])
    assert.include(text.split("\n"), line)
})

it("a template without a tag has no label for one", () => {
  assert.notInclude(runsOn({ name: "x", uuid: TEMPLATE, tag: "" }).join("\n"), "anka-template-tag")
})

describe("anklet init", () => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    it.concurrent(`leaves nothing behind when ${signal} ends it while GitHub does not answer`, async () => {
      const lab = await newLab()
      const mute = createServer(() => {}).listen(0, "127.0.0.1")
      try {
        await once(mute, "listening")
        const address = mute.address()
        const port = typeof address === "object" ? address?.port : 0
        const init = lab.run(["init", `http://127.0.0.1:${port}/acme/app`, "--token-file", tokenFileOf(lab)])
        await until("it asks GitHub", () => init.out().includes("checking GitHub"))
        init.child.kill(signal)
        const { code, stderr } = await init.done
        assert.strictEqual(code, 130)
        assert.include(stderr, "nothing was written")
        assert.isFalse(existsSync(configOfLab(lab)))
      } finally {
        mute.close()
        await lab.close()
      }
    })

  it.concurrent("writes a config with which a first job runs, and tells its runs-on", async () => {
    const lab = await newLab()
    try {
      const secret = tokenFileOf(lab)
      const { code, stdout, stderr } = await lab.run(["init", addressOf(lab, "acme/app"), "--token-file", secret]).done
      assert.strictEqual(code, 0, stderr + stdout)
      assert.strictEqual(statSync(configOfLab(lab)).mode & 0o777, 0o600)
      assert.include(stdout, `"anka-template:${TEMPLATE}"`)
      assert.include(stdout, '"anka-template-tag:v1"')
      const labels = [...stdout.matchAll(/^ {4}- "?([^"\n]*)"?$/gm)].map(([, label = ""]) => label)
      assert.deepStrictEqual(labels.slice(0, 2), ["self-hosted", "anka"])
      const { jobs } = lab.world.queue({
        owner: "acme",
        repo: "app",
        jobs: [{ labels: labels.map((label) => label.replace("${{ github.run_id }}", "{run_id}")) }]
      })
      assert.strictEqual((await lab.run([]).done).code, 0)
      await until("the first job has run", () => jobs[0]?.conclusion === "success")
      assert.strictEqual((await lab.run(["-s", "drain"]).done).code, 0)
    } finally {
      await lab.close()
    }
  })

  it.concurrent("reads a token from a pipe, and keeps it in a file of its own", async () => {
    const lab = await newLab([TOKEN])
    try {
      const words = [...PROGRAM, "init", addressOf(lab, "acme/app"), "--token-file", "-"].map((word) => `'${word}'`)
      const command = `exec ${words.join(" ")} < ${tokenFileOf(lab)}`
      const ran = await run(["bash", "-c", command], { cwd: lab.folder, env: lab.env }).done
      assert.strictEqual(ran.code, 0, ran.stderr + ran.stdout)
      assert.notInclude(ran.stdout + ran.stderr, TOKEN)
      assert.strictEqual(readFileSync(join(folderOf(lab), "token"), "utf8").trim(), TOKEN)
    } finally {
      await lab.close()
    }
  })

  it.concurrent("overwrites nothing", async () => {
    const lab = await newLab()
    try {
      mkdirSync(folderOf(lab), { recursive: true, mode: 0o700 })
      writeFileSync(configOfLab(lab), "mine: true\n", { mode: 0o600 })
      const again = await lab.run(["init", addressOf(lab, "acme/app"), "--token-file", tokenFileOf(lab)]).done
      assert.strictEqual(again.code, 9)
      assert.match(again.stderr, /config\.yml is there already, and is not overwritten/)
      assert.strictEqual(readFileSync(configOfLab(lab), "utf8"), "mine: true\n")
    } finally {
      await lab.close()
    }
  })

  for (const [what, watched, tokens, code] of [
    ["a token that GitHub refuses", "acme/app", ["another"], 8],
    ["a repository that it does not know", "acme/none", undefined, 8]
  ] as const) {
    it.concurrent(`leaves nothing of ${what}`, async () => {
      const lab = await newLab(tokens)
      try {
        const ran = await lab.run(["init", addressOf(lab, watched), "--token-file", tokenFileOf(lab)]).done
        assert.strictEqual(ran.code, code, ran.stdout + ran.stderr)
        assert.match(ran.stderr, /nothing was written/)
        assert.isFalse(existsSync(configOfLab(lab)))
        assert.notInclude(ran.stdout + ran.stderr, TOKEN)
      } finally {
        await lab.close()
      }
    })
  }

  it.concurrent("without a terminal says which flags it needs, and which do not go together", async () => {
    const lab = await newLab()
    try {
      for (const [args, words] of [
        [[], /no terminal to ask at: give OWNER\/REPO, and --token-file FILE or/],
        [["acme/app"], /no terminal to ask at/],
        [["a b"], /"a b": expected OWNER\/REPO/],
        [["acme/app", "--app-id", "7"], /--app-id and --private-key go together/],
        [["acme/app", "--app-id", "7", "--token-file", "x"], /choose one/]
      ] as const) {
        const { code, stderr } = await lab.run(["init", ...args]).done
        assert.strictEqual(code, 2, args.join(" "))
        assert.match(stderr, words)
      }
      assert.isFalse(existsSync(configOfLab(lab)))
    } finally {
      await lab.close()
    }
  })

  it.concurrent("asks at a terminal, does not show the token, and keeps it in a file of its own", async () => {
    const lab = await newLab([TOKEN])
    try {
      const { code, seen } = await atTerminal(
        lab,
        [],
        [
          ["Repository or organisation", `${addressOf(lab, "acme/app")}\r`],
          ["Sign in at GitHub", "\r"],
          ["Token (it is not shown)", `${TOKEN}\r`]
        ]
      )
      assert.strictEqual(code, 0, seen)
      assert.notInclude(seen, TOKEN)
      const token = join(folderOf(lab), "token")
      assert.strictEqual(readFileSync(token, "utf8").trim(), TOKEN)
      assert.strictEqual(statSync(token).mode & 0o777, 0o600)
      assert.include(readFileSync(configOfLab(lab), "utf8"), `file:${token}`)
      assert.strictEqual((await lab.run(["config", "check"]).done).code, 0)
    } finally {
      await lab.close()
    }
  })

  it.concurrent("leaves nothing when the person at the terminal thinks better of it", async () => {
    const lab = await newLab()
    try {
      const { code } = await atTerminal(
        lab,
        [],
        [
          ["Repository or organisation", "acme/app\r"],
          ["Sign in at GitHub", "\u0003"]
        ]
      )
      assert.strictEqual(code, 130)
      assert.deepStrictEqual(existsSync(folderOf(lab)) ? readdirSync(folderOf(lab)) : [], [])
    } finally {
      await lab.close()
    }
  })
})
