#!/usr/bin/env bash
# Starts the runner for its one job, in the background, so that the job outlives whoever started it.
#
#   start-runner.bash
#
# Runs inside the VM after register-runner.bash. Leaves in ~/actions-runner: runner.pid (of run.sh), runner.log, and at
# the end runner.exit with run.sh's exit code. Anklet reads runner.pid and runner.exit.
# Yours to change: Anklet writes this file only when it is missing.
set -euo pipefail
umask 077
# with job control, each background process is a group of its own, and can be interrupted: without it they would
# ignore SIGINT for ever
set -m

cd "$HOME/actions-runner"
IFS= read -r config <.jitconfig || [[ -n $config ]]
rm -f .jitconfig runner.exit runner.pid

# The configuration goes through a pipe, so that nothing of what is started here has it in its arguments or environment
# but run.sh, whose environment "ps" does not show to others: GitHub's runner takes it from nowhere else. The log is the
# runner's alone: what this shell says of its jobs is no word of it.
printf '%s\n' "$config" | nohup bash -c '
  set -m
  umask 022
  IFS= read -r config
  ACTIONS_RUNNER_INPUT_JITCONFIG=$config ./run.sh </dev/null 2>&1 &
  config=
  echo "$!" >runner.pid.new && mv runner.pid.new runner.pid
  code=0
  wait "$!" || code=$?
  echo "$code" >runner.exit.new && mv runner.exit.new runner.exit
' >runner.log 2>/dev/null &

for _ in {1..100}; do
  [[ -f runner.pid ]] && { echo "runner started"; exit 0; }
  sleep 0.1
done
echo "the runner did not start; see runner.log" >&2
exit 1
