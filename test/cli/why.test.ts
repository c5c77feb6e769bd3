import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { LABELS, type Lab, make, TEMPLATE, TOKEN, until } from "../whole/lab.ts"

const WAITS = ["while [ ! -e ../../go ]; do sleep 0.05; done"]
const AWAY = "11111111-2222-4333-8444-555555555555"

let lab: Lab

const url = (id: number) => `https://github.com/veertuinc/anklet/actions/runs/${lab.world.job(id).runId}/job/${id}`
const queue = (name: string, labels: ReadonlyArray<string> = LABELS, steps: ReadonlyArray<string> = WAITS) =>
  lab.queue({ name, labels, steps }).jobs[0]?.id ?? 0
const why = async (job: string | number, expected = 0) => {
  const { code, stdout, stderr } = await lab.anklet("why", String(job))
  assert.strictEqual(code, expected, stdout + stderr)
  assert.notInclude(stdout, TOKEN)
  return stdout
}
const answers = (job: number, what: RegExp) => until(`the answer is ${what}`, async () => what.test(await why(job)))

describe("anklet why", () => {
  beforeEach(async () => {
    lab = await make({ services: 2 })
  })
  afterEach(async () => {
    await lab.anklet("-s", "stop")
    await lab.close()
  })

  it("says of a job that it runs, by which service, and of one that is over how it ended", async () => {
    await lab.anklet()
    const id = queue("mine")
    await answers(id, /^it runs, on anklet-job-\S+ in VM anklet-vm-\S+, of RUNNER\d of this host$/m)
    lab.letGo()
    await answers(id, /^it is over: success$/m)
    assert.match(await why(url(id)), /^it is over: success$/m, "also by its address")
  })

  it("finds a job of a renamed repository by its new address and by its former one, and the rename is one WARN", async () => {
    const id = queue("mine")
    lab.github.world.rename("veertuinc/anklet", "elsewhere/renamed")
    await lab.anklet()
    await answers(id, /^it runs, on anklet-job-\S+ in VM anklet-vm-\S+, of RUNNER\d of this host$/m)
    const { runId } = lab.world.job(id)
    for (const name of ["elsewhere/renamed", "Veertuinc/ANKLET"]) {
      assert.match(
        await why(`https://github.com/${name}/actions/runs/${runId}/job/${id}`),
        /^it runs, on anklet-job/m,
        name
      )
    }
    lab.github.world.repositories.add("elsewhere/other")
    assert.match(
      await why(`https://github.com/elsewhere/other/actions/runs/${runId}/job/${id}`, 15),
      /^no service of this host watches elsewhere\/other/m
    )
    const warned = lab.log().filter(({ level, msg }) => level === "WARN" && /is called/.test(String(msg)))
    assert.strictEqual(warned.length, 1)
    assert.match(String(warned[0]?.msg), /veertuinc\/anklet is called elsewhere\/renamed now/)
    lab.letGo()
    await answers(id, /^it is over: success$/m)
  })

  it("names the labels that do not fit, and tells jobs of others from ours", async () => {
    await lab.anklet()
    assert.match(await why(queue("theirs", ["self-hosted"])), /^no host of Anklet takes it: it names no template/m)
    const two = queue("both", [`anka-template:${TEMPLATE}`, `anka-template:${AWAY}`])
    assert.match(await why(two), /^no host of Anklet takes it: its labels cannot be satisfied/m)
  })

  it("tells what takes the room of a job", async () => {
    await lab.anklet()
    const first = queue("first")
    const second = queue("second")
    await answers(first, /^it runs/m)
    await answers(second, /^it runs/m)
    const third = queue("third")
    await answers(
      third,
      /no free VM slot: 2 of 2 are in use \("(first|second)" of RUNNER\d, "(first|second)" of RUNNER\d\)/
    )
    const said = await why(third)
    assert.match(
      said,
      /^it is not seen yet: all services of this host have a job, and GitHub is polled less often then$/m
    )
    assert.match(said, /all 2 services have jobs \("(first|second)" in RUNNER1, "(first|second)" in RUNNER2\)/)
    assert.match(said, /what to do:/)
    lab.letGo()
  })

  it("tells that the host is drained, and how that ends", async () => {
    await lab.anklet()
    await lab.anklet("drain")
    const id = queue("late")
    await answers(id, /this host is paused by anklet drain: it accepts no new jobs\n +what to do: anklet -c \S+ resume/)
  })

  it("tells that the memory of this Mac is not enough for its VM, and how much it wants", async () => {
    await lab.close()
    lab = await make({ host: { templates: [{ uuid: TEMPLATE, tags: ["v1"], memory: 2 ** 50 }] } })
    await lab.anklet()
    await lab.anklet("drain")
    const id = queue("large")
    await answers(id, /too big for this host: its VM needs 1048576\.0 GiB of memory, of \d+\.\d GiB/)
    assert.match(await why(id), /what to do: a Mac with more memory, or a template with less/)
  })

  it("tells that no registry has the template, and when it is tried again", async () => {
    await lab.anklet()
    const id = queue("nowhere", ["anka", `anka-template:${AWAY}`, "anka-template-tag:v1", "run-id:{run_id}"])
    await answers(id, /handed back by this host: template \S+: .*does not have it.*tried here again in \d+ (min|s)/)
  })

  it("tells that GitHub does not know the job, that it could not be asked, and that no daemon runs", async () => {
    assert.strictEqual((await lab.anklet("why", "1")).code, 5)
    assert.strictEqual((await lab.anklet("why")).code, 5)
    await lab.anklet()
    for (const [text, code, answer, remedy] of [
      ["999999", 15, /^GitHub knows no job 999999 in veertuinc\/anklet$/m, /check the number/],
      [
        "https://github.com/VeertuInc/anklet/actions/runs/1/job/999999?pr=7",
        15,
        /^GitHub knows no job 999999 in VeertuInc\/anklet$/m,
        /gone with its run/
      ],
      [
        "https://github.com/other/repo/actions/runs/1/job/2",
        15,
        /^no service of this host watches other\/repo$/m,
        /this host watches veertuinc\/anklet/
      ],
      ["https://github.com/veertuinc/anklet/pull/7", 2, /address of a pull request/, /open its checks/],
      ["https://github.com/veertuinc/anklet/actions/runs/77", 2, /address of a run/, /choose the job in it/],
      ["https://github.com/veertuinc/anklet/issues/7", 2, /not that of a job/, /copy the address/],
      ["nonsense", 2, /neither the address of a job at GitHub nor the number of one/, /copy the address/]
    ] as const) {
      const said = await why(text, code)
      assert.match(said, answer)
      assert.match(said, remedy)
    }
    const { stdout } = await lab.anklet("why", "--json", "999999")
    assert.deepInclude(JSON.parse(stdout), { job: "999999", outcome: "missing" })
  })

  it("asked about none, explains the one that waits, lists several, and says when there is none", async () => {
    await lab.anklet()
    assert.match((await lab.anklet("why")).stdout, /^no job waits$/m)
    await lab.anklet("drain")
    const first = queue("first")
    await answers(first, /paused/)
    const alone = await lab.anklet("why")
    assert.match(alone.stdout, /^"first" https:\S+\nit waits: this host is paused by anklet drain/)
    assert.strictEqual(alone.stdout.match(/paused by anklet drain/g)?.length, 1, "said once")
    const second = queue("second")
    await answers(second, /paused/)
    const { code, stdout } = await lab.anklet("why")
    assert.strictEqual(code, 0)
    assert.match(stdout, /^2 jobs wait$/m)
    for (const [name, id] of [
      ["first", first],
      ["second", second]
    ] as const)
      assert.match(
        stdout,
        new RegExp(`"${name}" of veertuinc/anklet: .*paused.*\\n.*for more of it, .*why https:\\S+/job/${id}$`, "m")
      )
  })

  it("takes the address of a run for that of its job, and lists the jobs of one that has several", async () => {
    await lab.anklet()
    await lab.anklet("drain")
    const one = queue("alone")
    await answers(one, /paused/)
    const run = (id: number) => url(id).replace(/\/job\/\d+$/, "")
    assert.match(await why(run(one)), /^"alone" https:/)
    const { jobs } = lab.queue({ name: "left", steps: WAITS }, { name: "right", steps: WAITS })
    await answers(jobs[1]?.id ?? 0, /paused/)
    const said = await why(run(jobs[0]?.id ?? 0))
    assert.match(said, /^it has 2 jobs here$/m)
    assert.match(said, /"left" of veertuinc\/anklet: /)
    assert.match(said, /"right" of veertuinc\/anklet: /)
  })
})
