#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every file of mistakes/ is started as the configuration of the real stoad and must be refused:
exit code 1, exactly one error, at the place and with the words that the file itself states, and
nothing started. A file states this in comment lines:

  #: want LINE:COL MESSAGE   the one error; FILE:LINE:COL MESSAGE when it is not in this file
  #: args ARGUMENT...        more arguments for stoad
  #: file PATH MODE CONTENT  a file below the run's own directory, which {dir} stands for
  #: setup NAME              a function of this script, for what cannot be written in a file
  #: stateless               no --state: the state directory is what is wrong
  #: module NAME             skipped, loudly, when this module is not in the module directory
  #: needs root | user       skipped, loudly, when run as somebody else

{dir} is the run's directory (and $CREDENTIALS_DIRECTORY), {modules} the module directory, {port} a
port that is taken, {uid} the user's number.

usage: mistakes.py STOAD MODULE-DIRECTORY DIRECTORY-OF-MISTAKES [NAME...]
"""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile

TIME_LIMIT = 20


class Case:
    def __init__(self, path):
        self.path = path
        self.want, self.args, self.files, self.setup, self.needs = None, [], [], None, None
        self.stateless, self.module = False, None
        for line in path.read_bytes().decode("utf-8", "replace").splitlines():
            if not line.startswith("#: "):
                continue
            word, _, rest = line[3:].partition(" ")
            if word == "want":
                self.want = rest
            elif word == "args":
                self.args += rest.split()
            elif word == "file":
                self.files.append(rest.split(" ", 2))
            elif word == "setup":
                self.setup = rest
            elif word == "module":
                self.module = rest
            elif word == "stateless":
                self.stateless = True
            elif word == "needs":
                self.needs = rest
            else:
                sys.exit(f"{path}: unknown directive {word}")
        if not self.want:
            sys.exit(f"{path}: states no `#: want`")


# ---- set-up that files cannot state: each gets the run, may return something to close later ----

def take_port(run):
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(1)
    run.words["port"] = str(s.getsockname()[1])
    return s


def take_udp_port(run):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))
    run.words["port"] = str(s.getsockname()[1])
    return s


def large_file(run):
    (run.dir / "large.yaml").write_bytes(b"# fifteen bytes\n" * 65536 + b"#")


def drop_in_directory(run):
    (run.dir / "etc/stoa/conf.d/50-x.yaml").mkdir(parents=True)


def drop_in_fifo(run):
    (run.dir / "etc/stoa/conf.d").mkdir(parents=True)
    os.mkfifo(run.dir / "etc/stoa/conf.d/50-x.yaml")


def foreign_key(run):
    key = run.dir / "foreign"
    key.write_text("s3cret")
    key.chmod(0o600)
    os.chown(key, 12345, 12345)


SETUPS = {f.__name__: f for f in (take_port, take_udp_port, large_file, drop_in_directory, drop_in_fifo,
                                  foreign_key)}


class Run:
    """One start of stoad in a directory of its own."""

    def __init__(self, stoad, modules, case):
        self.stoad, self.modules, self.case = stoad, modules, case
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="stoa-mistake-"))
        self.words = {"dir": str(self.dir), "modules": str(modules), "uid": str(os.geteuid())}

    def fill(self, text):
        return re.sub(r"\{(\w+)\}", lambda m: self.words.get(m[1], m[0]), text)

    def prepare(self):
        for path, mode, content in self.case.files:
            f = self.dir / path
            f.parent.mkdir(parents=True, exist_ok=True)
            f.write_text(self.fill(content).encode().decode("unicode_escape"))
            f.chmod(int(mode, 8))
        held = SETUPS[self.case.setup](self) if self.case.setup else None
        config = self.dir / self.case.path.name
        text = self.case.path.read_bytes()
        config.write_bytes(re.sub(rb"\{(dir|port)\}", lambda m: self.fill(m[0].decode()).encode(),
                                  text))
        return held

    def start(self):
        args = [self.fill(a) for a in self.case.args]
        if "--config" not in args and "--root" not in args:
            args = ["--config", self.case.path.name] + args
        if not self.case.stateless:
            args = ["--state", self.dir / "state"] + args
        env = {**os.environ, "CREDENTIALS_DIRECTORY": str(self.dir)}
        return subprocess.run(
            [self.stoad, "--module-dir", self.modules] + args,
            cwd=self.dir, env=env, capture_output=True, timeout=TIME_LIMIT, text=True,
            errors="replace")

    def judge(self, p):
        """What is wrong with the answer; nothing when it is as stated."""
        wrong = []
        want = self.fill(self.case.want)
        place, _, message = want.partition(" ")
        if place.count(":") == 1:
            place = f"{self.case.path.name}:{place}"
        want = f"{place}: error: {message}"
        errors = [line for line in p.stderr.splitlines() if re.search(r"(^|: )error: ", line)]
        if errors != [want]:
            wrong.append(f"  wanted {want}")
            wrong += [f"     got {line}" for line in errors or ["no error"]]
        if p.returncode != 1:
            wrong.append(f"  exit code {p.returncode}, not 1")
        if re.search(r"\bready\b", p.stdout + p.stderr):
            wrong.append("  it was ready")
        if (self.dir / "state/control").exists():
            wrong.append("  a control socket is left")
        lines = p.stderr.splitlines()
        if errors == [want] and place.startswith(self.case.path.name):
            at = lines.index(want)
            caret = lines[at + 2] if len(lines) > at + 2 else ""
            if not re.fullmatch(r"\s*\^", caret):
                wrong.append("  no caret below the source line")
        return wrong

    def close(self):
        for d, _, _ in os.walk(self.dir):
            os.chmod(d, 0o700)
        shutil.rmtree(self.dir)


def skipped(case, modules):
    if case.module and not (modules / f"{case.module}.so").exists():
        return f"{case.module} is not built"
    if case.needs == "root" and os.geteuid() != 0:
        return "needs root"
    if case.needs == "user" and os.geteuid() == 0:
        return "root may do what is forbidden here"
    return None


def main():
    stoad, modules, cases = (pathlib.Path(a).resolve() for a in sys.argv[1:4])
    paths = sorted(p for p in cases.iterdir() if p.suffix == ".yaml")
    paths = [p for p in paths if len(sys.argv) < 5 or p.stem in sys.argv[4:]]
    bad, skips = 0, 0
    for path in paths:
        case = Case(path)
        reason = skipped(case, modules)
        if reason:
            skips += 1
            print(f"SKIPPED {path.stem}: {reason}")
            continue
        run = Run(stoad, modules, case)
        try:
            held = run.prepare()
            p = run.start()
            wrong = run.judge(p)
            if held:
                held.close()
        except subprocess.TimeoutExpired:
            wrong = [f"  still running after {TIME_LIMIT} s"]
        finally:
            run.close()
        if wrong:
            bad += 1
            print(f"FAILED {path.stem}", *wrong, sep="\n")
    done = len(paths) - skips
    print(f"{done} mistakes, {bad} not answered as stated, {skips} skipped")
    return 1 if bad or done < 1 else 0


if __name__ == "__main__":
    sys.exit(main())
