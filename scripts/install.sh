# What bin/start and bin/test have in common: installs what is missing and builds. To be sourced by bash with `here` set to
# the folder of the repository.

say() { echo "merapi: $*"; }
fail() { echo "merapi: $*" >&2; exit 2; }

check_node() {
  command -v node >/dev/null || fail 'Node.js is missing; install version 20.19 or later (with npm)'
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    fail "Node.js $(node --version) is too old; install version 20.19 or later"
  command -v npm >/dev/null || fail 'npm is missing; install it beside Node.js'
}

# need_packages "COMMAND-OR-FILE:PACKAGE"...: installs the Debian packages whose command or file is not there.
need_packages() {
  local each probe missing=
  for each in "$@"; do
    probe=${each%%:*}
    case $probe in
      /*) [ -e "$probe" ] ;;
      *) PATH="$PATH:/usr/sbin:/sbin" command -v "$probe" >/dev/null ;;
    esac || case " $missing " in *" ${each##*:} "*) ;; *) missing="$missing ${each##*:}" ;; esac
  done
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    fail "these Debian packages are missing; install them as root: apt-get install$missing"
  fi
  say "installing$missing"
  mkdir -p "$here/build"
  wait_for_apt
  {
    apt-get -o DPkg::Lock::Timeout=600 update -qq &&
      DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends $missing
  } >"$here/build/apt.log" 2>&1 || {
    tail -n 5 "$here/build/apt.log" >&2
    fail "the packages could not be installed; $here/build/apt.log tells why"
  }
}

# Says it when another program installs packages, as just after the machine has started, and waits for up to ten minutes.
wait_for_apt() {
  local seconds=0
  command -v flock >/dev/null || return 0
  until flock -n /var/lib/dpkg/lock-frontend true && flock -n /var/lib/apt/lists/lock true; do
    [ $seconds -gt 0 ] || say 'another program is installing packages; waiting for it'
    [ $seconds -lt 600 ] || fail 'another program has been installing packages for ten minutes; try again when it has ended'
    sleep 2
    seconds=$((seconds + 2))
  done 2>/dev/null
}

# Installs the npm packages when they are not those of package-lock.json, and sees to it that the native one loads.
need_modules() {
  local done="$here/node_modules/.package-lock.json"
  if [ ! -e "$done" ] || [ "$here/package-lock.json" -nt "$done" ]; then
    say 'installing the npm packages'
    mkdir -p "$here/build"
    (cd "$here" && npm ci --no-progress) >"$here/build/npm.log" 2>&1 || {
      tail -n 15 "$here/build/npm.log" >&2
      fail "npm ci failed; $here/build/npm.log tells why"
    }
    touch "$done"
  fi
  loads_sqlite && return 0
  say 'building better-sqlite3 for this Node.js (about a minute)'
  (cd "$here" && npm rebuild better-sqlite3 --build-from-source && loads_sqlite) >"$here/build/npm.log" 2>&1 || {
    tail -n 15 "$here/build/npm.log" >&2
    fail "better-sqlite3 cannot be built; $here/build/npm.log tells why"
  }
}

loads_sqlite() {
  (cd "$here" && node -e 'const D = require("better-sqlite3"); new D(":memory:").close()') 2>/dev/null
}

# Compiles when a source is newer than the last build.
need_build() {
  local stamp="$here/dist/.built"
  [ -e "$stamp" ] && [ -z "$(find "$here/lib" "$here/package.json" "$here/scripts/build.mjs" "$here/package-lock.json" -newer "$stamp" -print -quit)" ] && return 0
  say 'building'
  (cd "$here" && npm run --silent build) || fail 'the build failed'
  touch "$stamp"
}

native_tools='make:build-essential g++:build-essential python3:python3'
guest_tools='socat:socat qemu-system-x86_64:qemu-system-x86 ip:iproute2 strip:binutils mkfs.ext4:e2fsprogs modprobe:kmod'

need_demo_guest() {
  "$here/demo/build-guest.sh" "$here/build/demo" || fail 'the demo guest could not be built'
}
