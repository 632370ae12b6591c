# shellcheck shell=bash
# What several scripts need. They source this file and work in the root of the source tree.

# fail MESSAGE: one line, and exit status 1.
fail() {
  echo "${0##*/}: error: $*" >&2
  exit 1
}

# wrong_usage MESSAGE: the same for a wrong command line, with exit status 2.
wrong_usage() {
  echo "${0##*/}: error: $*" >&2
  exit 2
}

# as_owner COMMAND...: under sudo, the files of a build still belong to the owner of the source tree.
as_owner() {
  local owner
  owner=$(stat --format=%U .)
  if ((EUID == 0)) && [[ $owner != root ]] && id "$owner" >/dev/null 2>&1; then
    runuser --user "$owner" -- "$@"
  else
    "$@"
  fi
}

# show_failures_only WHAT COMMAND...: what the command prints is of interest only if it fails.
show_failures_only() {
  local what=$1 log
  shift
  log=$(mktemp)
  "$@" >"$log" 2>&1 || { cat "$log" >&2; rm "$log"; fail "$what failed; its output is above"; }
  rm "$log"
}

# configure FOLDER [MESON OPTION]...: makes a build folder, or changes these options of an existing one.
configure() {
  local folder=$1 again=()
  shift
  [[ ! -e $folder/meson-private/coredata.dat ]] || again=(--reconfigure)
  as_owner meson setup "${again[@]}" "$folder" "$@"
}
