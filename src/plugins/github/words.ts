/** What `anklet why` says of GitHub. */
import type { Advice, CiWords } from "../Plugin.ts"

/** The words of this plugin. */
export const words: CiWords = {
  name: "GitHub",
  naming: {
    what: "a job is named by its address at GitHub (…/actions/runs/N/job/N), or by its number where a service watches one repository",
    remedy: "check the address, and owner and repo in the config"
  },
  definition: {
    where: "the workflow",
    remedy: 'change `runs-on` in the workflow file; README, "In a workflow"'
  },
  rateLimited: "raise sleep_interval, or use a GitHub App"
}

/** What comes before a job that GitHub does not offer to runners yet. */
export const HELD_BACK: Advice = {
  what: "an approval, an environment's rule, a concurrency group or another job comes first",
  remedy: "see the run's page at GitHub"
}
