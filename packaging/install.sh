#!/bin/sh
# Installs anklet, one file, for this user. No root needed.
#
#   sh install.sh                              the release that this script belongs to
#   ANKLET_URL=https://… sh install.sh         one that is kept elsewhere: a folder with the files and their SHA256SUMS
#   ANKLET_BIN_DIR=~/bin sh install.sh         into another folder
#
# Without ANKLET_BIN_DIR the folder is ~/.local/bin, for root /usr/local/bin.
# Nothing is installed unless the file has the sum that SHA256SUMS tells, and starts here.
set -eu

url=${ANKLET_URL:-@URL@}

fail() {
  echo "install.sh: $*" >&2
  exit 1
}

fetch() {
  if command -v curl >/dev/null; then
    curl -fsSL --connect-timeout 20 --retry 2 -o "$2" "$1"
  else
    wget -q -O "$2" "$1"
  fi
}

sum_of() {
  if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

platform() {
  os=$(uname -s)
  arch=$(uname -m)
  case $os in
    Darwin) os=macos ;;
    Linux) os=linux ;;
    *) fail "there is no anklet for $os, only for macOS and Linux" ;;
  esac
  case $arch in
    arm64 | aarch64) arch=arm64 ;;
    x86_64 | amd64) arch=x64 ;;
    *) fail "there is no anklet for $arch processors, only for arm64 and x86_64" ;;
  esac
  # a shell under Rosetta calls an Apple processor x86_64
  if [ "$os" = macos ] && [ "$(sysctl -n sysctl.proc_translated 2>/dev/null)" = 1 ]; then arch=arm64; fi
  echo "$os-$arch"
}

folder_for_programs() {
  if [ -n "${ANKLET_BIN_DIR:-}" ]; then
    echo "$ANKLET_BIN_DIR"
  elif [ "$(id -u)" = 0 ]; then
    echo /usr/local/bin
  else
    echo "$HOME/.local/bin"
  fi
}

main() {
  case $url in @*) fail "set ANKLET_URL to the address of a release" ;; esac
  target=$(platform)
  work=$(mktemp -d)
  new=
  trap 'rm -rf "$work" ${new:+"$new"}' EXIT
  trap 'exit 1' HUP INT TERM

  fetch "$url/SHA256SUMS" "$work/SHA256SUMS" || fail "$url/SHA256SUMS cannot be downloaded"
  line=$(grep -E "^[0-9a-f]{64}  anklet-[^ ]*-$target\$" "$work/SHA256SUMS") || fail "there is no anklet for $target at $url"
  sum=${line%% *}
  name=${line##* }
  echo "downloading $name"
  fetch "$url/$name" "$work/anklet" || fail "$url/$name cannot be downloaded"
  found=$(sum_of "$work/anklet")
  [ "$found" = "$sum" ] || fail "$name has the SHA-256 $found, not $sum: it is not installed"

  bin=$(folder_for_programs)
  mkdir -p "$bin" || fail "$bin cannot be made; name another folder with ANKLET_BIN_DIR"
  new=$bin/.anklet.$$
  cp "$work/anklet" "$new" || fail "$bin cannot be written to; name another folder with ANKLET_BIN_DIR"
  chmod 755 "$new"
  # what came through a browser or a mail is not started by macOS before somebody says so
  if command -v xattr >/dev/null; then xattr -d com.apple.quarantine "$new" 2>/dev/null || true; fi
  version=$("$new" --version) || fail "$name does not start here"
  # at once, also in place of one that runs: that one goes on as it is
  mv -f "$new" "$bin/anklet"
  echo "$version is installed: $bin/anklet"
  case :$PATH: in
    *":$bin:"*) ;;
    *) echo "$bin is not in your PATH: add it, or type the whole name" ;;
  esac
}

# in a function, so that half a script does nothing
main
