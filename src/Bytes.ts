/** Amounts of memory and disk, for people. */

/** So many bytes as `12.0 GiB`. Pure. */
export const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`
