#!/usr/bin/env bash
# Runs a script that this host adds to its VMs, once, until it ends or its time is up.
#
#   run-script.bash <name> <seconds>
#
# Runs inside the VM, in the folder that has the script as <name>.bash and start-program.bash as start.bash. The first
# line that it prints tells how the script ended ("exit <code>", "timeout" or "lost"), and the rest is the end of what
# the script has printed. Where the script was begun before, this waits for it and begins no second one: the daemon that
# began it may have been killed, or the link to the VM may have broken.
set -uo pipefail
umask 077

name=$1
limit=$2
# of a log that grows beyond the first number of bytes, as many as the second are kept
longest=1048576
kept=65536

shorten() {
  [[ -f $name.log && $(wc -c <"$name.log") -gt $longest ]] || return 0
  tail -c "$kept" "$name.log" >"$name.end"
  # the script appends to this file, which must therefore stay the same one
  : >"$name.log"
  cat "$name.end" >>"$name.log"
}

tell() {
  echo "$1"
  tail -c "$kept" "$name.log" 2>/dev/null
  exit 0
}

if mkdir "$name.begun" 2>/dev/null; then
  bash start.bash "$name" </dev/null || tell lost
fi
for ((n = 0; n < limit * 2; n++)); do
  [[ -f $name.exit ]] && tell "exit $(cat "$name.exit")"
  # it was never started: what should have started it was cut off
  ((n >= 40)) && [[ ! -f $name.pid ]] && tell lost
  shorten
  sleep 0.5
done
group=$(cat "$name.pid" 2>/dev/null) || tell lost
for signal in TERM KILL; do
  kill -$signal -- "-$group" 2>/dev/null
  for _ in {1..10}; do
    [[ -f $name.exit ]] && break 2
    sleep 0.5
  done
done
# what the script started may be deaf to the first one
kill -KILL -- "-$group" 2>/dev/null
tell timeout
