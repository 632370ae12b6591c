"""The installed units on a booted machine: start, frames, stop, failures, drop-ins."""

import json
import re

import pytest

MEMIF, PROBE = "l2echo@memif.service", "l2echo-probe@memif.service"
DROP_INS = "/usr/share/doc/l2echo/examples/drop-ins"
NULL = ('eal = ["--no-huge", "-m", "64", "--no-pci", "--lcores", "0@0", "--vdev", "{device}"]\n'
        'idle = "sleep"\nlink-wait = "0s"\n')
NET_ADMIN, NET_RAW, IPC_LOCK, SYS_ADMIN = 1 << 12, 1 << 13, 1 << 14, 1 << 21


def probe(host, unit=PROBE):
    """Runs the probe's unit; returns its result."""
    host.run(f"systemctl start {unit}")
    return json.loads([line for line in host.journal(unit).splitlines() if line.startswith("{")][-1])


def add_drop_in(host, name, drop_in):
    host.run(f"install -D -m 644 {DROP_INS}/{drop_in} /etc/systemd/system/l2echo@{name}.service.d/{drop_in}"
             " && systemctl daemon-reload")


def process_status(host, unit):
    text = host.run(f"cat /proc/{host.show(unit, 'MainPID')}/status")
    return dict(re.findall(r"^(\w+):\s+(.*)$", text, re.MULTILINE))


def test_installation_starts_and_enables_nothing(host):
    assert host.run("systemctl list-units --no-legend --all 'l2echo*'").strip() == ""
    assert "enabled" not in host.run("systemctl list-unit-files --no-legend 'l2echo*' | awk '{print $2}'").split()
    assert host.run("systemctl is-system-running").strip() == "running"


def test_programs_may_take_the_capability_that_a_nic_needs(host):
    found = host.run("getcap /usr/bin/l2_echo /usr/bin/l2_multi_echo /usr/bin/l2_probe")
    assert re.findall(r"cap_ipc_lock=p", found) == ["cap_ipc_lock=p"] * 3, found


def test_units_are_valid_and_hardened(host):
    units = f"{MEMIF} l2echo-bind@nic.service {PROBE} l2echo-probe@memif.timer"  # a colon has a meaning of its own here
    assert host.run(f"systemd-analyze verify --man=no {units}").strip() == ""
    for unit in (MEMIF, PROBE):
        host.run(f"systemd-analyze security --threshold=20 {unit}")


def test_far_end_runs_as_its_own_user_and_returns_every_frame(host, far_end):
    unit = far_end("memif")
    status = process_status(host, unit)
    assert status["Uid"].split()[0] == host.run("id --user l2echo").strip() != "0"
    assert (status["NoNewPrivs"], int(status["CapBnd"], 16), int(status["CapEff"], 16)) == ("1", IPC_LOCK, IPC_LOCK)
    assert "Ready: echoing" in host.journal(unit)
    assert host.show(unit, "StatusText") != ""
    result = probe(host)
    assert (result["sent"], result["lost"], result["corrupted"]) == (10000, 0, 0)


def test_stop_is_clean_and_leaves_nothing(host, far_end):
    unit = far_end("memif")
    host.run("test -S /run/l2echo/memif/control")
    host.run(f"systemctl stop {unit}")
    assert [host.show(unit, name) for name in ("Result", "ExecMainStatus", "ActiveState")] == [
        "success", "0", "inactive"]
    assert host.run("ls -A /run/l2echo").strip() == ""


def test_killed_far_end_is_started_again(host, far_end):
    unit = far_end("memif")
    first = host.show(unit, "MainPID")
    host.run(f"kill -KILL {first}")
    host.wait_for(unit, "NRestarts", "1")
    host.wait_for(unit, "ActiveState", "active")
    assert host.show(unit, "MainPID") != first
    assert probe(host)["lost"] == 0


def test_fault_in_the_file_is_reported_and_not_tried_again(host):
    host.write("/etc/l2echo/wrong.toml", "no-such-key = 1\n")
    unit = "l2echo@wrong.service"
    assert host.try_run(f"systemctl start {unit}")[0] != 0
    assert [host.show(unit, name) for name in ("ActiveState", "ExecMainStatus", "NRestarts")] == ["failed", "2", "0"]
    assert "/etc/l2echo/wrong.toml:1:" in host.journal(unit)
    host.run(f"systemctl reset-failed {unit}")


def test_reload_applies_the_file_and_refuses_a_wrong_one(host, far_end):
    config = NULL.format(device="net_ring0")
    unit = far_end("reloaded", **{"/etc/l2echo/reloaded.toml": config})
    first = host.show(unit, "MainPID")
    host.write("/etc/l2echo/reloaded.toml", config + 'max-rate = "1Mpps"\n')
    host.run(f"systemctl reload {unit}")
    host.write("/etc/l2echo/reloaded.toml", config + 'max-rate = "much"\n')
    assert host.try_run(f"systemctl reload {unit}")[0] != 0
    assert (host.show(unit, "ActiveState"), host.show(unit, "MainPID")) == ("active", first)


def test_environment_file_adds_options(host, far_end):
    unit = far_end("short", **{"/etc/l2echo/short.toml": NULL.format(device="net_ring0"),
                               "/etc/l2echo/short.env": "L2ECHO_OPTIONS=--duration 100ms --raw\n"})
    host.wait_for(unit, "ActiveState", "inactive")
    assert host.show(unit, "Result") == "success"


def test_two_instances_run_beside_each_other(host, far_end):
    units = [far_end(name, **{f"/etc/l2echo/{name}.toml": NULL.format(device="net_ring0")}) for name in ("one", "two")]
    assert [host.show(unit, "ActiveState") for unit in units] == ["active", "active"]


def test_instance_without_a_nic_needs_no_privileges(host, far_end):
    add_drop_in(host, "memif", "no-nic.conf")
    unit = far_end("memif")
    assert int(process_status(host, unit)["CapBnd"], 16) == 0
    assert probe(host)["lost"] == 0
    host.run("rm -r /etc/systemd/system/l2echo@memif.service.d && systemctl daemon-reload")


def test_tap_needs_its_drop_in(host, far_end):
    if host.try_run("test -c /dev/net/tun")[0] != 0:
        pytest.skip("this machine has no /dev/net/tun")
    host.write("/etc/l2echo/tap.toml", NULL.format(device="net_tap0,iface=dtap0"))
    add_drop_in(host, "tap", "tap.conf")
    unit = far_end("tap")
    assert "dtap0" in host.run("ip -brief link")
    assert process_status(host, unit)["Uid"].split()[0] != "0"


def add_veth(host, far, near):
    host.run(f"ip link add {far} type veth peer name {near} && ip link set {far} up && ip link set {near} up")


def probe_interface(host, interface):
    """Sends frames to this interface, and asserts that each comes back."""
    # The driver's fan-out group is the process id XOR the interface index, so the two programs may have the same.
    for _ in range(3):
        status, output = host.try_run(
            f"l2_probe --no-huge -m 64 --no-pci --no-shconf --lcores 0@0 --vdev net_af_packet0,iface={interface} -- "
            "--count 100 --rate 1kpps --require-loss 0")
        if "same fan-out group" not in output:
            break
    assert status == 0, output


def test_af_packet_needs_its_drop_in(host, far_end):
    add_veth(host, "far", "near")
    host.write("/etc/l2echo/veth.toml", NULL.format(device="net_af_packet0,iface=far"))
    add_drop_in(host, "veth", "af_packet.conf")
    far_end("veth")
    probe_interface(host, "near")


def test_af_xdp_needs_its_drop_in(host, far_end):
    if host.try_run("ls /usr/lib/*/bpf/xsk_def_xdp_prog.o")[0] != 0:
        pytest.skip("libxdp has no programs here")
    add_veth(host, "far-xdp", "near-xdp")
    host.write("/etc/l2echo/xdp.toml", NULL.format(device="net_af_xdp0,iface=far-xdp"))
    unit = "l2echo@xdp.service"
    assert host.try_run(f"systemctl start {unit}")[0] != 0
    assert "needs CAP_NET_RAW, CAP_NET_ADMIN and CAP_SYS_ADMIN" in host.journal(unit)
    host.run(f"systemctl stop {unit}")
    add_drop_in(host, "xdp", "af_xdp.conf")
    far_end("xdp")
    assert int(process_status(host, unit)["CapBnd"], 16) == IPC_LOCK | NET_RAW | NET_ADMIN | SYS_ADMIN
    assert "prog/xdp" in host.run("ip link show far-xdp"), "frames pass the kernel's stack by"
    probe_interface(host, "near-xdp")
    host.run(f"systemctl stop {unit}")
    assert "prog/xdp" not in host.run("ip link show far-xdp")


def test_probe_fails_when_its_requirement_is_not_met(host, far_end):
    far_end("memif")
    host.run("sed 's/^require-loss.*/require-p99 = \"1us\"/' /etc/l2echo/probe-memif.toml "
             ">/etc/l2echo/probe-strict.toml")
    unit = "l2echo-probe@strict.service"
    assert host.try_run(f"systemctl start {unit}")[0] != 0
    assert host.show(unit, "ExecMainStatus") == "1"
    host.run(f"systemctl reset-failed {unit}")


def test_timer_repeats_the_probe(host):
    host.run("systemctl start l2echo-probe@memif.timer")
    assert host.show("l2echo-probe@memif.timer", "NextElapseUSecRealtime") != ""
    host.run("systemctl stop l2echo-probe@memif.timer")


def test_bind_unit_says_why_it_cannot_bind(host):
    unit = "l2echo-bind@0000:77:00.0.service"
    assert host.try_run(f"systemctl start {unit}")[0] != 0
    assert "no PCI device is at 0000:77:00.0" in host.journal(unit)
    host.run(f"systemctl reset-failed {unit}")
