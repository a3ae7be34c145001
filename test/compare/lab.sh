#!/bin/bash
# A real Ganeti cluster of Debian's packages on this machine, for comparison: each node is a network, mount and host name namespace
# over an overlay of one root that debootstrap made. Three things are on the host while it runs: the bridge glbr, the network
# namespaces gl1, gl2, ..., and the folder $GANETI_LAB. Needs root, debootstrap, overlayfs and iproute2.
#   lab.sh base          make the root, once
#   lab.sh up N          start N nodes and one cluster (hypervisor fake; templates diskless, file, sharedfile)
#   lab.sh exec I CMD…   run a command on node I
#   lab.sh down          end and remove all that `up` made
set -euo pipefail
lab=${GANETI_LAB:?the folder of the lab}
base=$lab/base

on() {
  local node=$1
  shift
  nsenter -t "$(cat "$lab/$node/pid")" -m -u "--net=/run/netns/gl$node" chroot "$lab/$node/root" "$@"
}

make_base() {
  [ -e "$base/.complete" ] && return
  rm -rf "$base"
  mkdir -p "$lab"
  command -v debootstrap >/dev/null || { apt-get update -qq && apt-get install -y -qq debootstrap; }
  local mirror
  # Only one of the files need be there.
  mirror=$({ cat /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null || true; } |
    sed -nE 's/^URIs: *([^ ]+).*/\1/p; s/^deb ([^ ]+) .*/\1/p' | head -n 1)
  local tools=ca-certificates,iproute2,net-tools,openssh-server,openssh-client,python3,procps,iputils-ping,iputils-arping
  debootstrap --variant=minbase --include="$tools,socat,lvm2,curl,bridge-utils,openssl" bookworm "$base" "$mirror"
  cp /etc/apt/apt.conf.d/* "$base/etc/apt/apt.conf.d/" 2>/dev/null || true
  DEBIAN_FRONTEND=noninteractive chroot "$base" apt-get install -y --no-install-recommends \
    ganeti ganeti-3.0 ganeti-haskell-3.0 ganeti-testsuite python3-ganeti-rapi ganeti-os-noop qemu-utils
  touch "$base/.complete"
}

write_hosts() {
  local i
  cp /etc/hosts "$lab/hosts"
  {
    echo '198.51.100.1 cluster.example.com cluster'
    for i in $(seq 1 "$1"); do echo "198.51.100.1$i node$i.example.com node$i"; done
    for i in $(seq 1 99); do echo "198.51.100.$((100 + i)) inst$i.example.com inst$i"; done
  } >>"$lab/hosts"
}

make_network() {
  local i=$1
  ip netns add "gl$i"
  ip -n "gl$i" link set lo up
  ip link add "glv$i" type veth peer name eth0 netns "gl$i"
  ip link set "glv$i" master glbr up
  ip -n "gl$i" link add xen-br0 type bridge
  ip -n "gl$i" link set xen-br0 up
  ip -n "gl$i" link set eth0 master xen-br0
  ip -n "gl$i" link set eth0 up
  ip -n "gl$i" addr add "198.51.100.1$i/24" dev xen-br0
}

# Runs in the namespaces of node $1: mounts its root, writes its configuration, and stays.
inside() {
  local i=$1 root=$lab/$1/root
  mount -t overlay overlay -o "lowerdir=$base,upperdir=$lab/$i/up,workdir=$lab/$i/work" "$root"
  mount --bind /dev "$root/dev"
  mount --bind /dev/pts "$root/dev/pts"
  mount -t tmpfs tmpfs "$root/run"
  mount -t proc proc "$root/proc"
  mount -t sysfs sysfs "$root/sys"
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup" || true
  mkdir -p "$root"/srv/ganeti/{shared-file-storage,file-storage} "$root"/run/{sshd,lock} "$root/root/.ssh" "$root/var/lib/ganeti/rapi"
  mount --bind "$lab/shared" "$root/srv/ganeti/shared-file-storage"
  cp "$lab/hosts" "$root/etc/hosts"
  cp "$lab/id_rsa" "$lab/id_rsa.pub" "$root/root/.ssh/"
  cp "$lab/id_rsa.pub" "$root/root/.ssh/authorized_keys"
  chmod 600 "$root"/root/.ssh/*
  printf '/srv/ganeti/file-storage\n/srv/ganeti/shared-file-storage\n' >"$root/etc/ganeti/file-storage-paths"
  sed -i 's/ --require-authentication//' "$root/etc/default/ganeti"
  cp "$lab/users" "$root/var/lib/ganeti/rapi/users"
  chmod 644 "$root/var/lib/ganeti/rapi/users"
  hostname "node$i.example.com"
  echo "node$i.example.com" >"$root/etc/hostname"
  touch "$lab/$i/ready"
  exec sleep infinity
}

up() {
  local nodes=$1 i
  sysctl -qw fs.inotify.max_user_instances=4096
  mkdir -p "$lab/shared"
  [ -f "$lab/id_rsa" ] || ssh-keygen -q -t rsa -N '' -f "$lab/id_rsa"
  cp "$(dirname "$0")/../conformance/users" "$lab/users"
  write_hosts "$nodes"
  ip link add glbr type bridge
  ip link set glbr up
  for i in $(seq 1 "$nodes"); do
    make_network "$i"
    rm -rf "${lab:?}/$i"
    mkdir -p "$lab/$i"/{up,work,root}
    nsenter "--net=/run/netns/gl$i" unshare -m -u --propagation private bash "$0" inside "$i" >/dev/null 2>"$lab/$i/err" &
    echo $! >"$lab/$i/pid"
  done
  for i in $(seq 1 "$nodes"); do
    until [ -e "$lab/$i/ready" ]; do
      kill -0 "$(cat "$lab/$i/pid")" || { cat "$lab/$i/err" >&2; exit 1; }
      sleep 0.1
    done
    on "$i" /usr/sbin/sshd
  done
  local least=disk-size=0,cpu-count=1,disk-count=0,memory-size=4,nic-count=0,spindle-use=0
  local most=disk-size=1048576,cpu-count=8,disk-count=16,memory-size=32768,nic-count=8,spindle-use=12
  on 1 timeout 300 gnt-cluster init --no-etc-hosts --no-ssh-init --master-netdev=xen-br0 --default-iallocator=hail \
    --enabled-disk-templates=diskless,file,sharedfile --enabled-hypervisors=fake \
    "--ipolicy-bounds-specs=min:$least/max:$most" cluster.example.com
  for i in $(seq 2 "$nodes"); do on 1 timeout 300 gnt-node add --no-ssh-key-check "node$i.example.com"; done
}

down() {
  local folder i pid
  for folder in "$lab"/[0-9]*; do
    [ -e "$folder/pid" ] || continue
    i=${folder##*/}
    on "$i" /etc/init.d/ganeti stop || true
    # All that still runs in the node's root has it as its root folder.
    for pid in $(ip netns pids "gl$i"); do
      [ "$pid" = "$(cat "$folder/pid")" ] || kill "$pid" || true
    done
    kill "$(cat "$folder/pid")" || true
    ip netns del "gl$i" || true
    rm -rf "$folder"
  done
  ip link del glbr || true
}

case ${1-} in
  base) make_base ;;
  up) up "${2:-3}" ;;
  inside) inside "$2" ;;
  exec) shift; on "$@" ;;
  down) down 2>/dev/null ;;
  *) sed -n '2,9p' "$0"; exit 2 ;;
esac
