// The Homebrew formula of a release: the file for each kind of machine, and its checksum.

const SYSTEMS = { macos: "on_macos", linux: "on_linux" }
const PROCESSORS = { arm64: "on_arm", x64: "on_intel" }

const indent = (text) => text.replaceAll(/^(?=.)/gm, "  ")

const block = (name, lines) => `${name} do\n${indent(lines)}end\n`

/** Its text; `files` are the release's programs, each with `target`, `name` and `sum`. */
export const formula = ({ version, url, files }) => {
  const systems = Object.entries(SYSTEMS).map(([system, onSystem]) => {
    const ours = files.filter(({ target }) => target.startsWith(`${system}-`))
    const machines = ours.map(({ target, name, sum }) =>
      block(PROCESSORS[target.slice(system.length + 1)], `url "${url}/${name}"\nsha256 "${sum}"\n`)
    )
    return ours.length === 0 ? "" : block(onSystem, machines.join("\n"))
  })
  const body = [
    [
      'desc "Runs GitHub Actions jobs in throw-away macOS VMs on your own Macs"\n',
      'homepage "https://veertu.com"\n',
      `version "${version}"\n`,
      'license "MIT"\n'
    ].join(""),
    ...systems.filter((text) => text !== ""),
    block("def install", 'bin.install Dir["anklet-*"].first => "anklet"\n').replace(" do\n", "\n"),
    block("test", 'assert_match version.to_s, shell_output("#{bin}/anklet --version")\n')
  ]
  return `class Anklet < Formula\n${indent(body.join("\n"))}end\n`
}
