# shellcheck shell=bash
# Sourced by the commands of this folder: steps with their time, packages, builds.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build
started=$SECONDS
mkdir -p "$build"

say() { printf '%s\n' "$*"; }

# step TEXT...: announces what comes next and when, counted from the start.
step() { printf '\n== [%3d s] %s\n' "$((SECONDS - started))" "$*"; }

die() {
    printf '\n%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# as_root COMMAND...: runs it as root, by sudo if need be.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        return 1
    fi
}

# need_packages PURPOSE...: installs those packages of tools/packages that are missing.
need_packages() {
    local purpose package missing=()
    command -v dpkg-query >/dev/null ||
        die "this needs Debian 12 or a relative of it: there is no dpkg here"
    while read -r purpose package; do
        case " $* " in *" $purpose "*) ;; *) continue ;; esac
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
            missing+=("$package")
    done < <(grep -v '^#' "$root/tools/packages" | sort -u)
    if [ ${#missing[@]} -eq 0 ]; then
        say "all packages are there"
        return
    fi
    say "missing: ${missing[*]}"
    if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
        die "not root and no sudo: run this as root first:
  apt-get update && apt-get install --no-install-recommends ${missing[*]}"
    fi
    local log=$build/apt.log
    # shellcheck disable=SC2016  # the inner shell expands these
    as_root env DEBIAN_FRONTEND=noninteractive sh -c '
        log=$1; shift
        install() { apt-get install -y --no-install-recommends --no-remove \
            -o DPkg::Lock::Timeout=120 "$@"; }
        install "$@" >"$log" 2>&1 || { apt-get update && install "$@"; } >"$log" 2>&1' \
        sh "$log" "${missing[@]}" ||
        { tail -n 15 "$log" >&2; die "installing packages failed (all of it: $log)"; }
    say "installed"
}

# quarters: passes ninja's output on to a log and tells each quarter done.
quarters() {
    tee -a "$1" | awk -F'[][/]' '/^\[[0-9]+\/[0-9]+\]/ {
        done = int($2 * 4 / $3)
        if (done > told) { printf "  %d of %d\n", $2, $3; fflush(); told = done }
    }'
}

# built PRESET [CMAKE_OPTION...] [-- TARGET...]: configures and builds, or ends with the reason.
built() {
    local preset=$1 options=() targets=() log
    shift
    while [ $# -gt 0 ] && [ "$1" != -- ]; do options+=("$1"); shift; done
    [ $# -lt 2 ] || targets=(--target "${@:2}")
    log=$build/$preset-build.log
    (cd "$root" && cmake --preset "$preset" "${options[@]}") >"$log" 2>&1 ||
        { tail -n 25 "$log" >&2; die "configuring preset $preset failed (all of it: $log)"; }
    (cd "$root" && NINJA_STATUS='[%f/%t] ' cmake --build --preset "$preset" \
        --parallel "$(nproc)" "${targets[@]}") 2>&1 | quarters "$log" ||
        { grep -aE -A12 'error|FAILED|undefined reference' "$log" | head -n 60 >&2
          die "building preset $preset failed (all of it: $log)"; }
}
