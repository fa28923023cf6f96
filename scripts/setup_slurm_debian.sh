#!/usr/bin/env bash
# Sets up Slurm on this one Debian machine, from Debian's own packages, to try scripts/slurm_compare.sh without a cluster:
# one controller, one node (this machine, all its processors), one partition. Run again, it starts what is not running.
#   setup_slurm_debian.sh            install, configure, start, wait until the node is idle
#   setup_slurm_debian.sh --stop     stop the three daemons (slurmd, slurmctld, munged)
# A slurm.conf that this script has not written is never touched. No accounting, no cgroups: not a set-up for a real cluster.
set -eu

configuration=/etc/slurm/slurm.conf
mark='# Written by setup_slurm_debian.sh: one machine, for trying things out.'
fail() { echo "setup: $*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || fail "run it as root (sudo $0)"
command -v apt-get >/dev/null 2>&1 || fail "this is no Debian machine"
if [ -e "$configuration" ] && ! grep -qxF "$mark" "$configuration"; then
    fail "$configuration is there already and is not this script's; move it away first"
fi

# Is the daemon of this pid file running?
alive() { [ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }

if [ "${1:-}" = --stop ]; then
    for daemon in slurmd slurmctld munge/munged; do
        if alive "/run/$daemon.pid"; then kill "$(cat "/run/$daemon.pid")"; fi
    done
    exit 0
fi
[ "$#" = 0 ] || fail "unknown argument $1; only --stop is known"

missing=()
for package in slurmctld slurmd slurm-client munge; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
        fail "could not install: ${missing[*]}"
fi

node=$(hostname -s)
memory_mib=$(awk '/^MemTotal:/ { print int($2 / 1024 * 0.9) }' /proc/meminfo)
cat >"$configuration" <<CONFIGURATION
$mark
ClusterName=one
SlurmctldHost=$node(127.0.0.1)
SlurmUser=slurm
AuthType=auth/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=5,batch_sched_delay=1
ReturnToService=2
MailProg=/bin/true
StateSaveLocation=/var/lib/slurm/slurmctld
SlurmdSpoolDir=/var/lib/slurm/slurmd
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
SlurmctldLogFile=/var/log/slurm/slurmctld.log
SlurmdLogFile=/var/log/slurm/slurmd.log
NodeName=$node NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$memory_mib State=UNKNOWN
PartitionName=all Nodes=$node Default=YES MaxTime=INFINITE State=UP
CONFIGURATION

install -d -o slurm -g slurm /var/lib/slurm /var/lib/slurm/slurmctld /var/log/slurm
install -d -o root -g root /var/lib/slurm/slurmd
install -d -o munge -g munge -m 0755 /run/munge
install -d -o munge -g munge -m 0700 /etc/munge /var/log/munge /var/lib/munge
if [ ! -s /etc/munge/munge.key ]; then
    (umask 077 && dd if=/dev/urandom of=/etc/munge/munge.key bs=1024 count=1 status=none)
    chown munge:munge /etc/munge/munge.key
fi
# slurmctld runs as the user slurm and cannot make its pid file in /run by itself.
alive /run/slurmctld.pid || install -o slurm -g slurm -m 0644 /dev/null /run/slurmctld.pid

# Started directly and not by systemd, so that it is the same in a container without it.
alive /run/munge/munged.pid || setpriv --reuid munge --regid munge --clear-groups munged || fail "munged did not start"
munge -n | unmunge >/dev/null || fail "munge does not work; see /var/log/munge/munged.log"
alive /run/slurmctld.pid || slurmctld || fail "slurmctld did not start; see /var/log/slurm/slurmctld.log"
alive /run/slurmd.pid || slurmd || fail "slurmd did not start; see /var/log/slurm/slurmd.log"

for _ in $(seq 60); do
    state=$(sinfo -h -o %T 2>/dev/null || true)
    case $state in
        idle | mixed | allocated) sinfo -N -l; exit 0 ;;
        down* | drained*) scontrol update "NodeName=$node" State=RESUME 2>/dev/null || true ;;
    esac
    sleep 1
done
fail "the node is '${state:-not known}' after a minute; see /var/log/slurm"
