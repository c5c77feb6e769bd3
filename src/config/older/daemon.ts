/** The daemon's own keys of an older config. */
import type { Pair } from "yaml"
import { flagOf, hasItems, keyOf, mapOf, numberOf, pairOf, setValue, within } from "./edit.ts"
import type { Place } from "./place.ts"
import * as Words from "./reasons.ts"
import { DAEMON, type Era } from "./words.ts"

/** Keys of the daemon of today, which stay as they are. */
export const KEPT: ReadonlyArray<string> = [
  ...["work_dir", "pid_file_dir", "state_dir", "log", "metrics", "notify", "update", "defaults", "services"],
  ...["proxy", "no_proxy", "ca", "vm_proxy", "vm_ca"]
]

/** The port at which Anklet 2 served metrics by default. */
const METRICS_PORT = 8080

const TAKES_EFFECT = "it takes effect now, as it did not before"

/** Rewrites them; those for all services, which have become keys of each, are no longer there. */
export const daemon = (place: Place, era: Era, environment: ReadonlyMap<string, string>): void => {
  const { map } = place
  const workDir = environment.get(DAEMON.workDir)
  if (workDir !== undefined) place.set("work_dir", workDir, DAEMON.workDir)
  metrics(place, era, environment)
  for (const pair of [...map.items]) {
    const key = keyOf(pair)
    if (key === "work_dir" || key === "pid_file_dir") place.keep(pair, TAKES_EFFECT)
    else if (key === "log_file_dir") place.drop(pair, "it had no effect: `log.file_dir` says where the log goes")
    else if (key === "plugins_path")
      place.drop(pair, "the scripts are in ~/.config/anklet/plugins/github; those of before do not work with Anklet 3")
    else if (key === "log") log(place, pair)
    else if (key === "metrics" || key === "services") continue
    else if (KEPT.includes(key)) place.keep(pair)
    else if (era === 2 && !key.startsWith("x-")) place.drop(pair, Words.UNKNOWN)
  }
  if (mapOf(pairOf(map, "log")) === undefined || pairOf(mapOf(pairOf(map, "log")) ?? map, "file_dir") === undefined)
    place.rewriting.report.add(
      "became",
      "log.file_dir",
      "not set: the log is anklet.log where Anklet is started; before, it was standard output"
    )
}

const log = (place: Place, pair: Pair) => {
  const map = mapOf(pair)
  if (map === undefined) return
  const here = place.below(map, "log")
  for (const each of [...map.items]) {
    if (keyOf(each) === "file_dir") here.keep(each)
    else if (keyOf(each) === "split_by_plugin") here.drop(each, "`anklet logs --service NAME` shows one service")
    else here.drop(each, Words.UNKNOWN)
  }
  if (map.items.length === 0) place.drop(pair, Words.EMPTY)
}

const metrics = (place: Place, era: Era, environment: ReadonlyMap<string, string>) => {
  const written = pairOf(place.map, "metrics")
  const [port, aggregates] = [environment.get(DAEMON.port), environment.get(DAEMON.aggregator)]
  if (written === undefined && port === undefined && era === 1) return
  const map = within(place.map, "metrics")
  const here = place.below(map, "metrics")
  if (port !== undefined) here.set("port", port, DAEMON.port)
  if (aggregates !== undefined) here.set("aggregator", aggregates, DAEMON.aggregator)
  for (const pair of [...map.items]) {
    const key = keyOf(pair)
    const number = numberOf(pair)
    if (key === "port" && number !== undefined && number > 0) {
      setValue(pair, number)
      here.keep(pair)
    } else if (key === "port") here.drop(pair, "it is no port")
    else if (key === "host") here.keep(pair)
    else if (key === "aggregator")
      flagOf(pair) === true
        ? here.drop(
            pair,
            "each daemon reports the whole queue: let Prometheus scrape the Macs, and run no daemon for that",
            "no counterpart"
          )
        : here.drop(pair, Words.SAME)
    else if (key === "database" || key === "sleep_interval" || key === "metrics_urls")
      here.drop(pair, "each daemon reports the whole queue")
    else if (era === 2) here.drop(pair, Words.UNKNOWN)
  }
  const before = `as Anklet ${era} did`
  if (pairOf(map, "port") === undefined) here.add("port", METRICS_PORT, before)
  if (pairOf(map, "host") === undefined) here.add("host", "0.0.0.0", before)
}

/** Says what has no counterpart among the keys for all services; the others have become keys of each. */
export const globals = (place: Place): void => {
  for (const pair of place.map.items.filter((pair) => keyOf(pair).startsWith("global_"))) {
    switch (keyOf(pair)) {
      case "global_receiver_secret":
        place.drop(pair, Words.WEBHOOKS)
        break
      case "global_template_disk_buffer":
        place.drop(pair, "it had no effect; a pull always leaves 10 GiB of disk free")
        break
      case "global_skip_cpu_and_memory_resource_checks":
        if (flagOf(pair) === true) place.drop(pair, Words.RESOURCES, "no counterpart")
        else place.drop(pair, Words.SAME)
        break
      case "global_host_to_guest_folder_mounts":
        if (hasItems(pair)) place.drop(pair, Words.MOUNTS, "no counterpart")
        else place.drop(pair, Words.EMPTY)
        break
      case "global_database_max_retries":
      case "global_database_retry_delay":
      case "global_database_retry_backoff_factor":
        place.drop(pair, Words.NO_EFFECT)
        break
      default:
        place.drop(pair, Words.UNKNOWN)
    }
  }
}
