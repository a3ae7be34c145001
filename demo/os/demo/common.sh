# What the scripts of this OS definition share. A disk of the demo guest holds: the boot sector; from 32 KiB on the
# settings, 4 KiB of lines KEY=VALUE filled up with zero bytes; from 1 MiB on the boot partition; then the root file system.
set -eu
export LC_ALL=C PATH="/usr/sbin:/usr/bin:/sbin:/bin"
here=$(cd "$(dirname "$0")" && pwd)
template=$here/template
settings_offset=32768
settings_size=4096

fail() {
  echo "$*" >&2
  exit 1
}

need_template() {
  [ -e "$template/boot.img" ] && [ -d "$template/root" ] ||
    fail "The parts of the demo guest are missing in $template; build them with demo/build-guest.sh"
}

# The size of a file or a block device in bytes.
size_of() {
  if [ -b "$1" ]; then blockdev --getsize64 "$1"; else stat -L -c %s "$1"; fi
}

# Shows the settings on a disk; fails when the disk was not made by this OS definition.
read_settings() {
  [ "$(dd if="$1" bs=1 skip=$settings_offset count=11 status=none | tr -d '\0')" = merapi-demo ] || return 1
  dd if="$1" bs=$settings_size skip=$((settings_offset / settings_size)) count=1 status=none | tr -d '\0'
}

# Writes the settings given as standard input to a disk.
write_settings() {
  text=$(cat)
  [ ${#text} -lt $settings_size ] || fail "The settings of the guest are too long"
  printf '%s\n' "$text" |
    dd of="$1" bs=$settings_size seek=$((settings_offset / settings_size)) count=1 conv=notrunc,sync,fsync iflag=fullblock status=none
}
