#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The drop-ins of conf.d/ as packages install them: together they are free of mistakes and of
warnings, and with any one of them removed stoad still gets ready, says what is missing, and leaves
when it is told to.

usage: dropins.py STOAD MODULE-DIRECTORY CONF.D
"""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

TIME_LIMIT = 30


def free_ports(n):
    """Numbers of n UDP and TCP ports in a row, free a moment ago."""
    for base in range(21040, 21090, n):
        try:
            for i in range(n):
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    with socket.socket(socket.AF_INET, kind) as s:
                        s.bind(("127.0.0.1", base + i))
            return base
        except OSError:
            continue
    sys.exit("no free ports")


class Root:
    """A directory for --root that holds the drop-ins at their place."""

    def __init__(self, drop_ins):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="stoa-dropins-"))
        there = self.dir / "usr/share/stoa/conf.d"
        there.mkdir(parents=True)
        for path in drop_ins:
            shutil.copy(path, there)

    def __enter__(self):
        return self.dir

    def __exit__(self, *_):
        shutil.rmtree(self.dir)


def module_of(drop_in):
    return drop_in.stem.removeprefix("50-")


def settings():
    port = free_ports(2)
    values = {
        "core.control-socket": "control",
        "mod_http.listeners.test.address": f"127.0.0.1:{port}",
        "mod_sfu.port": port + 1,
        "mod_sfu.workers": 1,
        "mod_sfu.bind": "[127.0.0.1]",
    }
    return [word for key, value in values.items() for word in ("--set", f"{key}={value}")]


def check_all(stoad, modules, drop_ins):
    with Root(drop_ins) as root:
        p = subprocess.run([stoad, "--module-dir", modules, "--check-config", "--root", root],
                           capture_output=True, text=True, timeout=TIME_LIMIT)
    findings = re.findall(r".*(?:error|warning): .*", p.stderr)
    if p.returncode == 0 and not findings:
        return 0
    print(f"FAILED all drop-ins together: exit code {p.returncode}", *findings, sep="\n  ")
    return 1


def run_without(stoad, modules, drop_ins, missing):
    """Starts without one drop-in; the log, and what is wrong with it."""
    module = module_of(missing)
    with Root(d for d in drop_ins if d != missing) as root:
        p = subprocess.Popen([stoad, "--module-dir", modules, "--root", root] + settings(),
                             stderr=subprocess.PIPE, text=True)
        log = []
        signal.alarm(TIME_LIMIT)
        try:
            for line in p.stderr:
                log.append(line.rstrip())
                if re.search(r"core: ready after", line):
                    break
            ready = p.poll() is None
            p.send_signal(signal.SIGTERM)
            log += p.stderr.read().splitlines()
            code = p.wait()
        finally:
            signal.alarm(0)
            if p.poll() is None:
                p.kill()
                p.wait()
    wrong = []
    if not ready:
        wrong.append("it did not get ready")
    if code != 0:
        wrong.append(f"exit code {code}")
    if any(re.search(rf"\b{module}: ", line) for line in log):
        wrong.append(f"{module} took part")
    return log, wrong


def says_why(log, needed_by):
    """Each module that needs the missing one says so, once."""
    lines = [line for line in log if "left out" in line]
    return [f"{n} does not say that it is left out" for n in needed_by
            if sum(f"{n} left out: " in line for line in lines) != 1]


# Who cannot be without whom, as the modules declare it.
NEEDED_BY = {
    "mod_http": ["mod_livekit", "mod_metrics", "mod_signaling", "mod_web"],
    "mod_auth": ["mod_livekit", "mod_signaling"],
    "mod_storage_sqlite": ["mod_signaling"],
    "mod_sfu": ["mod_livekit", "mod_signaling"],
}


def main():
    stoad, modules, conf_d = (pathlib.Path(a).resolve() for a in sys.argv[1:4])
    built = {p.stem for p in modules.glob("mod_*.so")}
    drop_ins = []
    for path in sorted(conf_d.glob("*.yaml")):
        if module_of(path) in built:
            drop_ins.append(path)
        else:
            print(f"SKIPPED {path.name}: its module is not built")
    bad = check_all(stoad, modules, drop_ins)
    for path in drop_ins:
        log, wrong = run_without(stoad, modules, drop_ins, path)
        wrong += says_why(log, [n for n in NEEDED_BY.get(module_of(path), []) if n in built])
        if wrong:
            bad += 1
            print(f"FAILED without {path.name}", *wrong, *log, sep="\n  ")
    print(f"{len(drop_ins)} drop-ins, {bad} failures")
    return 1 if bad or not drop_ins else 0


if __name__ == "__main__":
    sys.exit(main())
