#!/usr/bin/env bash
# Finds pinlib on the PATH, else downloads a release of it, and tells the next step where it is.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=action/tell.sh
source "$here/tell.sh"

found() {
  case $1 in
    *"$newline"*) refuse 2 invalid 'the path of pinlib holds a line break' ;;
  esac
  printf 'pinlib=%s\n' "$1" >>"$GITHUB_OUTPUT"
  exit 0
}

version=${INPUT_VERSION:-}
version=${version#v}
if installed=$(command -v pinlib); then
  if [ -z "$version" ] || [ "$("$installed" --version)" = "pinlib $version" ]; then
    found "$installed"
  fi
fi

# The Action may be called by the id of its commit, so its version stands in its files, not in its ref.
if [ -z "$version" ]; then
  version=$(sed -n 's/^version = "\([^"]*\)"$/\1/p' "$here/../Cargo.toml" | head -n 1)
fi
if ! [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]]; then
  refuse 2 invalid "version: want one as 0.1.0, found \"$version\""
fi

case ${RUNNER_OS:-}-${RUNNER_ARCH:-} in
  Linux-X64) target=x86_64-unknown-linux-musl ;;
  Linux-ARM64) target=aarch64-unknown-linux-musl ;;
  macOS-X64) target=x86_64-apple-darwin ;;
  macOS-ARM64) target=aarch64-apple-darwin ;;
  Windows-X64) target=x86_64-pc-windows-msvc ;;
  *) refuse 7 not-found "there is no pinlib for ${RUNNER_OS:-this system} on ${RUNNER_ARCH:-this machine}: install one on the PATH before" ;;
esac
program=pinlib
if [ "${RUNNER_OS:-}" = Windows ]; then
  program=pinlib.exe
fi

# A mirror, for runners that do not reach github.com, has the same paths.
releases=${PINLIB_RELEASES:-https://github.com/${ACTION_REPOSITORY:-pinlib/pinlib}/releases/download}
archive=pinlib-$target.tar.gz
folder=$(TMPDIR=${RUNNER_TEMP:-${TMPDIR:-}} mktemp -d)
for file in "$archive" "$archive.sha256"; do
  url=$releases/v$version/$file
  if ! curl --proto '=https' --tlsv1.2 --fail --silent --show-error --location --retry 3 \
    --output "$folder/$file" "$url"; then
    refuse 9 unavailable "cannot download pinlib $version from $url: is it released for this system? A pinlib on the PATH is used as it is"
  fi
done

# It shows that the archive came whole, and is the one that the release names.
wanted=$(cut -d ' ' -f 1 "$folder/$archive.sha256" | head -n 1)
sum=(shasum -a 256)
if command -v sha256sum >/dev/null; then
  sum=(sha256sum)
fi
have=$("${sum[@]}" <"$folder/$archive" | cut -d ' ' -f 1)
if ! [[ $wanted =~ ^[0-9a-f]{64}$ ]] || [ "$wanted" != "$have" ]; then
  refuse 6 mismatch "$archive of $version is not what its checksum says: want \"$wanted\", found $have"
fi
tar -xzf "$folder/$archive" -C "$folder" "$program"
found "$folder/$program"
