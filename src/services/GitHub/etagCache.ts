/** Answers kept for conditional requests: unchanged ones cost no rate limit. */

/** A decoded page of an answer. */
export interface Page<A> {
  readonly etag: string | undefined
  readonly items: A
  /** Whether another page follows. */
  readonly next: boolean
  /** Number of the last page; 0 if GitHub does not say. */
  readonly last: number
}

/** Maximum size of the answers kept for a credential, in characters of JSON; the least recently used go first. */
const LIMIT = 8 << 20

/**
 * An empty cache of one credential's answers.
 *
 * An App's token changes every hour, and GitHub's ETags with it: a request with an old ETag gets a full answer, which
 * replaces the old one.
 */
export const make = (limit: number = LIMIT) => {
  const pages = new Map<string, { readonly page: Page<unknown>; readonly size: number }>()
  let total = 0
  const forget = (key: string) => {
    total -= pages.get(key)?.size ?? 0
    pages.delete(key)
  }
  return {
    get: (key: string): Page<unknown> | undefined => pages.get(key)?.page,
    set: (key: string, page: Page<unknown>): void => {
      const known = pages.get(key)
      const size = known?.page === page ? known.size : key.length + JSON.stringify(page.items).length
      forget(key)
      pages.set(key, { page, size })
      total += size
      for (const oldest of pages.keys()) {
        if (total <= limit || oldest === key) return
        forget(oldest)
      }
    }
  }
}
