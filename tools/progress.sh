# Sourced by the scripts in tools/: where things are kept, one line of progress per step, and stamps that make a step run once.
# Expects nothing; sets root, self, deps and the functions below.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
self=$(realpath "$0")
deps=$root/.deps
stamps=$deps/stamps
mkdir -p "$stamps"

say() { printf '==> %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# fresh NAME FILE...: true when NAME was stamped with exactly these inputs.
fresh() {
  local name=$1
  shift
  [ -f "$stamps/$name" ] && [ "$(cat "$@" | sha256sum)" = "$(cat "$stamps/$name")" ]
}

# stamp NAME FILE...: remembers the inputs NAME was made from.
stamp() {
  local name=$1
  shift
  cat "$@" | sha256sum > "$stamps/$name.new"
  mv "$stamps/$name.new" "$stamps/$name"
}

# timed WHAT COMMAND...: runs a command or function quietly, says how long it took, shows its output only when it fails. A function
# must be the last word: bash runs it without errexit when timed stands before || or in a condition.
timed() {
  local what=$1 started=$SECONDS log code=0
  shift
  say "$what ..."
  log=$(mktemp)
  (set -e; "$@") > "$log" 2>&1 < /dev/null &
  wait $! || code=$?
  if [ "$code" -eq 0 ]; then
    say "$what: done in $((SECONDS - started)) s"
  else
    tail -n 40 "$log" >&2
    printf 'error: %s failed (exit %s); the last lines of its output are above\n' "$what" "$code" >&2
  fi
  rm -f "$log"
  return "$code"
}
