# shellcheck shell=bash
# Functions that several scripts share. They source this file and work in the root of the source tree.

# fail MESSAGE: prints one line and exits with status 1.
fail() {
  echo "${0##*/}: error: $*" >&2
  exit 1
}

# wrong_usage MESSAGE: the same for wrong usage, with status 2.
wrong_usage() {
  echo "${0##*/}: error: $*" >&2
  exit 2
}

# as_owner COMMAND...: runs the command as the owner of the source tree, so that a build under sudo belongs to them.
as_owner() {
  local owner
  owner=$(stat --format=%U .)
  if ((EUID == 0)) && [[ $owner != root ]] && id "$owner" >/dev/null 2>&1; then
    runuser --user "$owner" -- "$@"
  else
    "$@"
  fi
}

# show_failures_only WHAT COMMAND...: shows the output of the command only if it fails.
show_failures_only() {
  local what=$1 log
  shift
  log=$(mktemp)
  "$@" >"$log" 2>&1 || { cat "$log" >&2; rm "$log"; fail "$what failed; its output is above"; }
  rm "$log"
}

# configure FOLDER [MESON OPTION]...: creates a build folder, or changes the options of an existing one.
configure() {
  local folder=$1 again=()
  shift
  [[ ! -e $folder/meson-private/coredata.dat ]] || again=(--reconfigure)
  as_owner meson setup "${again[@]}" "$folder" "$@"
}
