import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import { github } from "../../../src/plugins/github/index.ts"
import { addedIn } from "../../../src/plugins/github/olderScripts.ts"

const refused = (text: string) => Option.isSome(github.refuse("/p/x.bash", text))

describe("a script in the place of one of ours", () => {
  it("is refused where it was written for Anklet 1 or 2, however it is spelt", () => {
    for (const script of [
      "#!/usr/bin/env bash\ncd ~/actions-runner\n./svc.sh install\n./svc.sh start\n",
      'cd actions-runner; sudo "$PWD/svc.sh" start &',
      './config.sh --url "$3" --token "$2" --name "$1" --labels "$4" --unattended --ephemeral\n',
      "set -x\nRUNNER=./config.sh\neval $RUNNER --unattended\n",
      'RUNNER_HOME="${RUNNER_HOME:-$HOME/actions-runner}"\nV=2.319.0\ncurl -L "https://github.com/actions/runner/releases/download/v$V/x.tar.gz" | tar -xz -C "$RUNNER_HOME"\n',
      'configure \\\n  --token "$2" \\\n  --replace\n'
    ]) {
      assert.isTrue(refused(script), script)
    }
  })

  it("is the user's to change in every other way", () => {
    for (const script of [
      ...Object.values(github.files),
      "# mine\n",
      "",
      "# once this called ./svc.sh start, and config.sh with --token\nexec ./run.sh\n",
      'curl --header "token: x" https://example.com/svc.shell\n',
      "echo --tokens\n",
      // ours, with what somebody added
      'vault login --token "$(cat ~/.vault)"\ncd actions-runner && ACTIONS_RUNNER_INPUT_JITCONFIG=$c ./run.sh\n',
      "./svc.sh stop || true\nIFS= read -r config <.jitconfig\n",
      'url=$1\nRUNNER_HOME=/opt/x\ncurl --output a "${url/https:\\/\\/github.com\\/actions\\/runner\\/releases/https://mirror}"\n',
      "curl -o r.tgz https://mirror.example.com/runner.tgz && tar -xzf r.tgz\n"
    ]) {
      assert.isFalse(refused(script), script)
    }
  })

  it("of those versions that was changed tells where the changes belong, by lines and names alone", () => {
    const install = [
      "#!/usr/bin/env bash",
      "set -exo pipefail",
      "brew install jq",
      "sudo launchctl stop x",
      "export HTTPS_PROXY=http://me:hunter2@proxy",
      'RUNNER_HOME="${RUNNER_HOME:-$HOME/actions-runner}"',
      'cd "${RUNNER_HOME}"',
      'curl -L "https://github.com/actions/runner/releases/download/v1/r.tar.gz" -o r.tar.gz',
      'echo "runner successfully installed"'
    ].join("\n")
    assert.deepStrictEqual(addedIn(install), [
      { to: "prepare.bash", lines: [3, 4], names: [] },
      { to: "runner.env", lines: [5], names: ["HTTPS_PROXY"] }
    ])
    assert.deepStrictEqual(addedIn("cd ~/actions-runner\n./svc.sh install\n./svc.sh start\nsay done\n"), [
      { to: "after.bash", lines: [4], names: [] }
    ])
    assert.deepStrictEqual(
      addedIn('eval ./config.sh --name "${1}" \\\n  --token "${2}" \\\n  --ephemeral \\\n  ${RUNNER_GROUP_FLAG}\n'),
      []
    )
  })

  it("is named with the command that moves it aside", () => {
    const refusal = Option.getOrThrow(github.refuse("/a b/start-runner.bash", "./svc.sh start"))
    assert.include(refusal.why, "Anklet 1 or 2")
    assert.include(refusal.remedy, "`anklet config migrate --scripts` moves it aside, to /a b/anklet2")
  })
})
