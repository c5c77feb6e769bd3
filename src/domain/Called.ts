/** Which job a person means: by its name, its number or address at the CI, or what runs it here. Pure. */

/** A job by all that it is called; the last two are of those that have a VM. */
export interface Names {
  readonly name: string
  /** Address at the CI; empty where it has none. */
  readonly url: string
  readonly vm?: string | undefined
  readonly runner?: string | undefined
}

/** The number of a job, which may be written as the end of its address. */
export const numberOf = (text: string): string | undefined => text.match(/^(?:.*\/job\/)?(\d+)$/)?.[1]

/** Whether this text names a job. */
export const isCalled = (text: string) => {
  const number = numberOf(text)
  return ({ name, url, vm, runner }: Names): boolean =>
    (text !== "" && [name, url, vm, runner].includes(text)) || (number !== undefined && numberOf(url) === number)
}
