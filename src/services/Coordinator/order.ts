/** What puts queued jobs in order, and what makes two of them alike. Text, so that any store can sort by it. */
import * as Option from "effect/Option"
import { type JobRequest, PRIORITY } from "../../domain/Job.ts"

/** Jobs that ask a host for the same: its template and tag. A host judges a class, never single jobs. Without spaces. */
export type JobClass = string

/** What is no text in UTF-8 (a lone surrogate) becomes U+FFFD. */
const encoded = (text: string) => encodeURIComponent(Buffer.from(text).toString())
const decoded = Option.liftThrowable(decodeURIComponent)

/** The class of a job: `<template>:<tag>`, with nothing after the colon for the newest tag. */
export const classOf = ({ template }: JobRequest): JobClass =>
  `${encoded(template.id)}:${encoded(Option.getOrElse(template.tag, () => ""))}`

/** The template's ID and tag of a class; a class that is none stands for itself. */
export const templateIn = (jobClass: JobClass): readonly [id: string, tag: string] => {
  const [id = "", tag = ""] = jobClass.split(":").map((part) => Option.getOrElse(decoded(part), () => part))
  return [id, tag]
}

/** Milliseconds since the epoch have 13 digits until the year 2286. */
const DIGITS = 15
/** The last moment that a rank can tell: one digit less, so that what follows a priority of 9 is still greater. */
const LAST = 10 ** (DIGITS - 1) - 1

const digits = (at: number): string => String(Math.max(0, Math.min(Math.trunc(at), LAST))).padStart(DIGITS, "0")

/** Priority first, then the older job, then by name: as text, the same order on every host and in every store. Without spaces. */
export const rankOf = ({ createdAt, name, priority }: JobRequest): string =>
  `${priority ?? PRIORITY}${digits(createdAt)}${Buffer.from(name).subarray(0, 100).toString("hex")}`

/** A late rank begins with this and the time when it is due, before the rank that it had: greater than any rank that is not late. */
const LATE = "91"
/** The digits in front of the rank that a late one had. As a number they can be compared, also by versions that know no late ranks. */
const PREFIX = 1 + DIGITS

/** Whether a job of this rank comes after all whose rank is not late, whatever their priority. */
export const isLate = (rank: string): boolean => rank.startsWith(LATE)

/** The rank of a job that comes last, and is due again at this time, in milliseconds since the epoch; of such jobs, the one that is due sooner goes first. */
export const late = (rank: string, due: number): string =>
  `${LATE}${digits(due).slice(1)}${isLate(rank) ? rank.slice(PREFIX) : rank}`

/** When a job of a late rank is due; 0 for one that is not late. */
export const dueOf = (rank: string): number => (isLate(rank) ? Number(rank.slice(LATE.length, PREFIX)) : 0)

/** When the job of a rank was created, in milliseconds since the epoch. */
export const createdAtOf = (rank: string): number => {
  const from = (isLate(rank) ? PREFIX : 0) + 1
  return Number(rank.slice(from, from + DIGITS))
}
