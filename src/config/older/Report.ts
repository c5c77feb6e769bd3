/** What becomes of each key of an older config, for the person who moves in. */

/** What can become of a key, in the order of the report. */
export const KINDS = ["kept", "became", "added", "left out", "look at", "no counterpart"] as const
/** What became of a key. */
export type Kind = (typeof KINDS)[number]

/** What became of one key. No entry contains a secret. */
export interface Entry {
  readonly kind: Kind
  /** Line in the older config, counted from 1; absent for what only the environment says, and for what was added. */
  readonly line?: number
  /** The service that it belongs to; absent for the daemon's keys. */
  readonly service?: string
  /** The key, by its name in the older config, or `environment NAME`. */
  readonly key: string
  /** Its place in the new config, if it has another name there. */
  readonly to?: string
  /** Why, or what else to know; may be empty. */
  readonly message: string
}

/** Whether a person must decide something before a daemon may run with the new config. */
export const needsPerson = ({ kind }: Entry): boolean => kind === "look at" || kind === "no counterpart"

/** Collects entries. */
export class Report {
  readonly entries: Array<Entry> = []
  add(
    kind: Kind,
    key: string,
    message: string,
    {
      line,
      service,
      to
    }: Partial<Record<"service" | "to", string | undefined>> & { readonly line?: number | undefined } = {}
  ) {
    this.entries.push({
      kind,
      ...(line === undefined ? {} : { line }),
      ...(service === undefined ? {} : { service }),
      key,
      ...(to === undefined ? {} : { to }),
      message
    })
  }
}
