/** `anklet simulate host DIR`: a simulated Mac, and the templates that a person asked for. */
import { existsSync, readdirSync } from "node:fs"
import { resolve } from "node:path"
import { commandLine } from "../../process/Program.ts"
import { createHost, newUuid, type TemplateSpec } from "../anka/host.ts"
import { Mistake, only, read } from "./flags.ts"

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** A template on a simulated host. */
export interface Template {
  readonly uuid: string
  readonly name: string
  readonly tag: string
}

/** What a person wrote as NAME, NAME:TAG, UUID or UUID:TAG. */
export const templateOf = (text: string): Template => {
  const [, name = "", tag = "v1"] = text.match(/^([^:]*)(?::(.*))?$/) ?? []
  if (!/^[\w.+-]+$/.test(name) || !/^[\w.+-]+$/.test(tag))
    throw new Mistake(`${JSON.stringify(text)} is no template: expected NAME or NAME:TAG`)
  return UUID.test(name)
    ? { uuid: name.toLowerCase(), name: `template-${name.slice(0, 8)}`, tag }
    : { uuid: newUuid(), name, tag }
}

/** The templates of a new host. */
export const templatesOf = (given: ReadonlyArray<string> | undefined): ReadonlyArray<Template> =>
  (given ?? ["sequoia:v1"]).map(templateOf)

const specOf = ({ uuid, name, tag }: Template): TemplateSpec => ({ uuid, name, tags: [tag] })

/** A folder for something new: absolute, and empty or not there yet. */
export const newFolder = (text: string): string => {
  const folder = resolve(text)
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new Mistake(`${folder} is not empty: name a folder that is not there yet`)
  return folder
}

/** Makes a host; returns the folder of its `anka`. */
export const make = (
  home: string,
  templates: ReadonlyArray<Template>,
  registry: ReadonlyArray<Template>
): { readonly bin: string } =>
  createHost({
    home,
    anklet: commandLine,
    templates: templates.map(specOf),
    registry: [...templates, ...registry].map(specOf),
    // a person wants to see a VM boot
    host: { takes: { clone: 200, start: 200, boot: 1500, ip: 300, pull: 3000, delete: 100, stop: 200 } }
  })

/** The labels that lead a job to a template. */
export const labelsOf = ({ uuid, tag }: Pick<Template, "uuid" | "tag">): ReadonlyArray<string> => [
  "self-hosted",
  "anka",
  `anka-template:${uuid}`,
  `anka-template-tag:${tag}`
]

/** Runs the command; returns what it prints. */
export const host = (argv: ReadonlyArray<string>): ReadonlyArray<string> => {
  const { values, positionals } = read("host", argv, {
    template: { type: "string", multiple: true },
    registry: { type: "string", multiple: true }
  })
  const templates = templatesOf(values.template)
  const registry = (values.registry ?? []).map(templateOf)
  const { bin } = make(newFolder(only("host", positionals, "folder")), templates, registry)
  return [
    `export PATH="${bin}:$PATH"`,
    ...templates.map(({ uuid, name, tag }) => `# here:     ${name}:${tag}  ${uuid}`),
    ...registry.map(({ uuid, name, tag }) => `# to pull:  ${name}:${tag}  ${uuid}`)
  ]
}
