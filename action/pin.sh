#!/usr/bin/env bash
# Runs `pinlib pin` with the Action's inputs, which stand in INPUT_… variables.
set -euo pipefail
# shellcheck source=action/tell.sh
source "$(dirname "${BASH_SOURCE[0]}")/tell.sh"

# Keeps a secret out of the log. The runner hides line by line, and a key may stand there with \n for line breaks. Short
# lines and the frame of a PEM would only hide harmless text.
mask() {
  local line
  while IFS= read -r line || [ -n "$line" ]; do
    line=${line%"$return"}
    if [ "${#line}" -ge 8 ] && [[ $line != -----* ]]; then
      printf '::add-mask::%s\n' "$(escaped "$line")"
    fi
  done <<<"${1//\\n/$newline}"
}

# Moves a secret from its input to the variable that pinlib reads. An empty input leaves what the job has set itself.
secret() {
  local input=$1 variable=$2
  if [ -n "${!input:-}" ]; then
    mask "${!input}"
    export "$variable=${!input}"
  fi
  unset "$input"
}

# One argument a line, each as FLAG=LINE: no line can become a flag, and none is split or expanded.
lines() {
  local flag=$1 line
  while IFS= read -r line || [ -n "$line" ]; do
    line=${line%"$return"}
    line=${line#"${line%%[![:space:]]*}"}
    line=${line%"${line##*[![:space:]]}"}
    if [ -n "$line" ]; then
      arguments+=("${flag:+$flag=}$line")
    fi
  done <<<"$2"
}

# The value of an input that is one line.
one() {
  local flag=$1 name=$2 value=$3
  case $value in
    '') return ;;
    *"$newline"*) refuse 2 invalid "the input $name wants one line" ;;
  esac
  arguments+=("$flag=$value")
}

secret INPUT_PRIVATE_KEY PINLIB_APP_KEY
secret INPUT_TOKEN PINLIB_TOKEN
secret INPUT_REGISTRY_PASSWORD PINLIB_REGISTRY_PASSWORD
if [ -n "${INPUT_REGISTRY_USER:-}" ]; then
  export PINLIB_REGISTRY_USER=$INPUT_REGISTRY_USER
fi

# Inputs that do not fit together, before anything is asked of anyone.
app=${INPUT_APP_ID:-${INPUT_CLIENT_ID:-}}
if [ -n "${INPUT_APP_ID:-}" ] && [ -n "${INPUT_CLIENT_ID:-}" ]; then
  refuse 2 invalid 'give app-id or client-id, not both'
fi
if [ -n "$app" ] && [ -z "${PINLIB_APP_KEY:-}${PINLIB_APP_KEY_FILE:-}" ]; then
  refuse 2 invalid 'the input private-key is missing or empty: secrets are, in a run for a fork and where their name is wrong'
fi
if [ -z "${app:-${PINLIB_APP:-}}" ] && [ -n "${PINLIB_APP_KEY:-}" ] && [ -z "${PINLIB_TOKEN:-}" ]; then
  refuse 2 invalid 'the input app-id or client-id is missing: private-key is the key of one'
fi
case ${INPUT_ON_RACE:=fail} in
  fail | neutral) ;;
  *) refuse 2 invalid "on-race: want fail or neutral, found \"$INPUT_ON_RACE\"" ;;
esac
case ${INPUT_AUTO_MERGE:=false} in
  true | false) ;;
  *) refuse 2 invalid "auto-merge: want true or false, found \"$INPUT_AUTO_MERGE\"" ;;
esac
case ${INPUT_DRY_RUN:=false} in
  true | false) ;;
  *) refuse 2 invalid "dry-run: want true or false, found \"$INPUT_DRY_RUN\"" ;;
esac

arguments=()
lines --image "${INPUT_IMAGE:-}"
if [ -n "${INPUT_DIGEST:-}" ]; then
  if [ "${#arguments[@]}" -ne 1 ] || [[ ${arguments[0]} == *@* ]]; then
    refuse 2 invalid 'digest goes with one image that has none; of several, write image as NAME@DIGEST lines'
  fi
  if ! [[ $INPUT_DIGEST =~ ^sha(256:[0-9a-f]{64}|512:[0-9a-f]{128})$ ]]; then
    refuse 2 invalid "digest: want sha256:HEX, found \"$INPUT_DIGEST\""
  fi
  arguments[0]+="@$INPUT_DIGEST"
fi
if [ -n "${INPUT_DIGESTS:-}" ]; then
  if [ "${#arguments[@]}" -ne 0 ]; then
    refuse 2 invalid 'give image or digests, not both'
  fi
  arguments+=(--digests=-)
fi
lines --target "${INPUT_TARGET:-}"
one --app app-id "$app"
one --installation installation-id "${INPUT_INSTALLATION_ID:-}"
one --source-commit source-commit "${INPUT_SOURCE_COMMIT:-}"
one --branch branch "${INPUT_BRANCH:-}"
if [ -n "${INPUT_REPOSITORY:-}" ]; then
  if ! [[ $INPUT_REPOSITORY =~ ^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$ ]]; then
    refuse 2 invalid "repository: want OWNER/NAME, found \"$INPUT_REPOSITORY\""
  fi
  arguments+=("--forge=github:$INPUT_REPOSITORY")
fi
one --policy policy "${INPUT_POLICY:-}"
one --via via "${INPUT_VIA:-}"
if [ "$INPUT_AUTO_MERGE" = true ]; then
  arguments+=(--auto-merge)
fi
one --evidence evidence "${INPUT_EVIDENCE:-}"
one --config config "${INPUT_CONFIG:-}"
if [ "$INPUT_DRY_RUN" = true ]; then
  arguments+=(--dry-run)
fi
lines '' "${INPUT_ARGS:-}"

# pinlib writes the outputs, the summary and the annotations itself. Its data is in the outputs already: of stdout the log
# needs nothing.
code=0
PINLIB_ON_RACE=$INPUT_ON_RACE "${PINLIB_BIN:-pinlib}" pin ${arguments[@]+"${arguments[@]}"} \
  <<<"${INPUT_DIGESTS:-}" >/dev/null || code=$?
if ! [ -s "$GITHUB_OUTPUT" ]; then
  # It did not come to a report: the arguments were not its grammar, or it died, and nobody knows how far it came.
  case $code in
    1) outcome=defect ;;
    2) outcome=invalid ;;
    *) outcome=unknown ;;
  esac
  printf 'outcome=%s\n' "$outcome" >>"$GITHUB_OUTPUT"
fi
if [ "$code" -eq 3 ] && [ "$INPUT_ON_RACE" = neutral ]; then
  code=0
fi
exit "$code"
