import { crashes, histories } from "./suite.ts"

histories("100 hosts in two hours of trouble, and then quiet", ["--hosts", "100", "--hours", "2"], {
  from: 1,
  seeds: 100
})
crashes()
