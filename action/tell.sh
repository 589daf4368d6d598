# shellcheck shell=bash
# What both scripts tell the runner. No value from outside reaches it but escaped.

# By name, since the bash of macOS does not read $'\n' everywhere.
newline=$'\n' return=$'\r'

# The data of a workflow command.
escaped() {
  local text=$1
  text=${text//%/%25}
  text=${text//$return/%0D}
  printf '%s' "${text//$newline/%0A}"
}

# Ends the step before pinlib has run: an annotation, the outputs, and pinlib's own exit code for the outcome.
refuse() {
  local code=$1 outcome=$2 message=$3
  printf '::error title=pinlib::%s\n' "$(escaped "$message")" >&2
  printf 'outcome=%s\nchanged=false\n' "$outcome" >>"$GITHUB_OUTPUT"
  exit "$code"
}
