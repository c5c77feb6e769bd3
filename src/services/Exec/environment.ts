/**
 * Which of this process's environment variables the programs get that it runs. The programs are not ours: some run for
 * days, any user of `ps eww` can read their environment, and they may write it to a crash report. So each kind gets
 * only what it needs. Pure.
 */
import { without } from "../../secrets/Secrets.ts"

/** Variables by name. */
export type Variables = Readonly<Record<string, string | undefined>>

/**
 * What a program is: one of the `system`'s, `anka`, or `anka` connecting to its `registry`, which may be behind a proxy
 * that requires a password.
 */
export type Kind = "system" | "anka" | "registry"

/** Who the user is and where things are, which any program may need. */
const COMMON = /^(?:PATH|HOME|USER|LOGNAME|SHELL|TMPDIR|LANG|LANGUAGE|LC_\w+|TZ|__CF_USER_TEXT_ENCODING)$/
/** The session that `systemctl --user` talks to (systemd's pam_systemd). */
const SESSION = /^(?:XDG_RUNTIME_DIR|XDG_CONFIG_HOME|DBUS_SESSION_BUS_ADDRESS)$/
/**
 * Anka's own settings, and the network settings that programs in Go read (pkg.go.dev/net/http, ProxyFromEnvironment;
 * crypto/x509).
 */
const ANKA = /^(?:ANKA_\w+|SSL_CERT_FILE|SSL_CERT_DIR|NO_PROXY|no_proxy)$/
const PROXY = /^(?:HTTPS?_PROXY|ALL_PROXY)$/i

/** An address without user and password. */
const bare = (address: string): string => address.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, "$1")

/**
 * The variables that a program of a kind gets. Variables whose name `isSecret`, or that contain a secret, are left out;
 * a proxy's address loses its user and password, except for the kind that needs them.
 */
export const of = (kind: Kind, own: Variables, isSecret: (name: string) => boolean): Record<string, string> => {
  const passed = Object.entries(own).flatMap(([name, value]): ReadonlyArray<readonly [string, string]> => {
    if (value === undefined || isSecret(name)) return []
    if (kind !== "system" && PROXY.test(name)) return [[name, kind === "registry" ? value : bare(value)]]
    // these are paths and names, which are passed even if they happen to contain a password
    if (COMMON.test(name)) return [[name, value]]
    const mayPass = (kind === "system" ? SESSION : ANKA).test(name) && without(value) === value
    return mayPass ? [[name, value]] : []
  })
  return Object.fromEntries(passed)
}
