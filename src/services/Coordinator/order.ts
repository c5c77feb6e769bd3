/** What puts queued jobs in order, and what makes two of them alike. Text, so that any store can sort by it. */
import * as Option from "effect/Option"
import { type JobRequest, PRIORITY } from "../../domain/Job.ts"

/** Template and tag of a job, as text without spaces. All jobs of a class need the same of a host, which therefore judges classes, never single jobs. */
export type JobClass = string

/** A lone surrogate, which UTF-8 cannot express, becomes U+FFFD. */
const encoded = (text: string) => encodeURIComponent(Buffer.from(text).toString())
const decoded = Option.liftThrowable(decodeURIComponent)

/** The class of a job: `<template>:<tag>`, with an empty tag for the newest one. */
export const classOf = ({ template }: JobRequest): JobClass =>
  `${encoded(template.id)}:${encoded(Option.getOrElse(template.tag, () => ""))}`

/** Template ID and tag of a class. A part that cannot be decoded stands for itself. */
export const templateIn = (jobClass: JobClass): readonly [id: string, tag: string] => {
  const [id = "", tag = ""] = jobClass.split(":").map((part) => Option.getOrElse(decoded(part), () => part))
  return [id, tag]
}

/** Milliseconds since the epoch have 13 digits until the year 2286. */
const DIGITS = 15
/** The latest time in a rank: one digit less, so that late ranks, which begin with 91, are greater than any with priority 9. */
const LAST = 10 ** (DIGITS - 1) - 1

const digits = (at: number): string => String(Math.max(0, Math.min(Math.trunc(at), LAST))).padStart(DIGITS, "0")

/** Orders jobs by priority, then age, then name. Text without spaces, so that every host and store has the same order. */
export const rankOf = ({ createdAt, name, priority }: JobRequest): string =>
  `${priority ?? PRIORITY}${digits(createdAt)}${Buffer.from(name).subarray(0, 100).toString("hex")}`

/** A late rank is this, the time when the job is due, and the former rank: greater than any rank that is not late. */
const LATE = "91"
/** Number of digits before the former rank. They compare as a number, also in versions that do not know late ranks. */
const PREFIX = 1 + DIGITS

/** Whether a job of this rank is behind all fresh jobs, whatever their priority. */
export const isLate = (rank: string): boolean => rank.startsWith(LATE)

/** The late rank of a job that is due at this time, in milliseconds since the epoch. Of late jobs, the one that is due sooner goes first. */
export const late = (rank: string, due: number): string =>
  `${LATE}${digits(due).slice(1)}${isLate(rank) ? rank.slice(PREFIX) : rank}`

/** When a job of a late rank is due; 0 for a rank that is not late. */
export const dueOf = (rank: string): number => (isLate(rank) ? Number(rank.slice(LATE.length, PREFIX)) : 0)

/** When the job of a rank was created, in milliseconds since the epoch. */
export const createdAtOf = (rank: string): number => {
  const from = (isLate(rank) ? PREFIX : 0) + 1
  return Number(rank.slice(from, from + DIGITS))
}
