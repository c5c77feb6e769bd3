// The contents of a release's files, for those who must know them: third-party licences, and a bill of materials.
import { spawnSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { commit, committedAt, root, version } from "../bundle.mjs"
import { BUN, licenceOfBun, TARGETS } from "./runtimes.mjs"

/** The packages of which a bundle contains at least a byte, by name. */
export const packagesIn = ({ outputs }) => {
  const folders = new Set()
  for (const { inputs } of Object.values(outputs)) {
    for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
      const [folder] = file.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/) ?? []
      if (folder !== undefined && bytesInOutput > 0) folders.add(folder)
    }
  }
  return [...folders]
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"))
      return { name, version, license, folder: join(root, folder) }
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

const textsIn = (folder) =>
  readdirSync(folder)
    .filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
    .map((file) => readFileSync(join(folder, file), "utf8").trim())

/** One text with the licences of everything in the files except Anklet itself; fails for a package that names none. */
export const licences = (packages) =>
  [
    `Anklet ${version} contains the software below, each under its own licence.`,
    `Bun ${BUN}, the runtime (https://bun.com)\n\n${licenceOfBun().trim()}`,
    ...packages.map(({ name, version, license, folder }) => {
      const texts = textsIn(folder)
      if (texts.length === 0 && typeof license !== "string") throw new Error(`${name}@${version} names no licence`)
      return [`${name} ${version}, ${license}`, ...texts].join("\n\n")
    })
  ].join(`\n\n${"-".repeat(80)}\n\n`)

const sha512 = (integrity) => Buffer.from(integrity.replace("sha512-", ""), "base64").toString("hex")

const runtime = (target) => ({
  "bom-ref": `${TARGETS[target].package}@${BUN}`,
  type: "framework",
  name: TARGETS[target].package,
  version: BUN,
  scope: "required",
  description: `The runtime in anklet-${version}-${target}`,
  purl: `pkg:npm/${TARGETS[target].package.replace("@", "%40")}@${BUN}`,
  hashes: [{ alg: "SHA-512", content: sha512(TARGETS[target].integrity) }],
  licenses: [{ license: { id: "MIT" } }, { license: { id: "LGPL-2.1-only" } }]
})

/** A bill of materials in the CycloneDX format: what npm reports about the packages inside, and the runtimes. */
export const bom = (packages, targets) => {
  const npm = spawnSync("npm", ["sbom", "--sbom-format", "cyclonedx", "--sbom-type", "application"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 1 << 26
  })
  if (npm.status !== 0) throw new Error(`npm sbom failed: ${npm.stderr}`)
  // a number and a time of its own would make every build of a commit different
  const { serialNumber, ...all } = JSON.parse(npm.stdout)
  const itself = all.metadata.component["bom-ref"]
  const runtimes = targets.map(runtime)
  const inside = new Set(packages.map(({ name, version }) => `${name}@${version}`))
  const components = all.components.filter((component) => inside.has(component["bom-ref"]))
  if (components.length !== inside.size) throw new Error("npm sbom does not list all that is in the bundle: npm ci")
  const refs = new Set([itself, ...inside])
  const direct = runtimes.map((runtime) => runtime["bom-ref"])
  return {
    ...all,
    metadata: {
      ...all.metadata,
      timestamp: committedAt(),
      component: {
        ...all.metadata.component,
        // npm takes it from the name of the folder
        name: "anklet",
        version,
        properties: [{ name: "anklet:commit", value: commit() }]
      }
    },
    components: [...components, ...runtimes],
    dependencies: [
      ...all.dependencies
        .filter(({ ref }) => refs.has(ref))
        .map(({ ref, dependsOn }) => ({
          ref,
          dependsOn: [...dependsOn.filter((on) => refs.has(on)), ...(ref === itself ? direct : [])]
        })),
      ...direct.map((ref) => ({ ref, dependsOn: [] }))
    ]
  }
}
