/** What can be wrong with the Mac itself. */
import type { Fault } from "./Fault.ts"

/** Its faults. */
export const macos: ReadonlyArray<Fault> = [
  {
    on: "a Mac that nobody has prepared",
    name: "sleep",
    id: "mac-sleeps",
    level: "warning",
    what: /sleeps after 10 minutes/,
    remedy: /pmset -a sleep 0/,
    cause: (host) =>
      host.standIn(
        "pmset",
        "echo ' sleep                10 (sleep prevented by powerd)'",
        "echo ' autorestart          0'"
      )
  },
  {
    on: "a Mac that nobody has prepared",
    name: "no start after a power failure",
    id: "mac-stays-off",
    level: "note",
    what: /power failure/,
    remedy: /autorestart 1/
  },
  {
    on: "a Mac that nobody has prepared",
    name: "nobody at the screen",
    id: "session-missing",
    level: "problem",
    what: /nobody is logged in.* not ci/,
    remedy: /log in/,
    cause: (host) => host.standIn("stat", "echo root")
  },
  {
    on: "a Mac that nobody has prepared",
    name: "no automatic login",
    id: "no-automatic-login",
    level: "note",
    what: /ci is not/,
    remedy: /Automatically log in/,
    cause: (host) => host.standIn("defaults", "echo 'The domain/default pair does not exist' >&2; exit 1")
  },
  {
    on: "a Mac that nobody has prepared",
    name: "leases that somebody cut short",
    id: "leases-short",
    level: "note",
    what: /for 600 seconds/,
    remedy: /defaults delete .*bootpd/,
    cause: (host) =>
      host.standIn("defaults", 'case "$3" in bootpd) echo "{ DHCPLeaseTimeSecs = 600; }" ;; *) exit 1 ;; esac')
  },
  {
    on: "a Mac that nobody has prepared",
    name: "a locked keychain",
    id: "keychain-locked",
    level: "problem",
    what: /User interaction is not allowed/,
    remedy: /unlock-keychain/,
    cause: (host) =>
      host.standIn(
        "security",
        "echo 'security: SecKeychainCopySettings: User interaction is not allowed.' >&2; exit 36"
      )
  },
  {
    on: "a Mac that nobody has prepared",
    name: "a permission that nobody can ask for",
    id: "local-network",
    level: "note",
    what: /15\.6\.1/,
    remedy: /Local Network/
  },
  {
    on: "a Mac that belongs to somebody",
    name: "another user at the screen",
    id: "session-missing",
    level: "problem",
    what: /eve is logged in.* not ci/,
    remedy: /log in/,
    cause: (host) => host.standIn("stat", "echo eve")
  },
  {
    on: "a Mac that belongs to somebody",
    name: "a keychain that asks for its password",
    id: "keychain-locked",
    level: "problem",
    what: /asks for its password/,
    remedy: /unlock-keychain/,
    cause: (host) => host.standIn("security", "exec sleep 600")
  },
  {
    on: "a Mac with warnings alone",
    name: "a user who is root",
    id: "user-root",
    level: "warning",
    what: /root/,
    remedy: /user who has the templates/,
    cause: (host) => host.standIn("id", 'case "$1" in -un) echo root ;; -u) echo 0 ;; esac')
  },
  {
    on: "a Mac with warnings alone",
    name: "a keychain that locks itself",
    id: "keychain-locks-itself",
    level: "warning",
    what: /locks itself/,
    remedy: /set-keychain-settings/,
    cause: (host) => host.standIn("security", `echo 'Keychain "login" lock-on-sleep timeout=300s' >&2`)
  }
]
