/** Configs of Anklet 1 and 2 as people have them, with every key of those versions in at least one. */

/** One with nothing that a person must decide. */
export const FLEET = `---
# our fleet
work_dir: /tmp/
pid_file_dir: /tmp/
log:
  # where the logs go
  file_dir: /tmp # rotated
  split_by_plugin: true
# the shared Redis
global_database_url: 10.0.0.1
global_database_port: 6379
global_database_user: ""
global_database_password: 12345
global_database_database: 0
global_database_tls_enabled: true
global_database_tls_insecure: yes
global_database_max_retries: 5
global_database_retry_delay: 1000
global_database_retry_backoff_factor: 2.0
global_receiver_secret: CANARYreceiver
global_template_disk_buffer: 10.0
global_skip_cpu_and_memory_resource_checks: false
global_host_to_guest_folder_mounts: []
global_token: CANARYtoken0123456789
plugins_path: ~/plugins
log_file_dir: /old
metrics:
  aggregator: false
  port: "8081"
  sleep_interval: 10
  metrics_urls: [http://x]
plugins:
  # the first
  - name: RUNNER1
    plugin: github
    owner: veertuinc
    # unless it is another
    queue_name: veertuinc
    registry_url: http://anka.registry:8089
    runner_group: Default
    sleep_interval: 0
    # five is enough
    job_retry_attempts: 5
    registration_timeout_seconds: 80 # seconds
    skip_pull: false
    template_disk_buffer: 5.0
    skip_cpu_and_memory_resource_checks: false
    host_to_guest_folder_mounts: []
    workflows: { exclude: [x] }
    registry_ulr: CANARYx
    enterprise: ""
  - name: RUNNER2
    plugin: github
    repo: 2048
    owner: veertuinc
    installation_id: 0
    runner_group: "7"
    database:
      url: localhost
      cluster_mode: false
      max_retries: 3
  - name: GITHUB_RECEIVER
    plugin: github_receiver
    hook_id: 1
    port: 8081
    secret: CANARYsecret
    skip_redeliver: false
    redeliver_hours: 24
    owner: veertuinc
# the end
`

/** Anklet 2, with a GitHub App for all, and whatever a person must decide. */
export const OPEN = `global_private_key: /keys/app.pem
global_database_cluster_mode: true
global_skip_cpu_and_memory_resource_checks: true
global_host_to_guest_folder_mounts: [/a]
metrics: { aggregator: true, port: 8080, database: { url: x } }
plugins:
  - name: A
    plugin: github
    app_id: 1
    installation_id: 2
    owner: o
    runner_group: macOS builders
    skip_pull: true
    skip_cpu_and_memory_resource_checks: true
    host_to_guest_folder_mounts:
      - /Users/me/cache:cache
    queue_name: shared
    database: { url: localhost, database: 2, tls_enabled: true, tls_insecure: true }
  - name: B
    plugin: github
    enterprise: big
    token: CANARYtoken0123456789
    app_id: 1
    private_key: /keys/b.pem
  - name: C
    plugin: github
    token: CANARYtoken0123456789
    owner: o
    database: { url: localhost, enabled: false }
`

/** Anklet 1: services, webhooks, and a filter of workflows. */
export const ONE = `# a Mac of 2024
log:
  file_dir: /tmp
log_file_dir: /tmp
metrics:
  aggregator: false
  port: 8080
services:
  - name: RUNNER1
    plugin: github
    token: CANARYtoken0123456789
    registration: repo
    owner: veertuinc
    repo: anklet # ours
    registry_url: http://anka.registry:8089
    sleep_interval: 5
    workflows: {}
    hook_id: 3
    skip_redeliver: true
    database:
      enabled: true
      url: localhost
      port: 6379
      user: ""
      password: ""
      database: 0
  - name: C
    plugin: github_controller
    secret: CANARYsecret
    hook_id: 3
    port: 8082
`

/** A config of today. */
export const TODAY = `# mine
work_dir: /tmp
services:
  - name: RUNNER1
    plugin: github
    token: CANARYtoken0123456789
    registration: repo
    owner: veertuinc
    repo: anklet
`
