#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The life of a real stoad: drop-ins that come and go, reload, drain, signals, the control socket.

usage: life.py BUILD-DIR SOURCE-DIR [unittest arguments]
"""
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

BUILD, SOURCE = sys.argv[1], sys.argv[2]
STOAD, STOACTL = os.path.join(BUILD, "stoad"), os.path.join(BUILD, "stoactl")
MODULES = os.path.join(BUILD, "modules")
DEADLINE = 30  # seconds for anything to happen; generous, since sanitizers are slow
PORT = 21130


class Daemon:
    """A stoad with a state directory and a configuration directory of its own."""

    def __init__(self, dropins, sets=(), args=()):
        self.dir = tempfile.mkdtemp(prefix="stoa-life-")
        self.state = os.path.join(self.dir, "state")
        self.conf_d = os.path.join(self.dir, "etc", "conf.d")
        os.makedirs(self.conf_d)
        for name, text in dropins.items():
            self.write(name, text)
        command = [STOAD, "--state", self.state, *args]
        if "--demo" not in args:
            command += ["--config", os.path.join(self.dir, "etc")]
        for s in sets:
            command += ["--set", s]
        self.log_path = os.path.join(self.dir, "log")
        self.out_path = os.path.join(self.dir, "out")
        with open(self.log_path, "wb") as log, open(self.out_path, "wb") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=log)

    def write(self, name, text):
        with open(os.path.join(self.conf_d, name), "w", encoding="utf-8") as f:
            f.write(text)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def out(self):
        with open(self.out_path, encoding="utf-8") as f:
            return f.read()

    def until(self, condition, what):
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            if condition():
                return
            if self.process.poll() is not None and not condition():
                raise AssertionError(f"stoad ended ({self.process.returncode}) before {what}\n{self.log()}")
            time.sleep(0.02)
        raise AssertionError(f"no {what} within {DEADLINE} s\n{self.log()}")

    def ready(self):
        self.until(lambda: ": ready after " in self.log(), "readiness")
        return self

    def ctl(self, *words):
        r = subprocess.run([STOACTL, "--state", self.state, "--json", *words], capture_output=True, text=True,
                           timeout=DEADLINE)
        return r.returncode, json.loads(r.stdout) if r.stdout else r.stderr

    def end(self, sig=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(sig)
        try:
            return self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"stoad did not end\n{self.log()}")

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.dir)


def shipped():
    """The drop-ins as packages install them, those whose module is built."""
    found = {}
    folder = os.path.join(SOURCE, "conf.d")
    for name in sorted(os.listdir(folder)):
        module = re.search(r"mod_\w+", name)
        if module and os.path.exists(os.path.join(MODULES, module[0] + ".so")):
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                found[name] = f.read()
    return found


class Case(unittest.TestCase):
    def start(self, dropins, **more):
        d = Daemon(dropins, **more)
        self.addCleanup(d.close)
        return d


# Ports out of the way of a daemon that may be running here.
PORT_SETS = [f"mod_http.listeners.test.address=127.0.0.1:{PORT}", f"mod_sfu.port={PORT + 1}"]


def ports(gone=None):
    """Those of the modules that are built and named."""
    return [s for s in PORT_SETS
            if os.path.exists(os.path.join(MODULES, s.split(".")[0] + ".so")) and not s.startswith(f"{gone}.")]


class DropIns(Case):
    def module_of(self, name):
        return re.search(r"mod_\w+", name)[0].removesuffix(".yaml")

    def test_all_then_without_each(self):
        all_of_them = shipped()
        self.assertTrue(all_of_them)
        provided_by = self.interfaces(all_of_them)
        for gone in [None, *all_of_them]:
            with self.subTest(gone=gone):
                left = {n: t for n, t in all_of_them.items() if n != gone}
                d = self.start(left, sets=ports(gone and self.module_of(gone)))
                d.ready()
                status, answer = d.ctl("status")
                self.assertEqual(status, 0)
                self.assertEqual(answer["phase"], "running")
                self.check_missing(gone, d, answer, provided_by)
                self.assertEqual(d.end(), 0, d.log())

    def interfaces(self, dropins):
        d = self.start(dropins, sets=ports()).ready()
        _, modules = d.ctl("module", "list")
        d.end()
        return {m["module"]: (m["provides"].split(), m["needs"].split()) for m in modules
                if m["state"] == "running"}

    def check_missing(self, gone, d, answer, provided_by):
        """Whoever needed an interface of the module that went is left out, by name, in status and log."""
        without = set(provided_by.get(self.module_of(gone), ((), ()))[0]) if gone else set()
        named = {r["module"]: r["reason"] for r in answer["reasons"]}
        for module, (_, needs) in provided_by.items():
            if gone and module != self.module_of(gone) and without & set(needs):
                self.assertIn(module, named)
                self.assertIn(next(i for i in needs if i in without), named[module])
                self.assertRegex(d.log(), rf"{module} left out: needs ")
        if gone and not without:
            self.assertNotIn(self.module_of(gone), d.log())

    def test_required_is_fatal(self):
        d = self.start({"a.yaml": "modules: { mod_metrics: { load: yes, required: yes } }\n"})
        self.assertEqual(d.process.wait(DEADLINE), 1)
        self.assertRegex(d.log(), r"a\.yaml:1:\d+: error: mod_metrics is required.*needs http/0")

    def test_not_installed_is_named(self):
        d = self.start({"a.yaml": "modules: { mod_hls: { load: yes } }\n"},
                       args=["--module-dir", tempfile.gettempdir()])
        d.ready()
        _, answer = d.ctl("status")
        self.assertIn("stoa-mod-hls", answer["reasons"][0]["reason"])
        self.assertRegex(d.log(), r"a\.yaml:1:\d+: mod_hls is not installed.*stoa-mod-hls")
        self.assertEqual(d.end(), 0)


class Reload(Case):
    GOOD = "core: { log-level: info, drain-timeout: 5s }\n"

    def test_bad_dropin_changes_nothing(self):
        d = self.start({"10-core.yaml": self.GOOD}).ready()
        _, before = d.ctl("config", "dump")
        d.write("10-core.yaml", "core: { log-level: debug, drain-timeout: 9s }\n")
        d.write("20-bad.yaml", "core:\n  drain-timeout: 5 parsecs\n  log-lewel: warn\n")
        d.process.send_signal(signal.SIGHUP)
        d.until(lambda: "reload refused, nothing was changed" in d.log(), "the refusal")
        self.assertRegex(d.log(), r"20-bad\.yaml:2:\d+: .*parsecs")
        self.assertRegex(d.log(), r"20-bad\.yaml:3:\d+: .*log-level")
        self.assertEqual(d.ctl("config", "dump")[1], before)
        status, answer = d.ctl("reload")
        self.assertEqual((status, answer["error"]), (1, "bad_configuration"))
        os.unlink(os.path.join(d.conf_d, "20-bad.yaml"))
        status, _ = d.ctl("reload")
        self.assertEqual(status, 0)
        self.assertNotEqual(d.ctl("config", "dump")[1], before)
        self.assertEqual(d.end(), 0)

    def test_broken_yaml(self):
        d = self.start({"10-core.yaml": self.GOOD}).ready()
        d.write("20-bad.yaml", "core: [\n")
        status, answer = d.ctl("config", "check")
        self.assertEqual(status, 1)
        self.assertRegex(answer["message"], r"20-bad\.yaml:\d+:\d+: error: ")
        self.assertEqual(d.ctl("status")[1]["phase"], "running")
        self.assertEqual(d.end(), 0)


class Life(Case):
    def test_signals(self):
        for sig in (signal.SIGTERM, signal.SIGINT):
            d = self.start({}).ready()
            self.assertEqual(d.end(sig), 0, d.log())
            self.assertIn("draining", d.log())
            self.assertFalse(os.path.exists(os.path.join(d.state, "control")))

    def test_stale_control_socket(self):
        d = self.start({}).ready()
        d.process.kill()
        d.process.wait()
        self.assertTrue(os.path.exists(os.path.join(d.state, "control")))
        again = subprocess.Popen([STOAD, "--state", d.state, "--config", os.path.join(d.dir, "etc")],
                                 stderr=subprocess.PIPE, text=True)
        self.addCleanup(again.kill)
        line = again.stderr.readline()
        self.assertIn("ready after", line)
        again.send_signal(signal.SIGTERM)
        self.assertEqual(again.wait(DEADLINE), 0)
        again.stderr.close()

    def test_two_daemons_one_state(self):
        d = self.start({}).ready()
        second = subprocess.run([STOAD, "--state", d.state, "--config", os.path.join(d.dir, "etc")],
                                capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual(second.returncode, 1)
        self.assertIn("another stoad uses the state directory", second.stderr)
        self.assertEqual(d.ctl("status")[0], 0)
        self.assertEqual(d.end(), 0)

    def test_drain_and_back(self):
        d = self.start({}).ready()
        self.assertEqual(d.ctl("drain")[1]["phase"], "draining")
        status, answer = d.ctl("status")
        self.assertFalse(answer["ready"])
        self.assertEqual(answer["reasons"][0]["what"], "draining")
        self.assertEqual(d.ctl("undrain")[1]["phase"], "running")
        self.assertTrue(d.ctl("status")[1]["ready"])
        self.assertEqual(d.ctl("drain", "--exit")[0], 0)
        self.assertEqual(d.process.wait(DEADLINE), 0)

    def test_notify(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "notify")
            manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            manager.bind(path)
            manager.settimeout(DEADLINE)
            os.environ["NOTIFY_SOCKET"] = path
            try:
                d = self.start({})
                self.assertEqual(manager.recv(64), b"READY=1")
                d.process.send_signal(signal.SIGTERM)
                self.assertEqual(manager.recv(64), b"STOPPING=1")
                self.assertEqual(d.process.wait(DEADLINE), 0)
            finally:
                del os.environ["NOTIFY_SOCKET"]
                manager.close()

    def test_demo(self):
        d = self.start({}, args=["--demo", "--port", str(PORT + 20)])
        d.until(lambda: d.out().endswith("\n"), "the ready line")
        self.assertEqual(d.out(), f"ready http://127.0.0.1:{PORT + 20}\n")
        self.assertIn("DEMO", d.log().upper())
        for folder, _, files in os.walk(d.state):
            for name in files:
                if "key" in folder:
                    mode = os.stat(os.path.join(folder, name)).st_mode & 0o777
                    self.assertEqual(mode, 0o600, name)
        self.assertEqual(d.end(), 0, d.log())
        self.assertEqual(d.out().count("\n"), 1)


class Drain(Case):
    """With a module that has work for ever."""

    ARGS = ["--module-dir", os.path.join(BUILD, "tests", "host", "modules")]

    def stubborn(self, timeout):
        d = self.start({"a.yaml": f"core: {{ drain-timeout: {timeout} }}\nmodules: {{ mod_stubborn: {{ load: yes }} }}\n"},
                       args=self.ARGS)
        return d.ready()

    def test_deadline(self):
        d = self.stubborn("100ms")
        self.assertEqual(d.end(), 0)
        self.assertIn("mod_stubborn: asked to drain within 100 ms", d.log())
        self.assertIn("mod_stubborn: drain deadline passed", d.log())

    def test_waits_until_done(self):
        d = self.stubborn("1h")
        d.process.send_signal(signal.SIGTERM)
        d.until(lambda: "asked to drain" in d.log(), "the drain")
        self.assertEqual(d.ctl("status")[1]["phase"], "draining")
        self.assertEqual(d.ctl("be", "done")[0], 0)
        self.assertEqual(d.process.wait(DEADLINE), 0)
        self.assertNotIn("deadline passed", d.log())

    def test_second_signal(self):
        d = self.stubborn("1h")
        d.process.send_signal(signal.SIGTERM)
        d.until(lambda: "asked to drain" in d.log(), "the drain")
        self.assertEqual(d.end(), 0)
        self.assertIn("stopping at once", d.log())

    def test_no_way_back(self):
        d = self.stubborn("1h")
        self.assertEqual(d.ctl("drain")[1], {"phase": "draining", "drained": False})
        status, answer = d.ctl("undrain")
        self.assertEqual((status, answer["error"]), (1, "cannot_undrain"))
        self.assertIn("mod_stubborn", answer["message"])
        d.ctl("be", "done")
        self.assertEqual(d.ctl("drain")[1], {"phase": "draining", "drained": True})
        self.assertEqual(d.end(), 0)


class Control(Case):
    def test_exit_statuses(self):
        d = self.start({}).ready()
        self.assertEqual(d.ctl("nonsense")[0], 2)
        self.assertEqual(d.ctl("config", "explain")[0], 2)
        self.assertEqual(d.ctl("config", "explain", "core.nothing")[0], 1)
        self.assertEqual(d.ctl("config", "explain", "core.log-level")[0], 0)
        self.assertEqual(d.ctl("log", "level", "debug")[1][0]["level"], "debug")
        self.assertEqual(d.ctl("log", "level", "mod_nowhere", "debug")[0], 1)
        names = [c["command"] for c in d.ctl("help")[1]]
        self.assertEqual(names, sorted(names))
        self.assertIn("config dump", names)
        self.assertEqual(d.end(), 0)
        self.assertEqual(d.ctl("status")[0], 3)

    @unittest.skipUnless(os.geteuid() == 0, "needs root to become somebody else")
    def test_other_users_are_refused(self):
        d = self.start({}).ready()
        os.chmod(d.dir, 0o755)
        os.chmod(d.state, 0o755)
        path = os.path.join(d.state, "control")
        os.chmod(path, 0o666)  # even where the file's mode would let them in
        child = os.fork()
        if child == 0:  # as nobody: what comes back, if anything, is the exit status
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            try:
                s = socket.socket(socket.AF_UNIX)
                s.settimeout(DEADLINE)
                s.connect(path)
                s.sendall(b'{"argv":["status"]}\n')
                os._exit(1 if s.recv(10) else 0)
            except ConnectionError:
                os._exit(0)
            except OSError:
                os._exit(2)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
        d.until(lambda: "control: refused" in d.log(), "the refusal in the log")
        self.assertEqual(d.ctl("status")[0], 0)
        self.assertEqual(d.end(), 0)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
