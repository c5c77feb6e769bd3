#!/usr/bin/env bash
# Finds GitHub's runner in the VM, or downloads it.
#
#   install-runner.bash <archive url> <sha-256 of the archive>
#
# Runs inside the VM, as its user, in the user's home folder. Afterwards ~/actions-runner/run.sh exists.
# Yours to change: Anklet writes this file only when it is missing.
set -euo pipefail

url=$1
sha256=$2
runner=$HOME/actions-runner

if [[ -x $runner/run.sh ]]; then
  echo "runner found in the template: $runner"
  exit 0
fi
for found in "${RUNNER_HOME:-}" /opt/actions-runner /usr/local/actions-runner; do
  if [[ -n $found && -x $found/run.sh ]]; then
    echo "runner found in the template: $found"
    ln -s "$found" "$runner"
    exit 0
  fi
done

echo "downloading the runner from $url"
archive=$(mktemp "${TMPDIR:-/tmp}/actions-runner.XXXXXX")
trap 'rm -f "$archive"' EXIT
curl --fail --silent --show-error --location --retry 5 --connect-timeout 20 --output "$archive" "$url"

if command -v shasum >/dev/null; then
  actual=$(shasum -a 256 "$archive" | cut -d ' ' -f 1)
else
  actual=$(sha256sum "$archive" | cut -d ' ' -f 1)
fi
if [[ $actual != "$sha256" ]]; then
  echo "the runner's archive has SHA-256 $actual, expected $sha256: not installed" >&2
  exit 1
fi

mkdir -p "$runner.new"
tar -xzf "$archive" -C "$runner.new"
if [[ ! -x $runner.new/run.sh ]]; then
  echo "the archive from $url has no run.sh" >&2
  exit 1
fi
mv "$runner.new" "$runner"
echo "runner installed"
