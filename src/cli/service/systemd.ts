/** systemd: a unit of the user's own manager (systemd.service(5), systemctl(1)). */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { ask, type Manager, ManagerError, must, type Start, type State } from "./manager.ts"
import { FILES, RESTART_AFTER, STOP_WITHIN, UMASK, type Unit } from "./unit.ts"

const nameOf = (label: string) => `${label.replace(".", "-")}.service`

/** A word in a unit file, quoted and escaped. */
const word = (text: string) => `"${text.replace(/[\\"]/g, "\\$&").replaceAll("%", "%%")}"`
const argument = (text: string) => word(text).replaceAll("$", "$$$$")

/** glibc keeps freed memory for a long time; with these settings it returns it. */
const ENVIRONMENT = { MALLOC_TRIM_THRESHOLD_: "65536", MALLOC_MMAP_THRESHOLD_: "65536" }

const textOf = ({ config, command, folder, environment, umask }: Unit): string =>
  `[Unit]
Description=Anklet, CI jobs in throw-away VMs (${config.replaceAll("%", "%%")})
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=${command.map(argument).join(" ")}
WorkingDirectory=${folder.replaceAll("%", "%%")}
UMask=${umask.toString(8).padStart(4, "0")}
${Object.entries({ ...environment, ...ENVIRONMENT })
  .map(([name, value]) => `Environment=${word(`${name}=${value}`)}`)
  .join("\n")}
# \`anklet -s stop\` ends with 0, and stays stopped
Restart=on-failure
RestartSec=${RESTART_AFTER}
KillSignal=SIGTERM
# the clean-up needs the commands that it runs, and VMs live on for the next start to adopt
KillMode=process
TimeoutStopSec=${STOP_WITHIN}
LimitNOFILE=${FILES}
# with --attach all of the log goes there too; its own file is enough
StandardOutput=null
StandardError=journal

[Install]
WantedBy=default.target
`

/** Parses the words of a line, as `word` and `argument` write them. */
const wordsOf = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, bare]) =>
    (quoted ?? bare ?? "").replace(/\\(.)/g, "$1").replaceAll("%%", "%")
  )

const read = (text: string): Option.Option<Start> => {
  const all = (key: string) =>
    text.split("\n").flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []))
  const [command] = all("ExecStart")
  if (command === undefined) return Option.none()
  const variables = all("Environment")
    .flatMap(wordsOf)
    .map((pair) => [pair.split("=")[0] ?? "", pair.slice(pair.indexOf("=") + 1)] as const)
    .filter(([name]) => !(name in ENVIRONMENT))
  const umask = Number.parseInt(all("UMask")[0] ?? "", 8)
  return Option.some({
    command: wordsOf(command.replaceAll("$$", "$")),
    folder: (all("WorkingDirectory")[0] ?? "").replaceAll("%%", "%"),
    environment: Object.fromEntries(variables),
    umask: Number.isNaN(umask) ? UMASK : umask
  })
}

const PROPERTIES = ["LoadState", "MainPID", "ExecMainStatus", "ExecMainExitTimestampMonotonic", "UnitFileState"]

const parse = (text: string): State => {
  const value = new Map(text.split("\n").map((line) => [line.split("=")[0] ?? "", line.slice(line.indexOf("=") + 1)]))
  const pid = Number(value.get("MainPID"))
  return {
    // a unit file that exists is loaded; only an enabled one counts as registered
    isLoaded: value.get("LoadState") === "loaded" && value.get("UnitFileState") === "enabled",
    pid: pid > 0 ? Option.some(pid) : Option.none(),
    lastExit:
      Number(value.get("ExecMainExitTimestampMonotonic")) > 0
        ? Option.fromNullable(value.get("ExecMainStatus"))
        : Option.none()
  }
}

/** What systemctl prints where the user's own manager does not run, or the session does not lead to it. */
const NO_BUS = /Failed to connect to (?:the )?(?:user scope )?bus/i

const away = (user: string, said: string, code: number) =>
  new ManagerError({
    code,
    isAway: true,
    detail: `the systemd of user ${user} cannot be reached from this session (${said.trim().split("\n")[0]}): log in at the console or by ssh, not through su or sudo; if that does not help, "loginctl enable-linger ${user}" as an administrator, and log in again`
  })

const systemctl = (...args: ReadonlyArray<string>) => must("systemctl", "--user", ...args)

/** systemd for the current user. */
export const systemd = (user: string): Manager => ({
  name: "systemd",
  nameOf,
  folder: ".config/systemd/user",
  fileOf: nameOf,
  linksOf: (label) => [`default.target.wants/${nameOf(label)}`],
  textOf,
  read,
  query: (label) =>
    Effect.flatMap(
      ask("systemctl", "--user", "show", `--property=${PROPERTIES.join(",")}`, nameOf(label)),
      ({ code, stdout, stderr }) => (NO_BUS.test(stderr) ? away(user, stderr, code) : Effect.succeed(parse(stdout)))
    ),
  load: (label) => Effect.zipRight(systemctl("daemon-reload"), systemctl("enable", "--now", nameOf(label))),
  start: (label) => systemctl("start", nameOf(label)),
  unload: (label) => systemctl("disable", "--now", nameOf(label)),
  reload: systemctl("daemon-reload"),
  toStart: (label) => `systemctl --user start ${nameOf(label)}`,
  toSet: (label, name) =>
    `if the service needs it: put ${name}=VALUE into a file that you alone may read, and name that as EnvironmentFile= in systemctl --user edit ${nameOf(label)}`,
  note: Option.some(`it runs while you are logged in; to let it run without that: loginctl enable-linger ${user}`)
})
