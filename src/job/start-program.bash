#!/usr/bin/env bash
# Starts a script in the background, so that it outlives the daemon that started it.
#
#   start-program.bash <name>
#
# Runs inside the VM, in the folder of the program, which has the script as <name>.bash. Leaves <name>.pid there, with the
# number of the script's process group, then <name>.log, and at the end <name>.exit with the script's exit code.
set -euo pipefail
umask 077
# with job control, each background process is a group of its own, and can be interrupted
set -m

cd "$(dirname "$0")"
export PROGRAM=$1
rm -f "$PROGRAM.exit" "$PROGRAM.pid" "$PROGRAM.log"

nohup bash -c '
  set -m
  umask 022
  (cd && exec env -u PROGRAM bash "$OLDPWD/$PROGRAM.bash" </dev/null 2>&1) &
  echo "$!" >"$PROGRAM.pid.new" && mv "$PROGRAM.pid.new" "$PROGRAM.pid"
  code=0
  wait "$!" || code=$?
  echo "$code" >"$PROGRAM.exit.new" && mv "$PROGRAM.exit.new" "$PROGRAM.exit"
' </dev/null >>"$PROGRAM.log" 2>/dev/null &

for _ in {1..100}; do
  [[ -f $PROGRAM.pid ]] && exit 0
  sleep 0.1
done
echo "the script did not start" >&2
exit 1
