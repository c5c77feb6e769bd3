/** What puts queued jobs in order, and what makes two of them alike. Text, so that any store can sort by it. */
import * as Option from "effect/Option"
import { type JobRequest, PRIORITY } from "../../Job.ts"

/** Jobs that ask a host for the same: its template and tag. A host judges a class, never single jobs. Without spaces. */
export type JobClass = string

/** The class of a job: `<template>:<tag>`, with nothing after the colon for the newest tag. */
export const classOf = ({ template }: JobRequest): JobClass =>
  `${encodeURIComponent(template.id)}:${encodeURIComponent(Option.getOrElse(template.tag, () => ""))}`

/** Milliseconds since the epoch have 13 digits until the year 2286. */
const DIGITS = 15

/** Priority first, then the older job, then by name: as text, the same order on every host and in every store. Without spaces. */
export const rankOf = ({ createdAt, name, priority }: JobRequest): string => {
  const at = Math.max(0, Math.min(Math.trunc(createdAt), 10 ** DIGITS - 1))
  return `${priority ?? PRIORITY}${String(at).padStart(DIGITS, "0")}${Buffer.from(name).subarray(0, 100).toString("hex")}`
}

/** When the job of a rank was created, in milliseconds since the epoch. */
export const createdAtOf = (rank: string): number => Number(rank.slice(1, 1 + DIGITS))
