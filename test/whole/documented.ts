/** The alert rules and the dashboard of `docs/`. */
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { parse } from "yaml"

export const RULES = resolve("docs/prometheus/alerts.yml")
const DASHBOARD = resolve("docs/grafana/anklet.json")

/** An alert rule. */
export interface Rule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
}

export const rules = (): ReadonlyArray<Rule> =>
  parse(readFileSync(RULES, "utf8")).groups.flatMap(({ rules }: { rules: ReadonlyArray<Rule> }) => rules)

interface Panel {
  readonly title: string
  readonly targets?: ReadonlyArray<{ readonly expr: string }>
}

/** Every expression of the dashboard, with its variables filled in; rates use `interval`. */
export const panels = (interval: string): ReadonlyArray<{ readonly title: string; readonly expr: string }> =>
  JSON.parse(readFileSync(DASHBOARD, "utf8")).panels.flatMap(({ title, targets = [] }: Panel) =>
    targets.map(({ expr }) => ({
      title,
      expr: expr.replaceAll("$instance", ".*").replaceAll("$__rate_interval", interval).replaceAll("$__range", "1h")
    }))
  )
