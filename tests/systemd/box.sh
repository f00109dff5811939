#!/bin/bash
# box.sh LAYER: boots systemd as process 1 of namespaces of its own (mounts, processes, names, IPC, cgroups, network), on a copy-on-write
# view of this machine's root in which the folder LAYER lies on top. Nothing of it reaches the machine. Needs root; runs until it is
# killed, or systemd ends.
set -euo pipefail
layer=$1
exec unshare --mount --pid --fork --kill-child --uts --ipc --cgroup --net bash -euc '
layer=$1
mount --make-rprivate /
scratch=/mnt # in this namespace only
mount -t tmpfs -o mode=755 tmpfs "$scratch"
mkdir "$scratch/upper" "$scratch/work" "$scratch/root"
cp --archive "$layer/." "$scratch/upper/"
mount -t overlay overlay -o "lowerdir=/,upperdir=$scratch/upper,workdir=$scratch/work" "$scratch/root"
cd "$scratch/root"
mkdir -p proc sys dev run tmp box.old
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do touch "dev/$device"; mount --bind "/dev/$device" "dev/$device"; done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
pivot_root . box.old
umount --lazy box.old
hostname box
ip link set lo up
exec env --ignore-environment container=podman PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
  /lib/systemd/systemd --unit=basic.target --log-target=journal --show-status=no
' box "$layer"
