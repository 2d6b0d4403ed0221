#!/usr/bin/env bash
# Runs the sandbox's tests and a function in a machine whose only control groups are of version 2: QEMU, Debian's kernel,
# a disk made of this host's own programs, and an init that mounts and runs. Outside CI: emulated, it takes minutes.
#
#   scripts/test-v2.sh [TEST...]    only the tests whose names contain one of these words
set -euo pipefail
cd "$(dirname "$0")/.."

readonly work=.hearth/v2
readonly minutes_max=60
readonly target="${CARGO_TARGET_DIR:-target}"
# What the guest's tests and functions run. The libraries they load come along.
readonly packages=(bash dash coreutils util-linux mount e2fsprogs iproute2 procps grep sed findutils mawk kmod
    hostname python3.11 python3.11-minimal libpython3.11-stdlib libpython3.11-minimal python3-minimal ca-certificates)
readonly boot_modules=(virtio_pci virtio_blk)
readonly modules=(loop veth nf_tables nft_ct nft_masq nft_chain_nat nft_connlimit nft_reject nft_reject_ipv4 nft_reject_inet nft_fib nft_fib_inet)

say() { printf 'test-v2: %s\n' "$1"; }

install_tools() {
    local missing=()
    command -v qemu-system-x86_64 >/dev/null || missing+=(qemu-system-x86)
    command -v cpio >/dev/null || missing+=(cpio)
    command -v modprobe >/dev/null || missing+=(kmod)
    [ -x /usr/sbin/mke2fs ] || missing+=(e2fsprogs)
    [ -x /bin/busybox ] && ! ldd /bin/busybox >/dev/null 2>&1 || missing+=(busybox-static)
    if [ ${#missing[@]} -gt 0 ] || ! compgen -G "$work/kernel/lib/modules/*/modules.dep" >/dev/null; then
        apt-get update -qq
        [ ${#missing[@]} -eq 0 ] || apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    fi
}

fetch_kernel() {
    compgen -G "$work/kernel/lib/modules/*/modules.dep" >/dev/null && return
    local package
    package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends:/ { print $2; exit }')
    say "fetching $package"
    rm -rf "$work/kernel" "$work/download"
    mkdir -p "$work/kernel" "$work/download"
    (cd "$work/download" && apt-get download -qq "$package")
    dpkg-deb -x "$work"/download/*.deb "$work/kernel"
    depmod -b "$work/kernel" "$(basename "$work"/kernel/lib/modules/*)"
}

# The files of modules and of what they need, in the order of loading.
module_files() {
    local module
    for module in "$@"; do
        modprobe -d "$work/kernel" -S "$version" --show-depends "$module" | awk '$1 == "insmod" { print $2 }'
    done | awk '!seen[$0]++'
}

make_initramfs() {
    local tree="$work/initramfs"
    rm -rf "$tree"
    mkdir -p "$tree"/{bin,modules,proc,sys,dev,root}
    cp /bin/busybox "$tree/bin/busybox"
    local number=100 file
    for file in $(module_files "${boot_modules[@]}"); do
        cp "$file" "$tree/modules/$((number++)).ko"
    done
    cat >"$tree/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
for module in /modules/*.ko; do /bin/busybox insmod "$module"; done
for attempt in 1 2 3 4 5 6 7 8 9 10; do [ -b /dev/vda ] && break; /bin/busybox sleep 1; done
/bin/busybox mount -t ext4 /dev/vda /root
/bin/busybox mount --move /dev /root/dev
exec /bin/busybox switch_root /root /guest
INIT
    chmod +x "$tree/init"
    (cd "$tree" && find . | cpio --quiet -o -H newc) | gzip -1 >"$work/initramfs.gz"
}

# Copies what these packages have, then the libraries that their programs and ours load.
make_root() {
    local tree="$work/root" file
    rm -rf "$tree"
    mkdir -p "$tree"/{dev,proc,sys,tmp,run,root,etc,var/tmp,modules,hearth/debug/deps,hearth/debug/examples,usr/bin,usr/lib,usr/lib64,usr/sbin}
    for file in bin sbin lib lib64; do ln -s "usr/$file" "$tree/$file"; done
    dpkg -L "${packages[@]}" 2>/dev/null | grep -vE '^/(\.|usr/share/(doc|man|locale|info))' | sort -u |
        while read -r file; do if [ ! -d "$file" ] || [ -L "$file" ]; then real_name "$file"; fi; done |
        { tar -C / --ignore-failed-read -cf - -T - 2>/dev/null || true; } | tar -C "$tree" -xf -
    cp "$tests" "$tree/hearth/debug/deps/sandbox"
    cp "$black_box" "$tree/hearth/debug/deps/black_box"
    cp "$target/debug/examples/spawner" "$tree/hearth/debug/examples/spawner"
    cp "$target/debug/hearth" "$tree/hearth/hearth"
    strip "$tree"/hearth/hearth "$tree"/hearth/debug/{deps/{sandbox,black_box},examples/spawner}
    { find "$tree"/usr/bin "$tree"/usr/sbin "$tree"/usr/lib/python3* -type f; find "$tree/hearth" -type f; } |
        { xargs -r ldd 2>/dev/null || true; } | grep -oE '/[^ ]+\.so[^ ]*' | sort -u |
        while read -r file; do real_name "$file"; real_name "$(readlink -f "$file")"; done | sort -u |
        { tar -C / --ignore-failed-read -chf - -T - 2>/dev/null || true; } | tar -C "$tree" -xf -
    cp -r /etc/ssl "$tree/etc/"
    printf 'nameserver 192.0.2.53\n' >"$tree/etc/resolv.conf"
    printf 'root:x:0:0:root:/root:/bin/bash\n' >"$tree/etc/passwd"
    printf 'root:x:0:\n' >"$tree/etc/group"
    printf '127.0.0.1 localhost\n' >"$tree/etc/hosts"
    local number=100
    for file in $(module_files "${modules[@]}"); do
        cp "$file" "$tree/modules/$((number++)).ko"
    done
    cp scripts/test-v2-guest.sh "$tree/guest"
    cp scripts/test-v2-function.py "$tree/hearth/function.py"
    printf '%s\n' "$@" >"$tree/hearth/filters"
    rm -f "$work/root.img"
    truncate -s 2G "$work/root.img"
    mke2fs -q -F -t ext4 -d "$tree" "$work/root.img"
}

# A path below /, with /bin and the like as links into /usr.
real_name() {
    case "$1" in
        /bin/* | /sbin/* | /lib/* | /lib64/*) printf 'usr%s\n' "$1" ;;
        *) printf '%s\n' "${1#/}" ;;
    esac
}

[ "$(id -u)" -eq 0 ] || { say "run it as root"; exit 1; }
[ "$(uname -m)" = x86_64 ] || { say "made for x86_64"; exit 1; }
install_tools
mkdir -p "$work"
fetch_kernel
version=$(basename "$work"/kernel/lib/modules/*)
readonly version
say "building"
cargo build --quiet --package hearth
cargo build --quiet --package hearth-sandbox --examples
# program PACKAGE TEST: the path of a test program, built.
program() {
    cargo test --package "$1" --test "$2" --no-run --message-format=json --quiet |
        grep -o "\"executable\":\"[^\"]*/$2-[^\"]*\"" | tail -n 1 | cut -d '"' -f 4
}
tests=$(program hearth-sandbox sandbox)
black_box=$(program hearth-tests black_box)
readonly tests black_box
say "making the disk"
make_initramfs
make_root "$@"
say "booting Linux $version with cgroup v2 alone"
readonly log="$work/console.log"
timeout "$((minutes_max * 60))" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 3G \
    -kernel "$work/kernel/boot/vmlinuz-$version" -initrd "$work/initramfs.gz" \
    -append "console=ttyS0 quiet panic=-1 cgroup_no_v1=all mitigations=off random.trust_cpu=on" \
    -drive "file=$work/root.img,format=raw,if=virtio,cache=unsafe,snapshot=on" \
    -nic none -nographic -no-reboot </dev/null 2>&1 | tee "$log" || say "the machine did not end by itself"
grep -q '^test-v2: PASS' "$log" || { say "FAIL"; exit 1; }
