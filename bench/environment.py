"""The environment of the figures: machine, system, libraries, source."""

import datetime
import os
import pathlib
import re
import subprocess


def output_of(*command):
    """The output; empty if the program is missing or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def content_of(path):
    try:
        return pathlib.Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def first_match(pattern, text):
    found = re.search(pattern, text, re.MULTILINE)
    return found.group(1).strip() if found else None


def git(*arguments):
    # The tree may belong to the user who called sudo.
    return output_of("git", "-c", "safe.directory=*", *arguments)


def describe_commit():
    commit = git("rev-parse", "--short=12", "HEAD")
    if not commit:
        return "unknown"
    return commit + (" with changes" if git("status", "--porcelain", "--untracked-files=no") else "")


def describe_machine(lab):
    cpuinfo, caches = content_of("/proc/cpuinfo"), output_of("lscpu")
    return {
        "cpu": first_match(r"^model name\s*: (.*)", cpuinfo) or os.uname().machine,
        "cpus": len(lab.cpus),
        "l2_cache": first_match(r"^L2 cache:\s*(.*)", caches),
        "l3_cache": first_match(r"^L3 cache:\s*(.*)", caches),
        "hypervisor": first_match(r"^Hypervisor vendor:\s*(.*)", caches),
        "governor": content_of("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") or "unknown",
        "isolated_cpus": content_of("/sys/devices/system/cpu/isolated") or "none",
        "cpu_mhz_at_start": first_match(r"^cpu MHz\s*: (.*)", cpuinfo),
        "kernel": os.uname().release,
        "system": first_match(r'^PRETTY_NAME="(.*)"', content_of("/etc/os-release")),
        "dpdk": output_of("pkg-config", "--modversion", "libdpdk") or "unknown",
        "testpmd": output_of("dpkg-query", "--show", "--showformat=${Version}", "dpdk-dev") or "unknown",
        "root": os.geteuid() == 0,
        "compiler": first_match(r"^(.*)$", output_of("c++", "--version")),
        "places": {"worker": lab.echo_cpu, "main_lcore_or_probe": lab.other_cpu},
    }


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
