import { spawnSync } from "node:child_process"
import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { type Lab, make } from "../whole/lab.ts"

let lab: Lab

beforeEach(async () => {
  lab = await make()
})
afterEach(() => lab.close())

const scriptFor = async (shell: string) => {
  const ran = await lab.run(["completions", shell]).done
  assert.strictEqual(ran.code, 0, ran.stderr)
  const file = join(lab.folder, shell)
  writeFileSync(file, ran.stdout)
  return { file, text: ran.stdout }
}

/** The suggestions of a shell that has read a script. */
const ask = (shell: string, ...args: ReadonlyArray<string>) => {
  const { status, stdout, stderr } = spawnSync(shell, args, { encoding: "utf8", cwd: lab.folder })
  assert.deepStrictEqual({ status, stderr }, { status: 0, stderr: "" })
  return stdout.split("\n").filter(Boolean)
}

describe("anklet completions", () => {
  it("lets bash complete commands, their commands, flags and choices, and files for a config", async () => {
    const { file } = await scriptFor("bash")
    const complete = (line: string) => {
      const words = line.split(" ").map((word) => `'${word}'`)
      return ask(
        "bash",
        "-c",
        `source ${file}; COMP_WORDS=(${words.join(" ")}); COMP_CWORD=${words.length - 1}; _anklet_bash_completions anklet; printf '%s\\n' "\${COMPREPLY[@]}"`
      )
    }
    assert.includeMembers(complete("anklet "), ["logs", "config", "service", "completions", "demo", "--attach"])
    assert.deepStrictEqual(complete("anklet lo"), ["logs"])
    assert.includeMembers(complete("anklet config "), ["check", "show", "migrate"])
    assert.includeMembers(complete("anklet config migrate --"), ["--json", "--write", "--online", "--scripts"])
    assert.deepStrictEqual(complete("anklet service un"), ["uninstall"])
    assert.includeMembers(complete("anklet service status --"), ["--json", "--config"])
    assert.notInclude(complete("anklet service install --"), "--json")
    assert.deepStrictEqual(complete("anklet -s "), ["stop", "drain"])
    assert.deepStrictEqual(complete("anklet logs --level "), ["debug", "info", "warn", "error"])
    assert.include(complete("anklet logs -f "), "--lines")
    assert.includeMembers(complete("anklet completions "), ["bash", "zsh", "fish"])
    assert.include(complete("anklet config check -c dae"), "daemon.yml")
    assert.deepStrictEqual(complete("anklet logs --service dae"), [])
  })

  it("offers no flag that help does not show", async () => {
    for (const shell of ["bash", "zsh", "fish"]) {
      const { text } = await scriptFor(shell)
      assert.notMatch(text, /wizard|log-level|-completions |l completions/)
      for (const command of [
        "logs",
        "config",
        "check",
        "show",
        "service",
        "install",
        "uninstall",
        "status",
        "completions"
      ]) {
        assert.include(text, command)
      }
    }
  })

  it("is a script that zsh and fish read, where they are", async () => {
    const [zsh, fish] = [await scriptFor("zsh"), await scriptFor("fish")]
    if (existsSync("/usr/bin/zsh")) {
      const words = ask(
        "/usr/bin/zsh",
        "-f",
        "-c",
        `autoload -U compinit; compinit -u -D; source ${zsh.file}; echo $_comps[anklet]`
      )
      assert.deepStrictEqual(words, ["_anklet_zsh_completions"])
    }
    if (existsSync("/usr/bin/fish")) {
      const complete = (line: string) =>
        ask("/usr/bin/fish", "-N", "-c", `source ${fish.file}; complete -C "${line}"`).map(
          (text) => text.split("\t")[0]
        )
      assert.deepStrictEqual(complete("anklet config "), ["check", "show"])
      assert.deepStrictEqual(complete("anklet -s "), ["drain", "stop"])
      assert.includeMembers(complete("anklet completions "), ["bash", "fish", "zsh"])
    }
  })

  it("refuses a shell that it does not know, or none: exit 2, naming those it knows", async () => {
    for (const args of [["tcsh"], []]) {
      const ran = await lab.run(["completions", ...args]).done
      assert.strictEqual(ran.code, 2)
      assert.match(ran.stderr, /bash.*zsh.*fish/)
    }
  })
})
