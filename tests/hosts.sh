#!/bin/bash
# Two machines on one: a run over two network namespaces, the second with a host name and an sshd of its own, that ends in the
# bytes of one process; what happens when something fails there, after how long, and with which code.
#   tests/hosts.sh PROGRAM     as root; PROGRAM: a stylegan built with --features mpi; Open MPI, sshd and iproute2 are installed
# With examples/exchange beside PROGRAM it also tells what sums take between the two, and over a link held to 200 Mb/s.
set -u
program=$(realpath "$1")
work=$(mktemp -d)
clean_up() {
  for space in sg1 sg2; do ip netns pids $space 2> /dev/null | xargs -r kill -9; done
  ip netns del sg1; ip netns del sg2
  umount "$work/small" 2> /dev/null
  rm -rf "$work"
}
trap clean_up EXIT

ip netns add sg1 && ip netns add sg2 && ip link add v1 netns sg1 type veth peer name v2 netns sg2 || exit 1
for i in 1 2; do
  ip -n sg$i addr add 10.99.0.$i/24 dev v$i
  ip -n sg$i link set lo up; ip -n sg$i link set v$i up
done
ssh-keygen -q -t ed25519 -N '' -f "$work/key"
mkdir -p /run/sshd "$work/small"
printf '%s\n' "Port 2222" "ListenAddress 10.99.0.2" "HostKey $work/key" "AuthorizedKeysFile $work/key.pub" "StrictModes no" \
  "PermitRootLogin yes" "PidFile none" > "$work/sshd"
ip netns exec sg2 unshare --uts bash -c 'hostname host2; exec /usr/sbin/sshd -D -f "$0"' "$work/sshd" &
disown
agent="ssh -q -i $work/key -p 2222 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"

# The settings of docs/distributed.md.
on_both() {
  ip netns exec sg1 unshare --uts bash -c 'hostname host1; exec mpirun "$@"' mpirun --allow-run-as-root -n 2 --bind-to none \
    --mca plm_rsh_agent "$agent" --host 10.99.0.1:1,10.99.0.2:1 --mca btl tcp,self \
    --mca btl_tcp_if_include 10.99.0.0/24 --mca oob_tcp_if_include 10.99.0.0/24 \
    --mca oob_tcp_keepalive_time 4 --mca oob_tcp_keepalive_intvl 1 --mca oob_tcp_keepalive_probes 3 "$@"
}
cd "$(dirname "$0")/.."
sed -n '/^const TINY/,/^"#;/p' crates/stylegan-cli/tests/mpi.rs | sed '1d;$d' > "$work/tiny.toml"
cd "$work"
"$program" data build avatars --size 16 --count 40 --out set.zip > /dev/null 2>&1
words=(train --config "$work/tiny.toml" --data "$work/set.zip")
endless=(--set kimg=100000 --set output.checkpoint_kimg=100000 --set output.snapshot_kimg=100000)

"$program" "${words[@]}" --out one > one.txt 2>&1
on_both "$program" "${words[@]}" --out "$work/two" > two.txt 2>&1 || cat two.txt
cmp one/network-000001.safetensors two/network-000001.safetensors && echo "two hosts: the bytes of one process"

# The processes of a name on a host.
on() { for id in $(ip netns pids "$1"); do [ "$(cat /proc/"$id"/comm 2> /dev/null)" = "$2" ] && echo "$id"; done; }
# Starts a run that does not end by itself, strikes once it has trained, and tells how it ends.
fails() {
  local what=$1 out=$2; shift 2
  on_both "$program" "${words[@]}" --out "$work/$out" "${options[@]}" > said.txt 2>&1 &
  local job=$! began
  until grep -q 'kimg 0.120' said.txt; do kill -0 $job 2> /dev/null || break; sleep 0.05; done
  began=$EPOCHREALTIME
  eval "$*"
  wait $job; local code=$?
  local seconds; seconds=$(echo "$EPOCHREALTIME - $began" | bc)
  for _ in $(seq 100); do [ -z "$(on sg1 stylegan)$(on sg2 stylegan)" ] && break; sleep 0.1; done
  echo "$what: code $code after $seconds s; left behind: $(on sg1 stylegan) $(on sg2 stylegan)"
  grep '^error\|^warning\|on signal\|and saved\|HNP daemon' said.txt | awk '!told[$0]++' | tail -4 | sed 's/^/    /'
}
options=("${endless[@]}")
fails "SIGTERM to the rank of the other host" term 'kill -TERM $(on sg2 stylegan)'
fails "kill -9 of the rank of the other host" killed 'kill -9 $(on sg2 stylegan)'
fails "kill -9 of the other host's daemon" daemon 'kill -9 $(on sg2 orted)'
fails "the link is cut" cut 'ip -n sg1 link set v1 down'
ip -n sg1 link set v1 up
mount -t tmpfs -o size=2m tmpfs small
options=()
fails "the disk of rank 0 is full" small/run 'cat /dev/zero > small/fill 2> /dev/null'

exchange=$(dirname "$program")/examples/exchange
if [ -x "$exchange" ]; then
  echo "bytes, seconds of a sum: exact, fast, doubling"
  on_both "$exchange"
  for i in 1 2; do ip netns exec sg$i tc qdisc add dev v$i root tbf rate 200mbit burst 128kb latency 100ms; done
  echo "the same over 200 Mb/s"
  on_both "$exchange"
fi
