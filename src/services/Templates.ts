/**
 * Checks whether a template is on this host, and pulls it: at most one pull at a time on a host, across all its
 * daemons.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { gib } from "../domain/Format.ts"
import { Template } from "../domain/Job.ts"
import * as Finalizer from "../interruption/Finalizer.ts"
import { within } from "../interruption/Within.ts"
import { hiding } from "../secrets/Secrets.ts"
import { Anka, type AnkaError, type PullSize } from "./Anka.ts"
import { HostLock, type HostLockError } from "./HostLock.ts"
import * as Metrics from "./Metrics.ts"

/** Why a template is not available to the job that needs it. */
export class TemplateError extends hiding(
  Schema.TaggedError<TemplateError>()("TemplateError", {
    /**
     * `PullBusy`: another pull is under way. `Unknown`: the registry has no such template or tag, and trying again will
     * not help.
     */
    reason: Schema.Literal("PullBusy", "Unknown", "RegistryUnavailable", "NoSpace", "Failed"),
    template: Schema.String,
    detail: Schema.String
  })
) {
  override get message() {
    return `template ${this.template}: ${this.detail}`
  }
}

/** Disk space that a pull must leave free, in bytes: clones grow while they run. */
export const RESERVE = 10 * 2 ** 30

const PULL_LOCK = "pull"

/** A pull that is under way. */
export interface Pulling {
  readonly template: string
  /** Milliseconds since the epoch. */
  readonly since: number
  /** From 0 to 1; null if unknown. */
  readonly part: number | null
}

/** Timeout of the pull-progress query. */
const PROGRESS_TIMEOUT = "3 seconds"

/** The templates on this host. */
export class Templates extends Context.Tag("anklet/Templates")<
  Templates,
  {
    /** Whether `ensure` could start now: the template is here, or no other pull is under way. */
    readonly available: (template: Template) => Effect.Effect<boolean>
    /** The pull under way on this host, by any daemon: since when (0 if unknown), and how much of it is here. */
    readonly pulling: Effect.Effect<Option.Option<Pulling>>
    /**
     * Makes sure that the template with its tag is on this host; pulls it if necessary. An interruption ends the pull.
     */
    readonly ensure: (
      template: Template,
      registry: Option.Option<string>
    ) => Effect.Effect<Template, TemplateError | HostLockError>
  }
>() {
  static readonly layer = Layer.effect(
    Templates,
    Effect.gen(function* () {
      const anka = yield* Anka
      const locks = yield* HostLock
      let present:
        | { readonly template: string; readonly since: number; readonly part: Effect.Effect<number | null> }
        | undefined

      const localTags = (template: Template) =>
        anka.localTags(template.id).pipe(
          Effect.asSome,
          Effect.catchIf(
            (error) => error.reason === "NotFound",
            () => Effect.succeed(Option.none<ReadonlyArray<string>>())
          )
        )
      const isHere = (template: Template) =>
        Option.match(template.tag, {
          onNone: () => Effect.succeed(false),
          onSome: (tag) =>
            Effect.map(
              localTags(template),
              Option.exists((tags) => tags.includes(tag))
            )
        })

      const pull = Effect.fn("Templates.pull")(function* (template: Template, registry: Option.Option<string>) {
        const lock = yield* locks.tryAcquire(PULL_LOCK, `${template}`)
        if (Option.isNone(lock)) {
          return yield* new TemplateError({
            reason: "PullBusy",
            template: `${template}`,
            detail: "another pull is under way on this host; two at once could damage each other"
          })
        }
        const known = yield* localTags(template)
        const size = yield* anka.pullSize(template, registry)
        yield* Option.match(size, { onNone: () => Effect.void, onSome: (size) => enoughSpace(template, size) })
        yield* Effect.logInfo(`pulling template ${template}`)
        const since = yield* Clock.currentTimeMillis
        yield* Finalizer.acquire(
          Effect.sync(() => {
            present = { template: `${template}`, since, part: partOf(template, registry, size) }
          }),
          () =>
            Effect.sync(() => {
              present = undefined
            })
        )
        yield* anka
          .pull(template, registry, (pid) => lock.value.setChild(pid))
          .pipe(
            // half a template that was not here before is worse than none: the next pull would build on it
            Effect.onExit((exit) =>
              exit._tag === "Failure" && Option.isNone(known)
                ? anka.delete(template.id).pipe(within("2 minutes"), Effect.ignore)
                : Effect.void
            )
          )
        const { tag } = yield* anka.show(template.id)
        yield* Effect.logInfo(`pulled template ${template}`)
        return Option.isSome(template.tag) ? template : Template.make({ id: template.id, tag })
      }, Effect.scoped)

      // the free space on the volume shrinks as the template arrives
      const partOf = (template: Template, registry: Option.Option<string>, before: Option.Option<PullSize>) =>
        Option.match(before, {
          onNone: () => Effect.succeed(null),
          onSome: ({ missing, available }) =>
            anka.pullSize(template, registry).pipe(
              Effect.timeout(PROGRESS_TIMEOUT),
              Effect.map(
                Option.match({
                  onNone: () => null,
                  onSome: (now) =>
                    missing > 0 ? Math.min(1, Math.max(0, (available - now.available) / missing)) : null
                })
              ),
              Effect.orElseSucceed(() => null)
            )
        })

      return Templates.of({
        pulling: Effect.suspend(() =>
          present === undefined
            ? locks.holder(PULL_LOCK).pipe(
                Effect.map(Option.map((template): Pulling => ({ template, since: 0, part: null }))),
                Effect.orElseSucceed(() => Option.none<Pulling>())
              )
            : Effect.map(present.part, (part) =>
                Option.map(Option.fromNullable(present), ({ template, since }): Pulling => ({ template, since, part }))
              )
        ),
        available: (template) =>
          isHere(template).pipe(
            Effect.orElseSucceed(() => false),
            Effect.flatMap((here) =>
              here ? Effect.succeed(true) : Effect.map(locks.holder(PULL_LOCK), Option.isNone)
            ),
            Effect.orElseSucceed(() => true)
          ),
        ensure: (template, registry) => {
          const explained = Effect.mapError((error: AnkaError | TemplateError | HostLockError) =>
            error._tag === "AnkaError" ? explain(template, registry, error) : error
          )
          return Effect.flatMap(explained(isHere(template)), (here) =>
            here ? Effect.succeed(template) : counted(explained(pull(template, registry)))
          )
        }
      })
    })
  )
}

const resultOf = (cause: Cause.Cause<TemplateError | HostLockError>) => {
  if (Cause.isInterrupted(cause)) return "interrupted"
  const failure = Option.getOrUndefined(Cause.failureOption(cause))
  switch (failure?._tag === "TemplateError" ? failure.reason : "Failed") {
    case "PullBusy":
      return "busy"
    case "Unknown":
      return "unknown"
    case "RegistryUnavailable":
      return "registry_unavailable"
    case "NoSpace":
      return "no_space"
    case "Failed":
      return "failed"
  }
}

/** Counts a pull, and records the duration of one that gets its template. */
const counted = <A, E extends TemplateError | HostLockError, R>(pull: Effect.Effect<A, E, R>) =>
  Effect.timed(pull).pipe(
    Effect.onExit(
      Exit.match({
        onFailure: (cause) => Metrics.pullEnded({ result: resultOf(cause) }),
        onSuccess: ([took]) =>
          Effect.zipRight(Metrics.pullEnded({ result: "pulled" }), Metrics.pullTook({}, Duration.toMillis(took)))
      })
    ),
    Effect.map(([, template]) => template)
  )

const enoughSpace = (template: Template, size: { readonly missing: number; readonly available: number }) =>
  size.missing + RESERVE <= size.available
    ? Effect.void
    : new TemplateError({
        reason: "NoSpace",
        template: `${template}`,
        detail: `needs ${gib(size.missing + RESERVE)} of disk (${gib(RESERVE)} of it as reserve), ${gib(size.available)} are free: delete unused templates with "anka delete"`
      })

const explain = (template: Template, registry: Option.Option<string>, error: AnkaError): TemplateError => {
  const from = Option.getOrElse(registry, () => "Anka's default registry")
  const of = (reason: TemplateError["reason"], detail: string) =>
    new TemplateError({ reason, template: `${template}`, detail })
  switch (error.reason) {
    case "NotFound":
    case "TagUnknown":
      return of("Unknown", `${from} does not have it; check the job's anka-template labels (${error.message})`)
    case "RegistryUnavailable":
      return of("RegistryUnavailable", `${from} does not answer; check that it runs (${error.message})`)
    case "NoSpace":
      return of("NoSpace", error.message)
    default:
      return of("Failed", error.message)
  }
}
