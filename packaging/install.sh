#!/bin/sh
# Installs anklet, one file, for this user. No root needed.
#
#   sh install.sh                              the release that this script belongs to
#   ANKLET_URL=https://… sh install.sh         the same one, from another place: a folder with its files
#   ANKLET_VERSION=3.1.0 ANKLET_URL=https://… sh install.sh      another one, signed with a key that this script knows
#   ANKLET_BIN_DIR=~/bin sh install.sh         into another folder
#
# Without ANKLET_BIN_DIR the folder is ~/.local/bin, for root /usr/local/bin.
# Nothing is installed unless SHA256SUMS is signed with a key of the project, and the file has the signed version and
# checksum, and starts here.
set -eu

url=${ANKLET_URL:-@URL@}
version=${ANKLET_VERSION:-@VERSION@}

# the keys that sign releases; a signature by one of them is enough
keys='@KEYS@'

fail() {
  echo "install.sh: $*" >&2
  exit 1
}

# Redirects are followed to https only. wget cannot be restricted to that, so it is not used.
fetch() {
  curl -fsSL --globoff --proto "=$protocol" --proto-redir '=https' --tlsv1.2 --connect-timeout 20 --retry 2 -o "$2" "$1"
}

# Whether SHA256SUMS is signed with one of the keys. The options also work with LibreSSL, which macOS has as openssl.
is_signed() {
  (
    cd "$work" || exit 1
    echo "$keys" | awk '/BEGIN PUBLIC KEY/ { n++ } n { print > ("key" n) }'
    for key in key*; do
      said=$(openssl dgst -sha256 -verify "$key" -signature SHA256SUMS.sig SHA256SUMS 2>/dev/null) || continue
      if [ "$said" = "Verified OK" ]; then exit 0; fi
    done
    exit 1
  )
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
  case $keys in @*) fail "this script knows no key to check a release with: take the install.sh of a release" ;; esac
  case $url in
    https://?*) protocol=https ;;
    file:///?*) protocol=file ;;
    *) fail "$url: the address of a release begins with https:// or file:///" ;;
  esac
  case $version in *[!0-9A-Za-z.-]* | "") fail "$version is no version" ;; esac
  target=$(platform)
  for program in curl openssl; do
    command -v "$program" >/dev/null || fail "$program is missing: install it, and run this again"
  done
  work=$(mktemp -d)
  new=
  trap 'rm -rf "$work" ${new:+"$new"}' EXIT
  trap 'exit 1' HUP INT TERM

  fetch "$url/SHA256SUMS" "$work/SHA256SUMS" || fail "$url/SHA256SUMS cannot be downloaded"
  fetch "$url/SHA256SUMS.sig" "$work/SHA256SUMS.sig" || fail "$url/SHA256SUMS.sig cannot be downloaded: without its signature nothing is installed"
  is_signed || fail "$url/SHA256SUMS is not signed with a key of Anklet's: nothing is installed"
  name=anklet-$version-$target
  # the signature covers the name, so that an older release cannot be passed off as this one
  sum=$(awk -v name="$name" '$2 == name { print $1 }' "$work/SHA256SUMS")
  [ -n "$sum" ] || fail "there is no $name at $url, only $(awk '/ anklet-.*-(macos|linux)-/ { printf "%s ", $2 }' "$work/SHA256SUMS")"
  echo "downloading $name"
  fetch "$url/$name" "$work/anklet" || fail "$url/$name cannot be downloaded"
  found=$(sum_of "$work/anklet")
  [ "$found" = "$sum" ] || fail "$name has the SHA-256 $found, not $sum: it is not installed"

  bin=$(folder_for_programs)
  mkdir -p "$bin" || fail "$bin cannot be made; name another folder with ANKLET_BIN_DIR"
  new=$(mktemp "$bin/.anklet.XXXXXX") || fail "$bin cannot be written to; name another folder with ANKLET_BIN_DIR"
  cp "$work/anklet" "$new" || fail "$bin cannot be written to; name another folder with ANKLET_BIN_DIR"
  chmod 755 "$new"
  # macOS does not start a program from a browser or mail before the user confirms it
  if command -v xattr >/dev/null; then xattr -d com.apple.quarantine "$new" 2>/dev/null || true; fi
  said=$("$new" --version) || fail "$name does not start here"
  case $said in "anklet $version" | "anklet $version "*) ;; *) fail "$name calls itself $said: it is not installed" ;; esac
  # in one step, even over a running program, which is not affected
  mv -f "$new" "$bin/anklet"
  echo "$said is installed: $bin/anklet"
  case :$PATH: in
    *":$bin:"*) ;;
    *) echo "$bin is not in your PATH: add it, or type the whole name" ;;
  esac
}

# in a function, so that a truncated script does nothing
main
