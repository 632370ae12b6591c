"""The packages on a booted machine: upgrade while frames flow, removal, purge. The cases follow each other."""

import json

MEMIF, PROBE = "l2echo@memif.service", "l2echo-probe@long.service"
NEXT_VERSION = "9.0"
# From a minimal system: what a file of configuration or a running unit could leave.
PLACES = "/etc /run /usr /var/lib/systemd /tmp"


def files(host):
    """Every file and folder outside of what the package manager and the system write by themselves."""
    found = host.run(f"find {PLACES} -xdev -not -path '/run/systemd/*' -not -path '/run/udev/*' | sort").splitlines()
    return {name for name in found if "l2echo" in name or "l2_" in name or name.startswith("/etc/")}


def build_next_version(host, packages):
    """Returns the paths of packages that differ in their version and in a document."""
    built = []
    for package in packages:
        name = package.rpartition("/")[2].partition("_")[0]
        host.run(f"rm -rf /tmp/next && dpkg-deb --raw-extract {package} /tmp/next && cd /tmp/next && "
                 f"sed -i -E 's/^Version: .*/Version: {NEXT_VERSION}/; "
                 f"s/l2echo \\(= [^)]*\\)/l2echo (= {NEXT_VERSION})/' DEBIAN/control && "
                 f"echo next >usr/share/doc/{name}/next && "
                 f"dpkg-deb -Znone --build --root-owner-group /tmp/next /tmp/{name}_next.deb")
        built.append(f"/tmp/{name}_next.deb")
    return built


def test_upgrade_leaves_a_running_far_end_alone(fresh_host, packages):
    host = fresh_host
    host.before = files(host)
    host.install(*packages)
    host.run("systemctl enable --now l2echo@memif.service")
    host.run("sed 's/^count.*/duration = \"5min\"/' /etc/l2echo/probe-memif.toml >/etc/l2echo/probe-long.toml")
    pid = host.show(MEMIF, "MainPID")
    next_packages = build_next_version(host, packages)

    host.run(f"systemctl start --no-block {PROBE}")
    host.wait_for(PROBE, "SubState", "start")
    host.install(*next_packages)
    assert host.show(PROBE, "ActiveState") == "activating", "frames flowed during the whole upgrade"
    assert host.show(MEMIF, "MainPID") == pid
    assert host.run("cat /usr/share/doc/l2echo/next").strip() == "next"
    assert host.show(MEMIF, "NeedDaemonReload") == "no"
    host.run(f"systemctl stop {PROBE}; systemctl reset-failed {PROBE}")  # a run that is cut short has failed
    result = json.loads([line for line in host.journal(PROBE).splitlines() if line.startswith("{")][-1])
    assert result["sent"] > 10_000 and (result["lost"], result["corrupted"]) == (0, 0)
    assert (result["ended"], host.show(MEMIF, "MainPID")) == ("signal", pid)
    host.run(f"systemctl restart {MEMIF}")
    assert host.show(MEMIF, "MainPID") != pid
    assert "cap_ipc_lock=p" in host.run("getcap /usr/bin/l2_multi_echo")


def test_removal_stops_what_runs_and_keeps_the_configuration(fresh_host):
    host = fresh_host
    host.run("systemctl start l2echo-probe@memif.timer")
    host.run("DEBIAN_FRONTEND=noninteractive apt-get remove --yes l2echo")
    assert host.run("pgrep -c 'l2_' || true").strip() == "0"
    assert host.show(MEMIF, "ActiveState") == "inactive"
    assert host.run("systemctl list-units --no-legend 'l2echo*'").strip() == ""
    host.run("test -e /etc/l2echo/memif.toml && test -e /etc/l2echo/probe-long.toml && test ! -e /run/l2echo")


def test_purge_leaves_nothing(fresh_host):
    host = fresh_host
    host.run("DEBIAN_FRONTEND=noninteractive apt-get purge --yes l2echo l2echo-tools && rm -rf /tmp/*.deb /tmp/next")
    left = files(host) - host.before
    assert left <= {"/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-"}, left
    assert host.try_run("getent passwd l2echo || getent group l2echo")[0] != 0
    assert host.run("systemctl is-system-running").strip() == "running"
