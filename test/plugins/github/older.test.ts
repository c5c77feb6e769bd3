import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import { github } from "../../../src/plugins/github/index.ts"

const refused = (text: string) => Option.isSome(github.refuse("/p/x.bash", text))

describe("a script in the place of one of ours", () => {
  it("is refused where it was written for Anklet 1 or 2, however it is spelt", () => {
    for (const script of [
      "#!/usr/bin/env bash\ncd ~/actions-runner\n./svc.sh install\n./svc.sh start\n",
      'cd actions-runner; sudo "$PWD/svc.sh" start &',
      './config.sh --url "$3" --token "$2" --name "$1" --labels "$4" --unattended --ephemeral\n',
      "set -x\nRUNNER=./config.sh\neval $RUNNER --unattended\n",
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
      "echo --tokens\n"
    ]) {
      assert.isFalse(refused(script), script)
    }
  })

  it("is named with the command that moves it aside", () => {
    const refusal = Option.getOrThrow(github.refuse("/a b/start-runner.bash", "./svc.sh start"))
    assert.include(refusal.why, "Anklet 1 or 2")
    assert.include(refusal.remedy, "mv '/a b/start-runner.bash' '/a b/start-runner.bash.anklet2'")
  })
})
