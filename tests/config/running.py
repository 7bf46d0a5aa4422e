#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Configuration of a stoad that runs: what stoactl shows of it, and reload. A bad drop-in changes
nothing, a good one changes what may be changed, the rest waits for a restart and says so.

usage: running.py STOAD STOACTL MODULE-DIRECTORY
"""
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TIME_LIMIT = 30
SAMPLE = """\
core:
  log-level: info
modules:
  mod_trial:
    load: yes
    workers: 3
    mode: slow
    key: file:{dir}/key
"""


class Daemon:
    def __init__(self, stoad, stoactl, modules):
        self.stoactl = stoactl
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="stoa-running-"))
        self.drop_in = self.dir / "conf/conf.d/50-trial.yaml"
        self.drop_in.parent.mkdir(parents=True)
        key = self.dir / "key"
        key.touch(0o600)
        key.write_text("hunter2")
        self.write(SAMPLE)
        self.log = open(self.dir / "log", "w+")
        self.process = subprocess.Popen(
            [stoad, "--module-dir", modules, "--state", self.dir / "state", "--config",
             self.dir / "conf"], stderr=self.log)
        self.wait_for("core: ready after")

    def write(self, text):
        self.drop_in.write_text(text.replace("{dir}", str(self.dir)))

    def text(self):
        return (self.dir / "log").read_text()

    def wait_for(self, what):
        until = time.monotonic() + TIME_LIMIT
        while what not in self.text():
            if time.monotonic() > until or self.process.poll() is not None:
                sys.exit(f"no \"{what}\" in:\n{self.text()}")
            time.sleep(0.01)

    def ctl(self, *words, ok=True):
        p = subprocess.run([self.stoactl, "--state", self.dir / "state", *words],
                           capture_output=True, text=True, timeout=TIME_LIMIT)
        check(f"stoactl {' '.join(words)} ends with {0 if ok else 1}", p.returncode == (not ok),
              p.stdout + p.stderr)
        return p.stdout + p.stderr

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(TIME_LIMIT)
        self.log.close()
        shutil.rmtree(self.dir)
        return code


failed, count = 0, 0


def check(what, ok, shown=""):
    global failed, count
    count += 1
    if not ok:
        failed += 1
        print(f"FAILED {what}", shown, sep="\n")


def has(what, text, *parts):
    for part in parts:
        check(f"{what}: {part}", part in text, text)


def look(d):
    place = f"{d.drop_in}:"
    dump = d.ctl("config", "dump", "--origin")
    has("dump", dump, "workers: 3", f"# {place}6:14", "# default", "key: <file:/")
    check("the dump does not show the secret", "hunter2" not in dump, dump)
    changed = d.ctl("config", "dump", "--changed")
    check("--changed leaves out defaults", "cache" not in changed and "mode: slow" in changed, changed)
    answer = json.loads(d.ctl("--json", "config", "dump"))
    check("JSON has no secret", "hunter2" not in json.dumps(answer))
    has("explain", d.ctl("config", "explain", "mod_trial.workers"),
        "modules.mod_trial.workers = 3\n", f"from {place}6:14\n", "integer, 1 to 64; default 2",
        "Threads at work.")
    has("explain of nothing", d.ctl("config", "explain", "mod_trial.wrokers", ok=False),
        "did you mean `workers`?")
    has("paths", d.ctl("config", "paths"), f"{d.drop_in}: read")


def reload_badly(d):
    """A mistake in one drop-in: nothing changes, core's level neither."""
    d.write(SAMPLE.replace("workers: 3", "wrokers: 3").replace("log-level: info", "log-level: debug"))
    has("refused reload", d.ctl("reload", ok=False), f"{d.drop_in}:6:5: error: unknown option",
        "        wrokers: 3\n", "        ^\n")
    has("config check", d.ctl("config", "check", ok=False), "did you mean `workers`?")
    d.process.send_signal(signal.SIGHUP)
    d.wait_for("reload refused")
    has("log of a refused reload", d.text(), f"core: {d.drop_in}:6:5: unknown option `wrokers`")
    has("dump", d.ctl("config", "dump"), "workers: 3", "log-level: info")


def reload_well(d):
    d.write(SAMPLE.replace("workers: 3", "workers: 9").replace("log-level: info", "log-level: debug"))
    has("diff", d.ctl("config", "diff"), "modules.mod_trial.workers: 3 -> 9", "needs restart",
        "core.log-level: info -> debug (")
    has("reload", d.ctl("reload"), f"{d.drop_in}:6:14: warning: `modules.mod_trial.workers` needs "
        "restart")
    dump = d.ctl("config", "dump")
    has("dump", dump, "log-level: debug")
    check("what needs restart is kept, and what the file says is shown",
          re.search(r"workers: 3 +# \S+:6:14 says 9: needs restart", dump), dump)


def main():
    d = Daemon(*(pathlib.Path(a).resolve() for a in sys.argv[1:4]))
    try:
        look(d)
        reload_badly(d)
        reload_well(d)
    finally:
        code = d.stop()
    check("it ends well", code == 0, str(code))
    print(f"{count} checks, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
