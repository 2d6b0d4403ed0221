#!/bin/bash
# The init of the machine of test-v2.sh: mounts, runs the tests and a function, says PASS or FAIL, powers off.
export PATH=/usr/bin:/usr/sbin HOME=/root RUST_BACKTRACE=0
# Emulated, and perhaps on a busy host: bounds of waits are so many times longer.
export HEARTH_TEST_PATIENCE=10
failed=0

say() { printf 'test-v2: %s\n' "$1"; }

mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmp /run
mount -t cgroup2 cgroup /sys/fs/cgroup
mkdir -p /dev/shm /run/netns
for module in /modules/*.ko; do insmod "$module"; done
ip link set lo up
hostname v2
say "$(uname -r), $(cat /sys/fs/cgroup/cgroup.controllers)"
grep ' cgroup ' /proc/mounts && failed=1

/hearth/hearth doctor || failed=1

filters=()
while read -r word; do [ -z "$word" ] || filters+=("$word"); done </hearth/filters
cd /hearth || failed=1
/hearth/debug/deps/sandbox --test-threads=1 "${filters[@]}" </dev/null 2>&1 | grep -vE '^ +(at|[0-9]+:) ' || true
[ "${PIPESTATUS[0]}" -eq 0 ] || failed=1

# What a server leaves behind when it, its spawner or its functions are killed.
HEARTH_BINARY=/hearth/hearth /hearth/debug/deps/black_box --test-threads=1 kills:: </dev/null || failed=1

python3.11 /hearth/function.py || failed=1

# A spawner that lost its server may still be at it.
for _ in $(seq 600); do
    leftovers=$(find /sys/fs/cgroup -mindepth 1 -type d -name 'hearth-*')
    [ -n "$leftovers" ] || break
    sleep 0.1
done
[ -z "$leftovers" ] || { say "groups are left: $leftovers"; failed=1; }
if [ "$failed" -eq 0 ]; then say PASS; else say FAIL; fi
sync
echo o >/proc/sysrq-trigger
sleep 60
