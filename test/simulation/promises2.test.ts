import { HANDFUL, histories } from "./suite.ts"

histories("five hosts in an hour of much trouble, and then quiet", HANDFUL, { from: 1, seeds: 200 })
histories(
  "five hosts that GitHub tells of most jobs, soon, late, twice and when they are over",
  [...HANDFUL, "--told", "0.7"],
  {
    from: 1,
    seeds: 50
  }
)
histories("five hosts with scripts of their own around each job", [...HANDFUL, "--scripts"], { from: 1, seeds: 50 })
histories("five hosts that keep the VM of each job for inspection", [...HANDFUL, "--hold"], { from: 1, seeds: 50 })
/** Seeds that once broke a promise. */
for (const seed of [202]) histories(`what broke a promise once (seed ${seed})`, HANDFUL, { from: seed, seeds: 1 })
histories("100 hosts in two hours of trouble, and then quiet", ["--hosts", "100", "--hours", "2"], {
  from: 1,
  seeds: 8
})
