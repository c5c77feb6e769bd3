import { HANDFUL, histories } from "./suite.ts"

histories("five hosts in an hour of much trouble, and then quiet", HANDFUL, { from: 1, seeds: 200 })
histories("100 hosts in two hours of trouble, and then quiet", ["--hosts", "100", "--hours", "2"], {
  from: 1,
  seeds: 8
})
