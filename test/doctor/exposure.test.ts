/** Settings that expose nothing, and must not be reported. */
import { afterEach, assert, describe, it } from "vitest"
import { bad, closeAll, type Host, healthy, PASSWORD } from "./host.ts"

afterEach(closeAll)

describe("the doctor does not cry wolf", () => {
  const quiet = async (host: Host, ...ids: ReadonlyArray<string>) => {
    const { found } = await host.examine()
    for (const id of ids)
      assert.isUndefined(
        found.find((finding) => finding.id === id),
        id
      )
    // nothing listens at the registries that these configs name
    assert.isEmpty(bad(found).filter(({ id }) => id !== "registry-away"))
  }

  it("over metrics, a proxy, a collector and a registry on this Mac", async () => {
    const host = await healthy({
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318",
        OTEL_EXPORTER_OTLP_HEADERS: `authorization=${PASSWORD}`
      }
    })
    host.rewrite("services:", `metrics:\n  port: 9464\nproxy: http://ci:${PASSWORD}@127.0.0.1:3128\nservices:`)
    host.rewrite("sleep_interval", "registry_url: http://127.0.0.1:8089\n    sleep_interval")
    await quiet(host, "metrics-open", "proxy-plain", "traces-plain", "registry-plain")
  })

  it("over TLS, and what holds no password", async () => {
    const host = await healthy({
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: "https://collector.corp", OTEL_EXPORTER_OTLP_HEADERS: `key=${PASSWORD}` }
    })
    host.rewrite("services:", "proxy: http://proxy.corp:3128\nvm_proxy: true\nservices:")
    host.rewrite("sleep_interval", "registry_url: https://registry.corp\n    sleep_interval")
    await quiet(host, "proxy-plain", "vm-proxy-secret", "traces-plain", "registry-plain", "registry-secret")
  })

  it("over options that only tune the runtime", async () => {
    const host = await healthy({
      env: {
        NODE_OPTIONS: "--max-old-space-size=512 --no-warnings --report-on-fatalerror --dns-result-order=ipv4first",
        BUN_OPTIONS: "--smol"
      }
    })
    await quiet(host, "runtime-opened", "runtime-talks")
  })
})
