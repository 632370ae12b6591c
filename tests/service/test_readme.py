"""README's way from the package to a far end that can be scraped, as it is typed, on a minimal system."""

import pathlib
import re

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def commands():
    text = (SOURCE / "README.md").read_text(encoding="utf-8")
    section = text[text.index("## Install\n"):]
    return re.search(r"```sh\n(.*?)```", section, re.DOTALL)[1]


def test_three_lines_lead_to_a_scraped_far_end(fresh_host):
    script = commands()
    assert len(script.splitlines()) == 3 and script.startswith("sudo apt install ./build-package/l2echo_*.deb\n")
    # The user is root, and has no sudo. Nobody is there who could confirm the installation.
    fresh_host.run("mkdir -p /root/l2echo && ln -s /packages /root/l2echo/build-package && "
                   "printf '#!/bin/sh\\nexec \"$@\"\\n' >/usr/local/bin/sudo && chmod 755 /usr/local/bin/sudo && "
                   "echo 'APT::Get::Assume-Yes \"true\";' >/etc/apt/apt.conf.d/yes")
    printed = fresh_host.run(f"cd /root/l2echo && {script}")
    assert re.search(r'^l2echo_build_info\{version="[^"]+",dpdk="DPDK [^"]+"\} 1$', printed, re.MULTILINE), printed
    assert fresh_host.show("l2echo@memif.service", "ActiveState") == "active"
    assert fresh_host.run("systemctl is-enabled l2echo@memif.service").strip() == "enabled"
    samples = dict(line.rsplit(" ", 1) for line in fresh_host.run("curl --silent http://127.0.0.1:9464/metrics").split("\n")
                   if line and not line.startswith("#"))
    assert samples["l2echo_ready"] == "0", "no peer is connected to the memif"
    assert samples['l2echo_port_state{port="0",l2echo_port_state="armed"}'] == "1"
