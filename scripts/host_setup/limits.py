"""Checks what the kernel allows a process: CPUs, and memory locked for a NIC."""

import functools
import re
import resource

from host_setup.machine import (ACTION, NOTE, OK, Finding, Write, format_cpu_list, kernel_command_line,
                                parse_cpu_list)

LIMITS_FILE = "/etc/security/limits.d/l2echo.conf"
CAP_IPC_LOCK = 14


def usable_cpus(machine):
    match = re.search(r"^Cpus_allowed_list:\s*(\S+)", machine.read("/proc/self/status"), re.MULTILINE)
    return parse_cpu_list(match[1]) if match else set()


def check_cpuset(cpus, machine):
    usable = usable_cpus(machine)
    lacking = cpus - usable
    if not lacking:
        return Finding("CPUs", "", OK, f"{format_cpu_list(usable)} may be used")
    online = parse_cpu_list(machine.read("/sys/devices/system/cpu/online"))
    absent = lacking - online
    if absent:
        return Finding("CPUs", format_cpu_list(absent), ACTION, f"not online; {format_cpu_list(online)} are")
    wanted = format_cpu_list(cpus)
    return Finding("CPUs", format_cpu_list(lacking), ACTION,
                   f"outside of this process's set {format_cpu_list(usable)}: widen it (docker --cpuset-cpus={wanted}, "
                   f"systemd AllowedCPUs={wanted}, taskset) or choose others")


def check_isolated(cpus, machine):
    isolated = parse_cpu_list(machine.read("/sys/devices/system/cpu/isolated"))
    if not cpus:
        return Finding("isolated CPUs", "", NOTE, f"{format_cpu_list(isolated) or 'none'}; --cpus LIST checks those "
                                                  "that you will give to EAL's -l")
    lacking = cpus - isolated
    if not lacking:
        return Finding("isolated CPUs", "", OK, f"{format_cpu_list(isolated)} run nothing else")
    words = format_cpu_list(cpus | isolated)
    advice, steps = kernel_command_line(machine, "isolated", f"isolcpus=managed_irq,domain,{words} nohz_full={words} "
                                                             f"rcu_nocbs={words}")
    return Finding("isolated CPUs", format_cpu_list(lacking), NOTE, "other work runs there too and shows as latency; "
                   + advice, steps)


def memlock_of(word, before):
    """KiB. pam_limits ignores a line whose value it cannot read."""
    if word in ("unlimited", "infinity", "-1"):
        return float("inf")
    return float(word) if re.fullmatch("[0-9]+", word) else before


def limit_from_file(machine, names):
    """Returns the memlock limit for logins of these names: KiB, infinity, or None."""
    limit = None
    for name in ["/etc/security/limits.conf", *machine.glob("/etc/security/limits.d/*.conf")]:
        for line in machine.read(name).splitlines():
            words = line.split("#")[0].split()
            if len(words) == 4 and words[0] in names and words[1] in ("hard", "-") and words[2] == "memlock":
                limit = memlock_of(words[3], limit)
    return limit


def check_user_memlock(user, groups, machine):
    limit = limit_from_file(machine, {user, "*", *(f"@{group}" for group in groups)})
    if limit == float("inf"):
        return Finding("memlock", user, OK, "unlimited, from the next login on")
    others = [line for line in machine.read(LIMITS_FILE).splitlines() if line.split()[:1] != [user]]
    text = "limited, and vfio locks all memory that a NIC may write to"
    return Finding("memlock", user, ACTION, text if limit is None else f"{text}: {limit:.0f} KiB",
                   (Write(LIMITS_FILE, "".join(f"{line}\n" for line in [*others, f"{user} - memlock unlimited"])),))


def check_root_memlock(machine):
    status = machine.read("/proc/self/status")
    effective = int(re.search(r"^CapEff:\s*([0-9a-f]+)", status, re.MULTILINE)[1], 16)
    user = int(re.search(r"^Uid:\s+\d+\s+(\d+)", status, re.MULTILINE)[1])
    if user != 0:
        return Finding("memlock", "root", OK, "no limit on the host; --user NAME checks who runs l2echo without sudo")
    if effective >> CAP_IPC_LOCK & 1 or resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY:
        return Finding("memlock", "root", OK, "unlimited")
    return Finding("memlock", "root", ACTION, "limited, and this root may not exceed it: start the container with "
                                              "--cap-add IPC_LOCK --ulimit memlock=-1")


def checks(cpus):
    return [functools.partial(check_cpuset, cpus), functools.partial(check_isolated, cpus)]
