/** Checks what makes macOS fail VMs silently: sleep, a locked keychain, no user session, short leases, a missing permission. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Finding from "../domain/Finding.ts"
import { Mac } from "../services/Mac.ts"
import type { Check, HostFacts } from "./HostFacts.ts"

export const KINDS = {
  "not-a-mac": {
    level: "note",
    why: "VMs run on macOS only. Sleep, session, keychain, network and launchd were not looked at.",
    remedy: "nothing, for a dry run with the simulated `anka`"
  },
  "user-root": {
    level: "warning",
    why: "Anklet needs no root, and root has a template library of its own.",
    remedy: "run Anklet as the user who has the templates"
  },
  "mac-sleeps": {
    level: "warning",
    why: "A Mac that sleeps takes no jobs, and loses the ones that run.",
    remedy: "`sudo pmset -a sleep 0`"
  },
  "mac-stays-off": {
    level: "note",
    why: "After a power failure the Mac waits for somebody to press its button.",
    remedy: "`sudo pmset -a autorestart 1`"
  },
  "session-missing": {
    level: "problem",
    why: 'Without its user at the screen macOS starts no VM ("No child processes"), and keeps the login keychain locked.',
    remedy: "log in at the screen, or by screen sharing, as the user who runs Anklet, and stay logged in"
  },
  "no-automatic-login": {
    level: "note",
    why: "After a reboot no VM starts before this user has logged in.",
    remedy: "System Settings > Users & Groups > Automatically log in as (not with FileVault)"
  },
  "keychain-locked": {
    level: "problem",
    why: "Anka reads keys from the login keychain: while it is locked VMs fail to start.",
    remedy: "log in at the screen, or `security unlock-keychain ~/Library/Keychains/login.keychain-db`"
  },
  "keychain-locks-itself": {
    level: "warning",
    why: "The login keychain locks itself after a while, and VMs fail to start from then on.",
    remedy: "`security set-keychain-settings ~/Library/Keychains/login.keychain-db`"
  },
  "local-network": {
    level: "note",
    why: "On macOS 15 and newer a program without this permission cannot reach its VMs, without any error. macOS lets nobody ask whether it was given.",
    remedy:
      "System Settings > Privacy & Security > Local Network: turn on Anka, and what starts Anklet (Terminal, node)"
  },
  "leases-short": {
    level: "note",
    why: "Anka's shared network gives addresses to new VMs again, so they do not run out; a lease that ends early interrupts the connections of a VM that runs.",
    remedy:
      "unless another program that runs VMs needs it: `sudo defaults delete /Library/Preferences/SystemConfiguration/com.apple.InternetSharing.default.plist bootpd`"
  }
} as const satisfies Finding.Kinds

const found = Finding.about("macos", KINDS)

/** Default lease time of macOS, in seconds. */
const LEASE = 86_400

const SHARING = "/Library/Preferences/SystemConfiguration/com.apple.InternetSharing.default"
const LOGIN = "/Library/Preferences/com.apple.loginwindow"

/** `pmset -g` prints `name  value` on a line; 0 is never, or off. */
const setting = (said: string, name: string) => said.match(new RegExp(`^\\s*${name}\\s+(\\d+)`, "m"))?.[1]

const said = (answer: Option.Option<{ readonly code: number; readonly stdout: string }>) =>
  Option.match(answer, { onNone: () => "", onSome: ({ code, stdout }) => (code === 0 ? stdout.trim() : "") })

const power = Effect.gen(function* () {
  const mac = yield* Mac
  const settings = said(yield* mac.ask("pmset", "-g"))
  const sleep = setting(settings, "sleep")
  return [
    ...(sleep === undefined || sleep === "0"
      ? []
      : [found("mac-sleeps", `this Mac sleeps after ${sleep} minutes in which nobody uses it`)]),
    ...(setting(settings, "autorestart") === "0"
      ? [found("mac-stays-off", "this Mac does not start by itself after a power failure")]
      : [])
  ]
})

const session = Effect.gen(function* () {
  const mac = yield* Mac
  const user = said(yield* mac.ask("id", "-un"))
  if (user === "root") return [found("user-root", "this is root")]
  const atScreen = said(yield* mac.ask("stat", "-f", "%Su", "/dev/console"))
  const automatic = said(yield* mac.ask("defaults", "read", LOGIN, "autoLoginUser"))
  const who = atScreen === "root" || atScreen === "" ? "nobody is" : `${atScreen} is`
  return [
    ...(atScreen === user ? [] : [found("session-missing", `${who} logged in at the screen, and not ${user}`)]),
    ...(automatic === user ? [] : [found("no-automatic-login", `${user} is not logged in automatically`)])
  ]
})

/** `security` prints the settings of a keychain that is open; one that is locked may not be asked (errSecInteractionNotAllowed, 36). */
const keychain = Effect.fnUntraced(function* ({ places }: HostFacts) {
  const mac = yield* Mac
  const answer = yield* mac.ask("security", "show-keychain-info", `${places.user}/Library/Keychains/login.keychain-db`)
  return Option.match(answer, {
    // no answer: it shows a dialog that asks for the password
    onNone: () => [found("keychain-locked", "the login keychain is locked: macOS asks for its password")],
    onSome: ({ code, stdout, stderr }) =>
      code !== 0
        ? [found("keychain-locked", `the login keychain is locked (${stderr.trim() || `exit code ${code}`})`)]
        : /\btimeout=|lock-on-sleep/.test(`${stdout}${stderr}`)
          ? [found("keychain-locks-itself", "the login keychain locks itself")]
          : []
  })
})

/**
 * How long macOS leases an address to a VM. Veertu: "We reuse these leases, which means you will not run out after ~253 VMs
 * in a day" (docs.veertu.com, Understanding VM Networking); a shorter time is good for programs that do not.
 */
const leases = Effect.gen(function* () {
  const mac = yield* Mac
  const settings = said(yield* mac.ask("defaults", "read", SHARING, "bootpd"))
  const time = Number(settings.match(/DHCPLeaseTimeSecs\s*=\s*"?(\d+)/)?.[1] ?? LEASE)
  return time < LEASE ? [found("leases-short", `an address is leased to a VM for ${time} seconds, not for a day`)] : []
})

const permission = (version: string) =>
  Number(version.split(".")[0]) >= 15
    ? [found("local-network", `macOS ${version} asks for a permission to reach devices on local networks`)]
    : []

/** The check of the Mac itself. */
export const macos: Check = {
  subject: "macos",
  run: (host) =>
    Effect.flatMap(Mac, ({ version }) =>
      Option.match(version, {
        onNone: () => Effect.succeed([found("not-a-mac", "this is no Mac")]),
        onSome: (version) =>
          Effect.map(Effect.all([power, session, keychain(host), leases], { concurrency: "unbounded" }), (wrong) => [
            Finding.ok("macos", `macOS ${version}`),
            ...wrong.flat(),
            ...permission(version)
          ])
      })
    )
}
