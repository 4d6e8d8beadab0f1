"""The number of usable cores: affinity, and CPU quotas of cgroups in a made-up folder tree."""

import math
import os
from pathlib import Path

import pytest

from tinygan.backend import cores, cpu

V1 = "31 23 0:28 {top} /sys/fs/cgroup/cpu rw,relatime shared:5 - cgroup cgroup rw,cpu,cpuacct"
V2 = "38 31 0:35 {top} /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw"


def tree(root, groups, mounts, files):
    """A folder tree in `root`. `files`: the text of each file, by its name in /sys/fs/cgroup."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(groups)
    (root / "proc/self/mountinfo").write_text("22 1 0:1 / / rw - ext4 /dev/a rw\n" + mounts)
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def v2(path="/a/b", top="/", **files):
    return f"0::{path}\n", V2.format(top=top), {k.replace("__", "/"): v for k, v in files.items()}


def v1(quota, period="100000\n", path="/a", top="/", folder="cpu/a"):
    names = (f"{folder}/cpu.cfs_quota_us", f"{folder}/cpu.cfs_period_us")
    groups = f"9:name=systemd:/x\n5:cpuset:/y\n1:cpu,cpuacct:{path}\n0::/\n"
    return groups, V1.format(top=top), dict(zip(names, (quota, period), strict=True))


TREES = {
    "version 2": (v2("/a", **{"a/cpu.max": "250000 100000\n"}), 2.5),
    "no quota": (v2("/a", **{"a/cpu.max": "max 100000\n"}), math.inf),
    "the group around it": (
        v2(**{"a/cpu.max": "50000 100000\n", "a/b/cpu.max": "400000 100000\n"}),
        0.5,
    ),
    "the top": (v2("/", **{"cpu.max": "300000 100000"}), 3),
    "not another group": (v2("/a", **{"b/cpu.max": "100000 100000"}), math.inf),
    "a container that sees its own group as the top": (
        v2("/docker/7", "/docker/7", **{"cpu.max": "200000 100000"}),
        2,
    ),
    "a group outside of the mount": (v2("/../..", **{"cpu.max": "200000 100000"}), 2),
    "version 1": (v1("150000\n"), 1.5),
    "version 1 without a quota": (v1("-1\n"), math.inf),
    "version 1 in a container": (v1("200000", path="/docker/7", top="/docker/7", folder="cpu"), 2),
    "nonsense": (v2("/a", **{"a/cpu.max": "many cores"}), math.inf),
    "one number": (v2("/a", **{"a/cpu.max": "100000"}), math.inf),
    "an empty file": (v2("/a", **{"a/cpu.max": ""}), math.inf),
    "a period of zero": (v1("100000", "0"), math.inf),
    "no files": (v2("/a"), math.inf),
    "lines that are no lines": (("x\n0:\n", "31 - cgroup2\n - \n", {}), math.inf),
    "a short mount": (("0::/\n", "31 - cgroup2\n", {}), math.inf),
}


@pytest.mark.parametrize("case", TREES)
def test_the_quota_of_a_tree_of_cgroups(tmp_path, case):
    arguments, expected = TREES[case]
    assert cores.quota(tree(tmp_path, *arguments)) == expected


def test_bytes_that_are_no_text_and_missing_files_are_no_quota(tmp_path):
    assert cores.quota(tmp_path) == math.inf
    root = tree(tmp_path / "a", *v2("/a", **{"a/cpu.max": ""}))
    (root / "sys/fs/cgroup/a/cpu.max").write_bytes(b"\xff\xfe")
    assert cores.quota(root) == math.inf
    (root / "proc/self/cgroup").write_bytes(b"\xff\xfe")
    cores.quota.cache_clear()
    assert cores.quota(root) == math.inf


@pytest.mark.parametrize(
    ("machine", "bound", "quota", "expected"),
    [(8, 4, math.inf, 4), (8, 8, 2.9, 2), (8, 8, 0.5, 1), (2, 2, 64.0, 2), (None, 1, math.inf, 1)],
)
def test_the_least_limit_counts_rounded_down_to_at_least_1(
    monkeypatch, machine, bound, quota, expected
):
    monkeypatch.setattr(os, "cpu_count", lambda: machine)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: range(bound), raising=False)
    monkeypatch.setattr(cores, "quota", lambda: quota)
    assert cores.cores() == cpu.cores() == expected


def test_without_affinity_the_machine_counts(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    monkeypatch.setattr(cores, "quota", lambda: math.inf)
    assert cores.cores() == 6


def test_this_machine_can_be_read():
    assert 1 <= cores.cores() <= (os.cpu_count() or 1) and cores.quota(Path("/")) > 0
