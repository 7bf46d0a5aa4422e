#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Drives a real stoad with mod_http and mod_httptest over sockets of its own.

usage: http_test.py STOAD MODULE_DIR PORT [TEST...]

Every test is a function test_*; each gets the daemon and says what is false with an assertion.
Standard library only; HTTP/2 is driven by curl. Nothing here depends on how fast the machine is:
time-outs are upper bounds after which the test has failed anyway."""

import base64
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

STOAD, MODULES, PORT = sys.argv[1], sys.argv[2], int(sys.argv[3])
PLAIN, TLS = PORT, PORT + 1
LIMITED = PORT + 2
PATIENCE = int(os.environ.get("STOA_TEST_PATIENCE", "60"))


def make_certificate(path, name):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=" + name,
         "-keyout", path + "/key.pem", "-out", path + "/cert.pem"],
        check=True, capture_output=True)


class Daemon:
    """One stoad with a configuration, until stop()."""

    def __init__(self, options="", port_shift=0, httptest=True):
        self.dir = tempfile.mkdtemp(prefix="stoa-http-")
        self.plain, self.tls = PLAIN + port_shift, TLS + port_shift
        make_certificate(self.dir, "one.example")
        files = self.dir + "/files"
        os.makedirs(files + "/sub")
        os.makedirs(files + "/.hidden")
        for name, content in {
            "index.html": b"<html>app</html>", "a.txt": b"0123456789", "sub/index.html": b"sub",
            ".hidden/x": b"secret", "app.js": b"x" * 5000, "app.js.gz": b"gz-bytes",
            "app.js.br": b"br-bytes", "name with space.txt": b"space",
        }.items():
            with open(files + "/" + name, "wb") as f:
                f.write(content)
        with open(files + "/big.bin", "wb") as f:
            f.write(os.urandom(3 << 20))
        with open(self.dir + "/outside.txt", "w") as f:
            f.write("outside")
        os.symlink("../outside.txt", files + "/link.txt")
        conf = f"""
core:
  log-level: info
modules:
  mod_http:
    load: yes
    required: yes
    edge-threads: 2
    cors-origins: ["https://app.example"]
    access-log: yes
    listeners:
      plain: {{ address: "127.0.0.1:{self.plain}" }}
      tls:
        address: "127.0.0.1:{self.tls}"
        tls-certificate: {self.dir}/cert.pem
        tls-key: {self.dir}/key.pem
{options}
"""
        if httptest:
            conf += f"""
  mod_httptest:
    load: yes
    files: {files}
    file: {files}/big.bin
"""
        self.conf = self.dir + "/stoa.yaml"
        with open(self.conf, "w") as f:
            f.write(conf)
        self.log = open(self.dir + "/log", "w+")
        self.process = subprocess.Popen(
            [STOAD, "--config", self.conf, "--state", self.dir + "/state",
             "--module-dir", MODULES], stdout=self.log, stderr=self.log)
        self.wait_for_log("ready after")

    def read_log(self):
        with open(self.dir + "/log", errors="replace") as f:
            return f.read()

    def wait_for_log(self, text):
        wait_until(lambda: text in self.read_log() or self.process.poll() is not None)
        assert text in self.read_log(), self.read_log()

    def stop(self):
        """Ends it in order; a sanitizer's finding or a crash is a failure."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError("stoad did not stop\n" + self.read_log())
        log = self.read_log()
        assert code == 0, f"exit {code}\n{log}"
        assert "ERROR: " not in log and "runtime error" not in log and "WARNING: Thread" not in log
        shutil.rmtree(self.dir)


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def connect(port, tls=False, alpn=("http/1.1",)):
    s = socket.create_connection(("127.0.0.1", port), PATIENCE)
    if tls:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(list(alpn))
        s = context.wrap_socket(s)
    s.settimeout(PATIENCE)
    return s


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class Reader:
    """Reads answers one after the other, whatever the segmentation."""

    def __init__(self, sock):
        self.sock, self.buf = sock, b""

    def more(self):
        data = self.sock.recv(65536)
        self.buf += data
        return bool(data)

    def take(self, n):
        while len(self.buf) < n:
            assert self.more(), f"connection closed after {self.buf[:300]!r}"
        out, self.buf = self.buf[:n], self.buf[n:]
        return out

    def line(self):
        while b"\r\n" not in self.buf:
            assert self.more(), f"connection closed after {self.buf[:300]!r}"
        out, self.buf = self.buf.split(b"\r\n", 1)
        return out

    def answer(self, head_only=False):
        while True:
            status = int(self.line().split(b" ")[1])
            headers = {}
            while line := self.line():
                name, value = line.decode("latin-1").split(":", 1)
                headers[name.lower()] = value.strip()
            if status != 100:
                break
        body = b""
        if head_only or status in (101, 204, 304):
            pass
        elif headers.get("transfer-encoding") == "chunked":
            while n := int(self.line(), 16):
                body += self.take(n)
                self.take(2)
            self.line()
        elif "content-length" in headers:
            body = self.take(int(headers["content-length"]))
        else:
            while self.more():
                pass
            body, self.buf = self.buf, b""
        return Answer(status, headers, body)


def request(port, method, path, headers=None, body=b"", tls=False):
    head = f"{method} {path} HTTP/1.1\r\nHost: test.example:{port}\r\n"
    for name, value in (headers or {}).items():
        head += f"{name}: {value}\r\n"
    if body:
        head += f"Content-Length: {len(body)}\r\n"
    with contextlib.closing(connect(port, tls)) as s:
        s.sendall(head.encode("latin-1") + b"\r\n" + body)
        return Reader(s).answer(method == "HEAD")


def get(d, path, headers=None, tls=False):
    return request(d.tls if tls else d.plain, "GET", path, headers, tls=tls)


def raw(d, data):
    with contextlib.closing(connect(d.plain)) as s:
        s.sendall(data)
        return Reader(s).answer()


def curl(*args):
    out = subprocess.run(["curl", "-sk", "-m", str(PATIENCE), *args], capture_output=True)
    return out.stdout


# ---- routes and targets ---------------------------------------------------------------------


def test_handlers_on_both_threads(d):
    for thread in ("ctl", "net"):
        for tls in (False, True):
            a = get(d, f"/{thread}/echo/abc?x=1+2%263", tls=tls).json()
            assert a["thread"] == thread and a["id"] == "abc" and a["x"] == "1 2&3", a
            assert a["peer"] == "127.0.0.1"
            scheme = "https" if tls else "http"
            assert a["base"] == f"{scheme}://test.example:{d.tls if tls else d.plain}", a


def test_literal_wins_over_parameter(d):
    assert get(d, "/net/echo/literal").json()["id"] == ""
    assert get(d, "/net/echo/literally").json()["id"] == "literally"
    assert get(d, "/net/tree/a/b/c").json()["rest"] == "a/b/c"


def test_percent_decoding(d):
    assert get(d, "/net/echo/a%2Fb").json()["id"] == "a/b"
    assert get(d, "/net/echo/%E2%82%AC").json()["id"] == "\u20ac"
    assert get(d, "/net/x/%2e%2e/echo/y").json()["id"] == "y"
    for bad in ("/net/echo/%", "/net/echo/%zz", "/net/echo/%00", "/../x", "/%2e%2e/x"):
        assert get(d, bad).status == 400, bad


def test_query_presence(d):
    assert get(d, "/net/echo/1?x").json()["hasX"] is True
    assert get(d, "/net/echo/1?xy=1").json()["hasX"] is False


def test_methods(d):
    a = request(d.plain, "DELETE", "/net/echo/1")
    assert a.status == 405 and a.headers["allow"] == "GET, HEAD, POST", a.headers
    assert a.json()["error"] == "method_not_allowed"
    assert request(d.plain, "BREW", "/net/echo/1").status == 501
    a = request(d.plain, "HEAD", "/net/small")
    assert a.status == 200 and int(a.headers["content-length"]) > 0
    assert get(d, "/nothing").status == 404


def test_repeated_headers_are_joined(d):
    with contextlib.closing(connect(d.plain)) as s:
        s.sendall(b"GET /net/echo/1 HTTP/1.1\r\nHost: x\r\nX-Joined: a\r\nx-joined: b\r\n\r\n")
        assert Reader(s).answer().json()["joined"] == "a, b"


def test_header_injection_is_dropped(d):
    a = get(d, "/net/headers")
    assert a.headers["x-good"] == "yes" and "x-bad" not in a.headers and \
        "set-cookie" not in a.headers


def test_problems(d):
    a = request(d.plain, "POST", "/ctl/problem", {"Content-Type": "application/json"},
                b'{"name": "too long", "count": 99}')
    doc = a.json()
    assert a.status == 400 and a.headers["content-type"] == "application/problem+json"
    assert {e["field"] for e in doc["errors"]} == {"name", "count"}, doc
    assert set(doc) == {"type", "title", "status", "detail", "error", "errors"}
    a = request(d.plain, "POST", "/ctl/problem", {"Content-Type": "text/plain"}, b"x")
    assert a.status == 415
    a = request(d.plain, "POST", "/ctl/problem", {"Content-Type": "application/json"}, b"[")
    assert a.status == 400 and a.json()["error"] == "bad_json"
    a = request(d.plain, "POST", "/ctl/problem", {"Content-Type": "application/json"}, b"x" * 2000)
    assert a.status == 413


def test_cors(d):
    ok = {"Origin": "https://app.example"}
    a = get(d, "/ctl/echo/1", ok)
    assert a.headers["access-control-allow-origin"] == "https://app.example"
    assert "access-control-allow-origin" not in get(
        d, "/ctl/echo/1", {"Origin": "https://evil.example"}).headers
    a = request(d.plain, "OPTIONS", "/ctl/echo/1", {
        **ok, "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type"})
    assert a.status == 204 and "POST" in a.headers["access-control-allow-methods"]
    assert a.headers["access-control-allow-headers"] == "authorization, content-type"
    a = request(d.plain, "OPTIONS", "/net/small", ok)
    assert a.status == 204 and "access-control-allow-origin" not in a.headers


# ---- HTTP/1.1 -------------------------------------------------------------------------------


def test_keep_alive_and_pipelining(d):
    with contextlib.closing(connect(d.plain)) as s:
        r = Reader(s)
        s.sendall(b"".join(
            b"GET /%s/echo/%d HTTP/1.1\r\nHost: x\r\n\r\n" % (b"ctl" if i % 2 else b"net", i)
            for i in range(200)))
        for i in range(200):
            assert r.answer().json()["id"] == str(i)


def open_files(d):
    return len(os.listdir(f"/proc/{d.process.pid}/fd"))


def send_until_refused(s, data, most):
    """Sends without reading; returns how many bytes went before the server stopped taking them."""
    sent, patience = 0, 0
    s.setblocking(False)
    while sent < most and patience < 20:
        try:
            sent += s.send(data[sent % len(data):])
            patience = 0
        except BlockingIOError:
            patience += 1
            time.sleep(0.05)
    s.settimeout(PATIENCE)
    return sent


def test_pipelining_without_reading(d):
    before = open_files(d)
    with connect(d.plain) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        ask = b"GET /files/big.bin HTTP/1.1\r\nHost: x\r\n\r\n" * 1000
        s.sendall(ask[:60000])
        time.sleep(0.5)
        assert open_files(d) < before + 10, open_files(d)
    with connect(d.plain) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        ask = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n" * 1000
        sent = send_until_refused(s, ask, 48 << 20)
        assert sent < 48 << 20, sent


def test_pipelining_is_answered_to_the_last(d):
    for tls in False, True:
        with connect(d.tls if tls else d.plain, tls) as s:
            s.sendall(b"GET /files/app.js HTTP/1.1\r\nHost: x\r\n\r\n" * 600 +
                      b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n" * 600)
            time.sleep(0.3)
            r = Reader(s)
            for i in range(1200):
                assert r.answer().status == (200 if i < 600 else 404), i


def test_connection_close(d):
    for head in (b"GET /net/small HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                 b"GET /net/small HTTP/1.0\r\n\r\n"):
        with contextlib.closing(connect(d.plain)) as s:
            s.sendall(head)
            r = Reader(s)
            a = r.answer()
            assert a.status == 200 and a.headers["connection"] == "close"
            assert s.recv(1) == b""


def test_malformed_heads(d):
    for data, status in {
        b"GET / HTTP/1.1\r\n\r\n": 400,
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n": 400,
        b"GET / HTTP/1.1\nHost: a\r\n\r\n": 400,
        b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n": 400,
        b"GET / HTTP/1.1\r\nHost : a\r\n\r\n": 400,
        b"GET / HTTP/2.0\r\nHost: a\r\n\r\n": 505,
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n": 400,
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n": 400,
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n": 400,
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n": 501,
        b"POST /net/echo/1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n": 400,
        b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\nHost: a\r\n\r\n": 414,
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 70000 + b"\r\n\r\n": 431,
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 200 + b"\r\n": 431,
    }.items():
        a = raw(d, data)
        assert a.status == status, (data[:60], a.status)
        assert a.headers["connection"] == "close"


def test_long_request_lines_over_tls(d):
    """LiveKit's join requests: 3 to 32 KB, each on a connection of its own."""
    for i in range(50):
        n = 3000 + i * 580
        a = get(d, "/net/echo/1?t=" + "a" * n, tls=True)
        assert a.status == 200 and a.json()["targetLength"] == n, (n, a.status)


def test_request_in_single_bytes(d):
    with contextlib.closing(connect(d.plain)) as s:
        for b in b"POST /ctl/echo/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc":
            s.send(bytes([b]))
            time.sleep(0.001)
        assert Reader(s).answer().json()["bodyLength"] == 3


def test_chunked_body_and_trailers(d):
    a = raw(d, b"POST /ctl/echo/1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
               b"5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nX-T: 1\r\n\r\n")
    assert a.json()["bodyLength"] == 6


def test_expect_continue(d):
    with contextlib.closing(connect(d.plain)) as s:
        s.sendall(b"POST /ctl/echo/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
                  b"Expect: 100-continue\r\n\r\n")
        r = Reader(s)
        assert r.line() == b"HTTP/1.1 100 Continue"
        r.line()
        s.sendall(b"abc")
        assert r.answer().json()["bodyLength"] == 3


def test_unwanted_body_keeps_the_connection(d):
    with contextlib.closing(connect(d.plain)) as s:
        s.sendall(b"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nGET /"
                  b"GET /net/small HTTP/1.1\r\nHost: x\r\n\r\n")
        r = Reader(s)
        assert r.answer().status == 404 and r.answer().status == 200


def test_body_too_large_is_told_before_it_is_read(d):
    with contextlib.closing(connect(d.plain)) as s:
        s.sendall(b"POST /ctl/echo/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\n\r\n")
        assert Reader(s).answer().status == 413


# ---- uploads, streams, late answers ---------------------------------------------------------


def checksum(data):
    total = 0
    for b in data:
        total = (total * 31 + b) & 0xffffffff
    return total


def test_uploads(d):
    data = os.urandom(300000)
    want = b"%d %d" % (len(data), checksum(data))
    for thread in ("ctl", "net"):
        for tls in (False, True):
            a = request(d.tls if tls else d.plain, "POST", f"/{thread}/upload", body=data, tls=tls)
            assert a.status == 200 and a.body == want, a.body
        a = request(d.plain, "POST", f"/{thread}/upload?max=1000", body=data)
        assert a.status == 413, a.status


def test_upload_of_a_client_that_leaves(d):
    for thread in (b"ctl", b"net"):
        with contextlib.closing(connect(d.plain)) as s:
            s.sendall(b"POST /" + thread + b"/upload HTTP/1.1\r\nHost: x\r\n"
                      b"Content-Length: 100000\r\n\r\nabc")
    assert get(d, "/ctl/small").status == 200


def test_streams_with_back_pressure(d):
    for thread in ("ctl", "net"):
        for tls in (False, True):
            a = get(d, f"/{thread}/stream?n=300&size=20000", tls=tls)
            assert a.headers["transfer-encoding"] == "chunked" and len(a.body) == 6000000
        with contextlib.closing(connect(d.plain)) as s:
            s.sendall(b"GET /%s/stream?n=20&size=100 HTTP/1.0\r\n\r\n" % thread.encode())
            assert len(Reader(s).answer().body) == 2000


def test_client_that_leaves_a_stream(d):
    for thread in (b"ctl", b"net"):
        for _ in range(10):
            with contextlib.closing(connect(d.plain)) as s:
                s.sendall(b"GET /%s/stream?n=100000&size=20000 HTTP/1.1\r\nHost: x\r\n\r\n" % thread)
                s.recv(1000)
    assert get(d, "/ctl/small").status == 200


def test_late_answers_and_clients_that_left(d):
    for _ in range(20):
        with contextlib.closing(connect(d.plain)) as s:
            s.sendall(b"GET /ctl/later?ms=20 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert get(d, "/ctl/later?ms=30").body == b"late"
    assert get(d, "/ctl/later?ms=30", tls=True).body == b"late"


def test_requests_that_reach_ctl_together(d):
    """Each gets its own answer, also when its neighbours leave or are half sent."""
    sockets = [connect(d.plain) for _ in range(90)]
    for round_ in range(3):
        for i, s in enumerate(sockets):
            s.sendall(b"POST /ctl/echo/%d HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
                      % (round_ * 100 + i, i) + b"x" * i)
        for s in sockets[::3]:
            s.close()
        for i, s in enumerate(sockets):
            if i % 3:
                a = Reader(s).answer().json()
                assert (a["id"], a["bodyLength"]) == (str(round_ * 100 + i), i)
        sockets[::3] = [connect(d.plain) for _ in sockets[::3]]
    for s in sockets:
        s.close()


# ---- published bodies -----------------------------------------------------------------------


def publish(d, name, version, body):
    return request(d.plain, "PUT", f"/publish/{name}?v={version}", body=body).status


def test_published_body(d):
    assert publish(d, "p1", 1, b"first") == 204
    a = get(d, "/pub/p1")
    assert a.body == b"first" and a.headers["cache-control"] == "no-cache"
    assert get(d, "/pub/p1", {"If-None-Match": a.headers["etag"]}).status == 304
    assert get(d, "/pub/p1", {"Range": "bytes=1-2"}).body == b"ir"
    assert get(d, "/pub/p1", {"Origin": "https://app.example"}).headers[
        "access-control-allow-origin"] == "https://app.example"
    assert publish(d, "p1", 2, b"second") == 204 and get(d, "/pub/p1", tls=True).body == b"second"
    assert publish(d, "p1", 1, b"old") == 409
    assert request(d.plain, "DELETE", "/publish/p1").status == 204
    assert get(d, "/pub/p1").status == 404



def test_parked_requests_are_released_by_one_publish(d):
    publish(d, "live", 1, b"one")
    request(d.plain, "POST", f"/rule/live?ms={PATIENCE * 1000}")
    socks = [connect(d.tls if i % 2 else d.plain, tls=i % 2) for i in range(40)]
    for s in socks:
        s.sendall(b"GET /pub/live?v=2 HTTP/1.1\r\nHost: x\r\n\r\n"
                  b"GET /net/small HTTP/1.1\r\nHost: x\r\n\r\n")
    time.sleep(0.3)  # some are parked by now; those that are not find version 2 at once
    for s in socks[:10]:
        s.close()  # gone while parked
    assert get(d, "/pub/live?v=1").body == b"one"
    assert get(d, "/pub/live").body == b"one"
    assert get(d, "/pub/live?v=x").status == 400
    publish(d, "live", 2, b"two")
    for s in socks[10:]:
        r = Reader(s)
        assert r.answer().body == b"two"
        assert r.answer().status == 200  # what was sent ahead while parked
        s.close()


def test_parked_in_vain(d):
    publish(d, "never", 1, b"one")
    request(d.plain, "POST", "/rule/never?ms=300")
    a = get(d, "/pub/never?v=9")
    assert a.status == 503 and a.headers["retry-after"] == "1"


def test_parked_for_a_path_that_comes_and_goes(d):
    request(d.plain, "POST", f"/rule/part?ms={PATIENCE * 1000}")
    for action, status in ((lambda: publish(d, "part", 1, b"x"), 200),
                           (lambda: request(d.plain, "DELETE", "/publish/part"), 404)):
        with contextlib.closing(connect(d.plain)) as s:
            version = b"1" if status == 200 else b"5"
            s.sendall(b"GET /pub/part?v=" + version + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(0.2)
            action()
            assert Reader(s).answer().status == status


def test_publish_storm(d):
    """Versions rise while readers follow: nobody sees an old one for a new request."""
    request(d.plain, "POST", f"/rule/storm?ms={PATIENCE * 1000}")
    failures = []

    def follow():
        with contextlib.closing(connect(d.plain)) as s:
            r = Reader(s)
            for v in range(1, 60):
                s.sendall(b"GET /pub/storm?v=%d HTTP/1.1\r\nHost: x\r\n\r\n" % v)
                if int(r.answer().body) < v:
                    failures.append(v)

    threads = [threading.Thread(target=follow) for _ in range(8)]
    for t in threads:
        t.start()
    for v in range(1, 60):
        publish(d, "storm", v, b"%d" % v)
    for t in threads:
        t.join()
    assert not failures, failures


# ---- files ----------------------------------------------------------------------------------


def test_files(d):
    a = get(d, "/files/a.txt")
    assert a.body == b"0123456789" and a.headers["content-type"].startswith("text/plain")
    etag, modified = a.headers["etag"], a.headers["last-modified"]
    assert get(d, "/files/a.txt", {"If-None-Match": 'W/"x", ' + etag}).status == 304
    assert get(d, "/files/a.txt", {"If-Modified-Since": modified}).status == 304
    assert request(d.plain, "HEAD", "/files/a.txt").headers["content-length"] == "10"
    assert get(d, "/files/").body == b"<html>app</html>"
    a = get(d, "/files/sub")
    assert a.status == 301 and a.headers["location"] == "sub/"
    assert get(d, "/files/sub/").body == b"sub"
    assert get(d, "/files/name%20with%20space.txt").body == b"space"
    assert request(d.plain, "POST", "/files/a.txt").status == 405


def test_file_ranges(d):
    whole = get(d, "/files/big.bin").body
    assert len(whole) == 3 << 20 and get(d, "/files/big.bin", tls=True).body == whole
    assert get(d, "/ctl/file").body == whole
    for value, status, part in (
        ("bytes=0-0", 206, whole[:1]), ("bytes=100-", 206, whole[100:]),
        ("bytes=-5", 206, whole[-5:]), ("bytes=5-2", 200, whole),
        ("bytes=0-99999999999", 206, whole), ("bytes=99999999-", 416, None),
        ("bytes=0-1,3-4", 200, whole), ("lines=1-2", 200, whole),
        ("bytes=1000000-1999999", 206, whole[1000000:2000000]),
    ):
        for tls in (False, True):
            a = get(d, "/files/big.bin", {"Range": value}, tls=tls)
            assert a.status == status, (value, a.status)
            if part is not None:
                assert a.body == part, value
    a = get(d, "/files/a.txt", {"Range": "bytes=2-3", "If-Range": '"other"'})
    assert a.status == 200
    a = get(d, "/files/a.txt", {"Range": "bytes=2-3"})
    assert a.headers["content-range"] == "bytes 2-3/10"


def test_precompressed(d):
    for accept, encoding, body in (("gzip, br", "br", b"br-bytes"), ("gzip", "gzip", b"gz-bytes"),
                                   ("br;q=0, gzip;q=0.5", "gzip", b"gz-bytes"),
                                   ("identity", None, b"x" * 5000)):
        a = get(d, "/files/app.js", {"Accept-Encoding": accept})
        assert a.headers.get("content-encoding") == encoding and a.body == body, accept
        assert a.headers["content-type"].startswith("text/javascript")


def test_single_page_app(d):
    html = {"Accept": "text/html,*/*"}
    assert get(d, "/app/call/123", html).body == b"<html>app</html>"
    assert get(d, "/app/call/123").status == 404
    assert get(d, "/app/missing.js", html).status == 404
    assert get(d, "/files/call/123", html).status == 404


def test_traversal(d):
    for path in ("/files/../outside.txt", "/files/%2e%2e/outside.txt", "/files/..%2foutside.txt",
                 "/files/sub/../../outside.txt", "/files/link.txt", "/files/.hidden/x",
                 "/files//etc/passwd", "/files/%2fetc/passwd", "/files/sub%2findex.html",
                 "/files/a.txt%00.html", "/files/..;/outside.txt", "/files/sub/..%5c..%5coutside.txt"):
        a = get(d, path)
        assert a.status in (400, 404), (path, a.status)
        assert b"outside" not in a.body and b"secret" not in a.body


# ---- WebSockets -----------------------------------------------------------------------------


class WebSocket:
    def __init__(self, port, path, tls=False):
        self.sock = connect(port, tls)
        self.reader = Reader(self.sock)
        self.key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall(
            f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, "
            f"Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {self.key}\r\n"
            f"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n".encode())
        self.answer = self.reader.answer()
        if self.answer.status == 101:
            assert "sec-websocket-extensions" not in self.answer.headers

    def send(self, opcode, data=b"", fin=True, mask=True):
        head = bytes([(0x80 if fin else 0) | opcode])
        bit = 0x80 if mask else 0
        if len(data) < 126:
            head += bytes([bit | len(data)])
        elif len(data) < 65536:
            head += bytes([bit | 126]) + struct.pack(">H", len(data))
        else:
            head += bytes([bit | 127]) + struct.pack(">Q", len(data))
        if mask:
            key = os.urandom(4)
            pad = (key * (len(data) // 4 + 1))[:len(data)]
            data = (int.from_bytes(data, "big") ^ int.from_bytes(pad, "big")).to_bytes(
                len(data), "big")
            head += key
        self.sock.sendall(head + data)

    def receive(self):
        b0, b1 = self.reader.take(2)
        assert not b1 & 0x80, "a server's frame is masked"
        n = b1 & 0x7f
        if n == 126:
            n = struct.unpack(">H", self.reader.take(2))[0]
        elif n == 127:
            n = struct.unpack(">Q", self.reader.take(8))[0]
        return b0 & 0x0f, self.reader.take(n)

    def expect(self, opcode, data):
        got = self.receive()
        while got[0] == 9:  # the server's own pings
            self.send(10, got[1])
            got = self.receive()
        assert got == (opcode, data), (got[0], got[1][:80])

    def expect_close(self, code):
        op, data = self.receive()
        while op in (1, 2, 9):
            op, data = self.receive()
        assert op == 8 and struct.unpack(">H", data[:2])[0] == code, (op, data)
        return data[2:]


def test_websocket_echo(d):
    for path in ("/ws/net", "/ws/ctl"):
        for tls in (False, True):
            ws = WebSocket(d.tls if tls else d.plain, path, tls)
            ws.expect(1, b"hello")
            for n in (0, 1, 125, 126, 65535, 65536, 1 << 20):
                data = os.urandom(n)
                ws.send(2, data)
                ws.expect(2, data)
            ws.send(1, "gr\u00fc\u00dfe\0".encode())
            ws.expect(1, "gr\u00fc\u00dfe\0".encode())
            ws.send(8, struct.pack(">H", 1000))
            assert ws.expect_close(1000) == b""
            assert ws.sock.recv(1) == b""
            ws.sock.close()


def test_websocket_fragments(d):
    ws = WebSocket(d.plain, "/ws/ctl")
    ws.expect(1, b"hello")
    ws.send(1, b"a" * 1000, fin=False)
    ws.send(9, b"ping between")
    ws.send(0, b"b" * 1000, fin=False)
    ws.send(0, b"", fin=True)
    ws.expect(10, b"ping between")
    ws.expect(1, b"a" * 1000 + b"b" * 1000)
    ws.sock.close()


def test_websocket_violations(d):
    for violate, code in (
        (lambda ws: ws.send(1, b"x", mask=False), 1002),
        (lambda ws: ws.send(0, b"x"), 1002),
        (lambda ws: ws.send(3, b"x"), 1002),
        (lambda ws: ws.send(9, b"x" * 126), 1002),
        (lambda ws: ws.send(1, b"\xff\xfe"), 1007),
        (lambda ws: ws.send(2, b"x" * ((1 << 20) + 1)), 1009),
        (lambda ws: ws.send(8, struct.pack(">H", 1005)), 1002),
        (lambda ws: ws.send(1, b"close4000"), 4000),
    ):
        ws = WebSocket(d.plain, "/ws/net")
        ws.expect(1, b"hello")
        with contextlib.suppress(ConnectionError):
            violate(ws)
        ws.expect_close(code)
        ws.sock.close()


def test_websocket_decisions(d):
    a = WebSocket(d.plain, "/ws/refuse").answer
    assert a.status == 401 and a.headers["www-authenticate"] == "Bearer"
    ws = WebSocket(d.plain, "/ws/later?ms=100")
    ws.expect(1, b"hello")
    closed = int(get(d, "/ctl/closed").body)
    for _ in range(10):  # gone before it is decided
        with contextlib.closing(connect(d.plain)) as s:
            s.sendall(b"GET /ws/later?ms=20 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                      b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                      b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
    wait_until(lambda: int(get(d, "/ctl/closed").body) >= closed + 10)
    ws.send(1, b"x")
    ws.expect(1, b"x")
    ws.sock.close()
    assert get(d, "/ws/net").status == 426
    a = get(d, "/ws/net", {"Upgrade": "websocket", "Connection": "upgrade",
                           "Sec-WebSocket-Version": "8"})
    assert a.status == 426 and a.headers["sec-websocket-version"] == "13"


def test_websocket_accept_key(d):
    with contextlib.closing(connect(d.plain)) as s:
        s.sendall(b"GET /ws/net HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade"
                  b"\r\nSec-WebSocket-Version: 13\r\n"
                  b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        a = Reader(s).answer()  # the example of RFC 6455 section 1.3
        assert a.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_websocket_ready_made_frames(d):
    ws = WebSocket(d.tls, "/ws/frames", tls=True)
    ws.expect(1, b"hello")
    ws.send(2, b"z" * 70000)
    ws.expect(2, b"z" * 70000)
    ws.expect(1, b"second")
    ws.sock.close()


def test_websocket_send_queue_limit(d):
    for path in ("/ws/flood", "/ws/flood-ctl"):
        ws = WebSocket(d.plain, path)
        ws.expect(1, b"hello")
        ws.send(1, b"go")
        assert ws.expect_close(1013) == b"the send queue is full"
        ws.sock.close()
        ws = WebSocket(d.plain, path)  # one that does not read
        ws.send(1, b"go")
        time.sleep(0.2)
        ws.sock.close()


def test_websocket_pings(d):
    ws = WebSocket(d.plain, "/ws/ctl")
    ws.expect(1, b"hello")
    assert ws.receive()[0] == 9
    ws.send(10)
    assert ws.receive()[0] == 9
    # without a pong the server gives up
    while ws.sock.recv(1000):
        pass
    ws.sock.close()


def test_websocket_faster_than_ctl(d):
    ws = WebSocket(d.plain, "/ws/ctl")
    ws.expect(1, b"hello")
    n = 5000

    def send():
        for i in range(n):
            ws.send(2, b"%06d" % i + b"x" * 100)

    t = threading.Thread(target=send)
    t.start()
    for i in range(n):
        ws.expect(2, b"%06d" % i + b"x" * 100)
    t.join()
    ws.sock.close()


# ---- TLS and HTTP/2 -------------------------------------------------------------------------


def test_http2(d):
    base = f"https://127.0.0.1:{d.tls}"
    out = curl("--http2", "-w", "%{http_version} %{http_code}", "-H", "Idempotency-Key: k-1",
               base + "/ctl/echo/a%2Fb?x=%26")
    doc, version = json.loads(out[:out.rindex(b"}") + 1]), out[out.rindex(b"}") + 1:]
    assert version == b"2 200" and doc["key"] == "k-1" and doc["id"] == "a/b" and doc["x"] == "&"
    whole = get(d, "/files/big.bin").body
    assert curl("--http2", base + "/files/big.bin") == whole
    assert curl("--http2", "-r", "5-9", base + "/files/big.bin") == whole[5:10]
    assert len(curl("--http2", base + "/ctl/stream?n=100&size=30000")) == 3000000
    data = os.urandom(600000)
    with open(d.dir + "/upload", "wb") as f:
        f.write(data)
    want = b"%d %d" % (len(data), checksum(data))
    for thread in ("ctl", "net"):
        got = curl("--http2", "--data-binary", "@" + d.dir + "/upload", base + f"/{thread}/upload")
        assert got == want, got
    code = curl("--http2", "-o", "/dev/null", "-w", "%{http_code}", "--data-binary",
                "@" + d.dir + "/upload", base + "/ctl/echo/1")
    assert code == b"413", code
    for path, status in (("/nothing", b"404"), ("/net/echo/%zz", b"400"), ("/ws/net", b"426")):
        assert curl("--http2", "-o", "/dev/null", "-w", "%{http_code}", base + path) == status
    assert curl("--http2", "-I", base + "/net/small").startswith(b"HTTP/2 200")


def test_http2_parked(d):
    publish(d, "live2", 1, b"one")
    request(d.plain, "POST", f"/rule/live2?ms={PATIENCE * 1000}")
    waiting = [subprocess.Popen(
        ["curl", "-sk", "--http2", "-m", str(PATIENCE),
         f"https://127.0.0.1:{d.tls}/pub/live2?v=2"], stdout=subprocess.PIPE) for _ in range(5)]
    time.sleep(0.3)
    waiting[0].kill()
    publish(d, "live2", 2, b"two")
    assert [w.communicate()[0] for w in waiting[1:]] == [b"two"] * 4
    waiting[0].communicate()


def test_http2_garbage(d):
    with contextlib.closing(connect(d.tls, tls=True, alpn=("h2",))) as s:
        assert s.selected_alpn_protocol() == "h2"
        s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
        while s.recv(1000):
            pass
    with contextlib.closing(connect(d.tls, tls=True, alpn=("h2",))) as s:
        s.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0" +
                  b"\0\0\4\x01\x05\0\0\0\1\xff\xff\xff\xff")
        while s.recv(1000):
            pass
    assert get(d, "/net/small", tls=True).status == 200


def test_alpn_and_old_tls(d):
    for offer, chosen in (("http/1.1",), "http/1.1"), (("h2", "http/1.1"), "h2"), (("x",), None):
        with contextlib.closing(connect(d.tls, tls=True, alpn=offer)) as s:
            assert s.selected_alpn_protocol() == chosen
            assert s.version() == "TLSv1.3"
    with contextlib.closing(connect(d.tls)) as s:  # plain HTTP on the TLS port
        s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert not s.recv(1000).startswith(b"HTTP")


def test_certificate_reload(d):
    def common_name():
        der = ssl.get_server_certificate(("127.0.0.1", d.tls))
        return der

    before = common_name()
    old = connect(d.tls, tls=True)
    make_certificate(d.dir, "two.example")
    wait_until(lambda: common_name() != before)
    old.sendall(b"GET /net/small HTTP/1.1\r\nHost: x\r\n\r\n")  # connections stay
    assert Reader(old).answer().status == 200
    old.close()


# ---- daemons with other options -------------------------------------------------------------


def with_daemon(options, shift):
    def wrap(test):
        def run(_):
            d = Daemon(options, shift)
            try:
                test(d)
            finally:
                d.stop()
        run.__name__ = test.__name__
        run.own_daemon = True
        return run
    return wrap


@with_daemon("    head-timeout: 1s\n    body-timeout: 1s\n    idle-timeout: 2s\n", 10)
def test_slow_clients(d):
    begin = time.monotonic()
    with contextlib.closing(connect(d.plain)) as s:  # one byte at a time never ends the head
        status = None
        with contextlib.suppress(ConnectionError):
            for b in b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 1000:
                s.send(bytes([b]))
                time.sleep(0.1)
                if time.monotonic() - begin > PATIENCE:
                    break
                s.setblocking(False)
                with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError):
                    status = s.recv(1000)
                    break
                s.setblocking(True)
        assert status and status.startswith(b"HTTP/1.1 408"), status
    with contextlib.closing(connect(d.plain)) as s:
        s.sendall(b"POST /ctl/echo/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
        assert Reader(s).answer().status == 408
    with subprocess.Popen(  # HTTP/2: every byte is a sign of life, and yet too slow
            ["curl", "-sk", "--http2", "-m", str(PATIENCE), "-T", "-", "-X", "POST",
             "-w", "%{http_code}", "-o", "/dev/null", f"https://127.0.0.1:{d.tls}/ctl/echo/1"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE) as slow:
        begin = time.monotonic()
        while slow.poll() is None and time.monotonic() - begin < PATIENCE:
            with contextlib.suppress(BrokenPipeError):
                slow.stdin.write(b"x")
                slow.stdin.flush()
            time.sleep(0.1)
        with contextlib.suppress(BrokenPipeError):
            slow.stdin.close()
        assert slow.stdout.read() == b"408"
    with contextlib.closing(connect(d.plain)) as s:  # idle: closed without a word
        s.sendall(b"GET /net/small HTTP/1.1\r\nHost: x\r\n\r\n")
        r = Reader(s)
        assert r.answer().status == 200
        assert s.recv(1) == b""
    with contextlib.closing(connect(d.tls)) as s:  # a handshake that never comes
        assert s.recv(1) == b""
    with contextlib.closing(connect(d.tls, tls=True, alpn=("h2",))) as s:
        while s.recv(1000):
            pass
    with contextlib.closing(connect(d.plain)) as s:  # takes nothing of a large answer
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.sendall(b"GET /net/stream?n=1000&size=100000 HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(4)
        assert get(d, "/net/small").status == 200


@with_daemon("    connections-max: 50\n    connections-per-address: 20\n", 20)
def test_too_many_connections(d):
    socks = []
    for _ in range(20):
        s = connect(d.plain)
        s.sendall(b"GET /net/small HTTP/1.1\r\nHost: x\r\n\r\n")
        assert Reader(s).answer().status == 200
        socks.append(s)
    extra = connect(d.plain)
    with contextlib.suppress(ConnectionError):
        assert extra.recv(1) == b""
    for s in socks:
        s.close()

    def free_again():
        try:
            return get(d, "/net/small").status == 200
        except (AssertionError, ConnectionError):
            return False

    wait_until(free_again)


@with_daemon("    requests-per-address: 60\n", 30)
def test_too_many_requests(d):
    answers = [get(d, "/net/small") for _ in range(30)]
    refused = [a for a in answers if a.status == 429]
    assert refused and all(int(a.headers["retry-after"]) >= 1 for a in refused)
    assert sum(a.status == 200 for a in answers) >= 10


@with_daemon("    trusted-proxies: [127.0.0.0/8]\n", 40)
def test_trusted_proxy(d):
    a = get(d, "/net/echo/1", {"X-Forwarded-For": "6.6.6.6, 198.51.100.7, 127.0.0.9",
                               "X-Forwarded-Proto": "https", "X-Forwarded-Host": "a.example"}).json()
    assert a["peer"] == "198.51.100.7" and a["base"] == "https://a.example", a
    a = get(d, "/net/echo/1", {"X-Forwarded-Host": "evil/x"}).json()
    assert a["base"] == f"http://test.example:{d.plain}", a


def test_untrusted_proxy_is_ignored(d):
    a = get(d, "/net/echo/1", {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https"}).json()
    assert a["peer"] == "127.0.0.1" and a["base"].startswith("http://")


@with_daemon("    public-url: https://calls.example/\n", 50)
def test_public_url_and_reload(d):
    assert get(d, "/net/echo/1").json()["base"] == "https://calls.example"
    with open(d.conf) as f:
        text = f.read()
    with open(d.conf, "w") as f:
        f.write(text.replace("https://calls.example/", "https://other.example"))
    d.process.send_signal(signal.SIGHUP)
    wait_until(lambda: get(d, "/net/echo/1").json()["base"] == "https://other.example")


def test_drain_and_stop_under_load(_):
    d = Daemon("", 60)
    stop = threading.Event()

    def load(path, tls):
        while not stop.is_set():
            try:
                get(d, path, tls=tls)
            except (OSError, AssertionError, ValueError):
                pass

    threads = [threading.Thread(target=load, args=(p, t)) for p in
               ("/ctl/small", "/ctl/later?ms=5", "/net/stream?n=50&size=10000", "/files/big.bin")
               for t in (False, True)]
    for t in threads:
        t.start()
    sockets = [WebSocket(d.plain, p) for p in ("/ws/net", "/ws/ctl") for _ in range(5)]
    held = connect(d.plain)
    held.sendall(b"GET /ctl/later?ms=400 HTTP/1.1\r\nHost: x\r\n\r\n")
    request(d.plain, "POST", f"/rule/gone?ms={PATIENCE * 1000}")
    waits = connect(d.plain)
    waits.sendall(b"GET /pub/gone?v=2 HTTP/1.1\r\nHost: x\r\n\r\n")
    time.sleep(0.5)
    d.stop()
    stop.set()
    for t in threads:
        t.join()
    for ws in sockets:
        ws.sock.close()


def test_listener_errors(_):
    d = Daemon("", 70)
    try:
        out = subprocess.run([STOAD, "--config", d.conf, "--state", d.dir + "/other",
                              "--module-dir", MODULES], capture_output=True, timeout=PATIENCE)
        text = (out.stdout + out.stderr).decode()
        assert out.returncode == 1 and f"127.0.0.1:{d.plain}" in text and "in use" in text, text
        with open(d.conf) as f:
            conf = f.read()
        for wrong, said in ((conf.replace("/key.pem", "/none.pem"), "none.pem"),
                            (conf.replace("cors-origins", "trusted-proxies"), "https://app.example"),
                            (re.sub(r"tls-key: .*", "", conf), "without a key")):
            path = d.dir + "/wrong.yaml"
            with open(path, "w") as f:
                f.write(wrong)
            out = subprocess.run([STOAD, "--check-config", "--config", path, "--module-dir",
                                  MODULES], capture_output=True, timeout=PATIENCE)
            text = (out.stdout + out.stderr).decode()
            assert out.returncode == 1 and said in text and "wrong.yaml:" in text, text
    finally:
        d.stop()


def main():
    wanted = sys.argv[4:]
    tests = [(n, f) for n, f in globals().items()
             if n.startswith("test_") and (not wanted or n in wanted)]
    shared = Daemon()
    failed = 0
    for name, test in tests:
        begin = time.monotonic()
        try:
            test(shared)
            word = "ok"
        except Exception as e:  # pylint: disable=broad-except
            import traceback
            traceback.print_exc()
            word, failed = f"FAILED {e}", failed + 1
        print(f"{name}: {word} ({time.monotonic() - begin:.2f} s)", flush=True)
        if shared.process.poll() is not None:
            print("the daemon ended:\n" + shared.read_log()[-6000:])
            return 1
    try:
        shared.stop()
    except AssertionError as e:
        print(f"stopping: {e}"[-6000:])
        failed += 1
    print(f"{len(tests)} tests, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
