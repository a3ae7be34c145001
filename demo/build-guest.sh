#!/bin/bash
# Builds the demo guest: build-guest.sh OUTDIR
#
# OUTDIR/os is then an OS search path with the definition `demo`, whose create script makes a bootable disk in a second
# or two. The guest consists of Debian packages (kernel, busybox, the QEMU guest agent with its libraries), which are
# downloaded and unpacked but never installed. A second run does nothing unless the files beside this script changed;
# after an interrupted run it starts again. No root needed.
#
# Needed on this machine: apt and dpkg with a reachable Debian archive (amd64), and the packages
# binutils e2fsprogs kmod (commands: strip readelf mkfs.ext4 depmod modprobe).
set -euo pipefail
export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"
umask 022

say() { echo "demo guest: $*"; }
fail() { echo "demo guest: $*" >&2; exit 1; }

[ $# = 1 ] || { echo "usage: build-guest.sh OUTDIR" >&2; exit 2; }
out=$(realpath -m "$1")
here=$(cd "$(dirname "$0")" && pwd)

# The boot partition: it begins at 1 MiB, the root file system follows it.
boot_mib=24

packages='busybox-static qemu-guest-agent libc6 libglib2.0-0 libpcre2-8-0 libudev1 liburing2 libnuma1 mtools syslinux syslinux-common'
boot_modules='virtio_pci virtio_blk virtio_scsi ata_piix sd_mod xen-blkfront'
system_modules='virtio_net virtio_console virtio-rng virtio_balloon button evdev'

check_host() {
  local command package missing=
  [ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] || fail 'the guest is built from Debian packages for amd64, which this machine is not'
  for command in apt-get:apt strip:binutils readelf:binutils mkfs.ext4:e2fsprogs depmod:kmod modprobe:kmod flock:util-linux; do
    package=${command#*:}
    command -v "${command%:*}" >/dev/null || case " $missing " in *" $package "*) ;; *) missing="$missing $package" ;; esac
  done
  [ -z "$missing" ] || fail "these packages are missing; run: apt-get install$missing"
}

# What the result is made from: this folder's files.
fingerprint() { (cd "$here" && find . -type f ! -name README.md -printf '%p %m\n' -exec sha256sum {} + | sort | sha256sum | cut -d' ' -f1); }

download() {
  kernel=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | awk '/Depends: linux-image/ { print $2; exit }')
  if [ -z "$kernel" ] && [ "$(id -u)" = 0 ]; then
    say 'reading the list of packages'
    apt-get update -qq || fail 'apt-get update failed; is the Debian archive reachable?'
    kernel=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ { print $2; exit }')
  fi
  [ -n "$kernel" ] || fail 'apt knows no package linux-image-cloud-amd64; run: apt-get update'
  say "downloading $kernel, busybox and the guest agent (about 35 MB)"
  mkdir "$work/debs"
  # shellcheck disable=SC2086
  (cd "$work/debs" && apt-get download -qq "$kernel" $packages 2>"$work/apt.log") || {
    cat "$work/apt.log" >&2
    fail 'the packages could not be downloaded; is the Debian archive reachable, and the list of packages fresh (apt-get update)?'
  }
  say 'unpacking'
  local deb
  for deb in "$work"/debs/*.deb; do
    case $deb in
      */linux-image-*) dpkg -x "$deb" "$work/kernel" ;;
      *) dpkg -x "$deb" "$work/parts" ;;
    esac
  done
  version=$(ls "$work/kernel/lib/modules")
  depmod -b "$work/kernel" "$version"
}

# Copies kernel modules and what they need to a folder, without their signatures (checking those takes long), and notes the
# order in which they load: install_modules FOLDER MODULE...
install_modules() {
  local folder=$1 module path name
  shift
  mkdir -p "$folder"
  for module; do
    modprobe -d "$work/kernel" -S "$version" --show-depends "$module" | awk '$1 == "insmod" { print $2 }' >"$work/needs" ||
      fail "the kernel package has no module $module"
    while read -r path; do
      name=$(basename "$path")
      [ -e "$folder/$name" ] && continue
      strip --strip-debug -o "$folder/$name" "$path"
      echo "$name" >>"$folder/order"
    done <"$work/needs"
  done
}

# Copies the shared libraries that a program in the root file system needs, and those that they need: install_libraries PROGRAM
install_libraries() {
  local name path
  for name in $(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
    [ -e "$root/lib/x86_64-linux-gnu/$name" ] && continue
    case $name in ld-linux*) continue ;; esac
    path=$(find "$work/parts/lib/x86_64-linux-gnu" "$work/parts/usr/lib/x86_64-linux-gnu" -maxdepth 1 -name "$name" | head -n 1)
    [ -n "$path" ] || fail "no downloaded package holds the library $name; the list of packages in build-guest.sh must grow"
    cp -L "$path" "$root/lib/x86_64-linux-gnu/$name"
    install_libraries "$root/lib/x86_64-linux-gnu/$name"
  done
}

install_busybox() {
  local applet
  mkdir -p "$1"
  cp "$work/parts/bin/busybox" "$1/busybox"
  for applet in $("$work/parts/bin/busybox" --list); do
    [ "$applet" = busybox ] || ln -s busybox "$1/$applet"
  done
}

build_root() {
  say 'building the root file system'
  root=$template/root
  mkdir -p "$root"/{bin,sbin,dev,proc,sys,run,tmp,mnt,root,etc,lib/modules,lib/x86_64-linux-gnu,lib64,usr/bin,usr/sbin,var/log}
  ln -s ../run "$root/var/run"
  chmod 700 "$root/root"
  install_busybox "$root/bin"
  local link
  for link in init getty acpid poweroff reboot halt hwclock; do ln -s ../bin/busybox "$root/sbin/$link"; done
  cp "$work/parts/usr/sbin/qemu-ga" "$root/usr/sbin/qemu-ga"
  install_libraries "$root/usr/sbin/qemu-ga"
  cp -L "$(find "$work/parts" -name 'ld-linux-x86-64.so.2' ! -xtype l | head -n 1)" "$root/lib64/"
  cp -a "$here/guest/." "$root/"
  chmod 600 "$root/etc/shadow"
  # shellcheck disable=SC2086
  install_modules "$root/lib/modules" $system_modules
}

build_initrd() {
  local initrd=$work/initrd
  mkdir -p "$initrd"/{dev,proc,sys,run,root}
  install_busybox "$initrd/bin"
  cp "$here/initrd/init" "$initrd/init"
  # shellcheck disable=SC2086
  install_modules "$initrd/modules" $boot_modules
  (cd "$initrd" && find . | sort | "$work/parts/bin/busybox" cpio -o -H newc -R 0:0 2>/dev/null) | gzip -9n >"$work/initrd.gz"
}

# The first part of every disk: boot sector, and the boot partition with loader, kernel and initial RAM disk.
build_boot() {
  say 'building the boot partition'
  local image=$template/boot.img partition=$template/boot.img@@1M
  export PATH="$work/parts/usr/bin:$PATH" MTOOLS_SKIP_CHECK=1
  truncate -s "$((1 + boot_mib))M" "$image"
  dd if="$work/parts/usr/lib/syslinux/mbr/mbr.bin" of="$image" bs=440 count=1 conv=notrunc status=none
  printf '\125\252' | dd of="$image" bs=1 seek=510 conv=notrunc status=none
  mformat -i "$partition" -T $((boot_mib * 2048)) -h 64 -s 32 -H 2048 -N 4d455250 -v BOOT ::
  mcopy -i "$partition" "$work/kernel/boot/vmlinuz-$version" ::vmlinuz
  mcopy -i "$partition" "$work/initrd.gz" ::initrd
  mcopy -i "$partition" "$here/syslinux.cfg" ::syslinux.cfg
  syslinux --offset $((1024 * 1024)) --install "$image"
}

check_host
mkdir -p "$(dirname "$out")"
exec 9>"$out.lock"
flock -n 9 || { say 'another build is under way; waiting for it'; flock 9; }
stamp=$(fingerprint)
if [ "$(cat "$out/built-from" 2>/dev/null)" = "$stamp" ]; then
  say "ready in $out"
  exit 0
fi

rm -rf "$out.new" "$out.old"
work=$out.new/work
template=$out.new/os/demo/template
mkdir -p "$work" "$template"
trap 'rm -rf "$out.new"' EXIT
download
cp -a "$here/os/demo/." "$out.new/os/demo/"
build_root
build_initrd
build_boot
cp "$work/parts/bin/busybox" "$template/busybox"
rm -rf "$work"
echo "$stamp" >"$out.new/built-from"
sync -f "$out.new"
[ ! -e "$out" ] || mv "$out" "$out.old"
mv "$out.new" "$out"
rm -rf "$out.old"
say "ready in $out ($(du -sm "$out" | cut -f1) MB)"
