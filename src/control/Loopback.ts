/** Which addresses and requests are for this host alone. Pure. */

/** Addresses that lead to this host itself: RFC 1122, 3.2.1.3 (g), and RFC 4291, 2.5.3. */
const ITSELF = /^(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|localhost|::1|\[::1\])$/i

/** Whether what listens at this name or address can be reached from this host alone. */
export const isLoopback = (host: string): boolean => ITSELF.test(host)

/**
 * Whether a request means this host by what its `Host` header says (RFC 9110, 7.2). A browser, also one at the end of a
 * tunnel, names it so; a page from elsewhere whose own name leads here now (DNS rebinding) does not.
 */
export const isMeant = (host = ""): boolean => isLoopback(host.replace(/:\d{1,5}$/, ""))
