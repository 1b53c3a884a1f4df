#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""libgait-http: what it answers, to tools that read it and to clients that are slow or hostile.

Usage: http_test.py SERVE SHARED STATIC LIBRARIES [unittest's arguments]

SERVE is the program of serve.c; SHARED and STATIC are that of plain.c with the shared library and
with the static one; LIBRARIES: folders of the shared libraries, with colons between. What is not installed (promtool, prometheus, go) is left out.
"""

import contextlib
import gzip
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

sys.path.append(os.path.join(os.path.dirname(__file__), "../pprof"))
from pprof_file import Profile  # noqa: E402

SERVE = SHARED = STATIC = LIBRARIES = None
PATIENCE_S = 60
ALERTS = os.path.join(os.path.dirname(__file__), "../../docs/alerts.yml")
DASHBOARD = os.path.join(os.path.dirname(__file__), "../../docs/dashboard.json")


class Answers(unittest.TestCase):
    def setUp(self):
        self.program = subprocess.Popen([SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.port = int(self.program.stdout.readline())

    def tearDown(self):
        begin = time.monotonic()
        self.program.stdin.close()
        self.assertEqual(self.program.wait(PATIENCE_S), 0)
        self.assertLess(time.monotonic() - begin, 30, "it ends whatever clients do")
        self.program.stdout.close()

    def get(self, path, method="GET", **fields):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        connection.request(method, path, headers=fields)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer, body

    def raw(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)

    def alive(self):
        self.assertEqual(self.get("/metrics")[0].status, 200)

    def tell(self, letter):
        self.program.stdin.write(letter)
        self.program.stdin.flush()
        self.assertEqual(self.program.stdout.readline(), "0\n")

    # ---- Pages ----

    def test_metrics(self):
        answer, body = self.get("/metrics")
        self.assertEqual(answer.status, 200)
        self.assertTrue(answer.getheader("Content-Type").startswith("text/plain; version=0.0.4"))
        self.assertIn(b"\n# TYPE gait_gc_heap_live_bytes gauge\n", body)
        self.assertNotIn(b"# EOF", body)

    def test_open_metrics_are_for_who_accepts_them(self):
        answer, body = self.get("/metrics", Accept="application/openmetrics-text;version=1.0.0")
        self.assertTrue(answer.getheader("Content-Type").startswith("application/openmetrics-text"))
        self.assertTrue(body.endswith(b"# EOF\n"))

    def test_figures_of_the_process_are_there_once(self):
        for fields in ({}, {"Accept": "application/openmetrics-text"}):
            body = self.get("/metrics", **fields)[1]
            self.assertEqual(body.count(b"\nprocess_resident_memory_bytes "), 1)
            self.assertEqual(body.count(b"\nprocess_cpu_seconds_total "), 1)
        body = self.get("/metrics?names=go")[1]
        self.assertEqual(body.count(b"\nprocess_resident_memory_bytes "), 1)

    def test_names_of_go(self):
        _, body = self.get("/metrics?names=go")
        self.assertIn(b"\ngo_memstats_heap_inuse_bytes ", body)
        self.assertNotIn(b"gait_", body)

    def test_heap_snapshot(self):
        answer, body = self.get("/debug/gait/snapshot?gc=1")
        self.assertEqual(answer.status, 200)
        self.assertIn("gait.heapsnapshot", answer.getheader("Content-Disposition"))
        snapshot = json.loads(body)
        about = snapshot["snapshot"]
        self.assertEqual(len(snapshot["nodes"]), 7 * about["node_count"])
        self.assertEqual(len(snapshot["edges"]), 3 * about["edge_count"])
        self.assertGreater(about["gait"]["stop_ns"], 0)
        self.assertLess(max(snapshot["edges"][2::3]), len(snapshot["nodes"]))
        _, body = self.get("/debug/gait/snapshot?format=compact")
        self.assertTrue(body.startswith(b"GaitHSn\n\x02H"))

    def test_figures_are_json(self):
        answer, body = self.get("/debug/vars")
        self.assertTrue(answer.getheader("Content-Type").startswith("application/json"))
        figures = json.loads(body)["gait"]
        self.assertEqual(figures["stats"]["mutators"], 2)
        self.assertEqual([kind["name"] for kind in figures["kinds"]], ['a "node"?'])
        self.assertEqual(figures["memprofilerate"], 524288)

    def test_a_page_lists_the_others(self):
        for path in ("/", "/debug/pprof/"):
            answer, body = self.get(path)
            self.assertEqual(answer.status, 200)
            for link in (b"/metrics", b"/debug/pprof/heap", b"/debug/vars"):
                self.assertIn(b'href="' + link + b'"', body)

    def test_profiles_are_gzipped(self):
        for path in ("/debug/pprof/heap", "/debug/pprof/heap?gc=1", "/debug/pprof/allocs"):
            answer, body = self.get(path)
            self.assertEqual(answer.status, 200)
            self.assertIn(b"inuse_space", gzip.decompress(body))

    def profile(self, path):
        answer, body = self.get(path)
        self.assertEqual(answer.status, 200)
        with tempfile.NamedTemporaryFile() as file:
            file.write(body)
            file.flush()
            return Profile(file.name)

    def sums(self, path, view):
        """By the kinds of what was allocated."""
        sums = {}
        for values, labels, _ in self.profile(path).samples:
            kind = labels.get("kind")
            sums[kind] = sums.get(kind, 0) + values[view]
        return sums

    def test_a_profile_has_what_was_there_before_anybody_asked(self):
        """Some 7.7 MB live, from before it answered: fifteen samples."""
        live = self.sums("/debug/pprof/heap?gc=1", "inuse_space")['a "node"?']
        self.assertTrue(1 << 20 < live < 30 << 20, live)

    def test_a_profile_of_some_seconds_has_what_happens_in_them(self):
        """The threads allocate 64 kB a millisecond each, at most, and keep nothing more."""
        whole = self.sums("/debug/pprof/allocs", "alloc_space")['a "node"?']
        begin = time.monotonic()
        part = self.sums("/debug/pprof/allocs?seconds=1&gc=1", "alloc_space").get('a "node"?', 0)
        self.assertGreaterEqual(time.monotonic() - begin, 1)
        self.assertTrue(0 < part < 140e6 * (time.monotonic() - begin), (part, whole))
        kept = self.sums("/debug/pprof/heap?seconds=1&gc=1", "inuse_space").get('a "node"?', 0)
        self.assertLess(abs(kept), 4 << 20)

    def test_seconds_that_are_none_are_told(self):
        for seconds in ("0", "-1", "1.5", "601", "ten", "99999999999999999999"):
            answer, body = self.get(f"/debug/pprof/heap?seconds={seconds}")
            self.assertEqual((answer.status, answer.getheader("X-Go-Pprof")), (400, "1"))
            self.assertEqual(body, b"seconds: expected a whole number from 1 to 600\n")

    def test_who_waits_for_seconds_keeps_nobody_out_and_ends_with_it(self):
        waiting = [self.raw() for _ in range(20)]
        for client in waiting:
            client.sendall(b"GET /debug/pprof/heap?seconds=600 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.alive()
        self.get("/debug/pprof/heap")
        begin = time.monotonic()
        self.tearDown()
        self.assertLess(time.monotonic() - begin, 5)
        self.setUp()
        for client in waiting:
            client.close()

    def test_who_looks_for_a_profile_of_the_cpu_learns_where(self):
        answer, body = self.get("/debug/pprof/profile?seconds=1")
        self.assertEqual((answer.status, answer.getheader("X-Go-Pprof")), (404, "1"))
        self.assertRegex(body, rb"^[^\n]*perf record[^\n]*\n$")

    def test_what_is_not_there(self):
        self.assertEqual(self.get("/metricsx")[0].status, 404)
        self.assertEqual(self.get("/../etc/passwd")[0].status, 404)
        self.assertEqual(self.get("/metrics", method="POST")[0].status, 405)
        self.assertEqual(self.get("/metrics", method="HEAD")[0].status, 200)
        self.assertEqual(self.get("/metrics", method="HEAD")[1], b"")

    def test_the_dashboard_asks_for_what_is_there(self):
        with open(DASHBOARD, encoding="utf-8") as file:
            text = file.read()
        json.loads(text)
        asked = set(re.findall(r"\bgait_\w+", text))
        given = set(re.findall(rb"^gait_\w+", self.get("/metrics")[1], re.MULTILINE))
        self.assertGreater(len(asked), 20)
        self.assertEqual({name.encode() for name in asked} - given, set())

    # ---- Who asks ----

    def test_a_page_elsewhere_does_not_read_it(self):
        self.assertEqual(self.get("/metrics", Host="evil.example")[0].status, 403)
        self.assertEqual(self.get("/metrics", Host=f"evil.example:{self.port}")[0].status, 403)
        self.assertEqual(self.get("/metrics", Host="")[0].status, 403)
        for host in ("localhost", f"localhost:{self.port}", "127.0.0.1", "[::1]:1"):
            self.assertEqual(self.get("/metrics", Host=host)[0].status, 200, host)

    def test_only_this_machine_comes_there(self):
        with open("/proc/net/tcp", encoding="ascii") as table:
            places = [line.split()[1] for line in table if f":{self.port:04X} " in line]
        self.assertTrue(places)
        self.assertTrue(all(place.startswith("0100007F:") for place in places), places)

    def test_slow_clients_hold_up_nobody(self):
        slow = [self.raw() for _ in range(8)]
        for client in slow:
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: ")
        for _ in range(3):
            self.alive()
        reader = self.raw()  # asks, and reads nothing
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        for _ in range(20):
            reader.sendall(b"GET /debug/vars HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for _ in range(3):
            self.alive()
        for client in slow + [reader]:
            client.close()

    def test_too_many_clients_are_sent_away_and_come_back(self):
        clients = [self.raw() for _ in range(100)]
        for client in clients:
            client.close()
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                self.alive()
                break
            except (OSError, http.client.HTTPException):
                self.assertLess(time.monotonic(), end)
                time.sleep(0.1)

    def test_clients_that_are_never_idle_keep_nobody_out(self):
        begin = time.monotonic()
        clients = [self.raw() for _ in range(40)]
        for client in clients:
            try:
                client.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
            except OSError:
                pass  # sent away
        for _ in range(3):
            self.alive()
        self.assertLess(time.monotonic() - begin, 8, "they were sent away, not waited for")
        for client in clients:
            client.close()

    def test_one_snapshot_at_a_time(self):
        reader = socket.socket()
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.settimeout(PATIENCE_S)
        reader.connect(("127.0.0.1", self.port))
        reader.sendall(b"GET /debug/gait/snapshot HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertEqual(reader.recv(1), b"H")
        answer, body = self.get("/debug/gait/snapshot")
        self.assertEqual((answer.status, body), (503, b"another snapshot is being taken or read\n"))
        reader.close()
        end = time.monotonic() + PATIENCE_S
        while self.get("/debug/gait/snapshot")[0].status != 200:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.1)

    def test_a_thread_that_does_not_stop_holds_up_no_others(self):
        self.tell("b")
        collecting = self.raw()
        collecting.sendall(b"GET /debug/pprof/heap?gc=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer, body = self.get("/debug/gait/snapshot")
        self.assertEqual(answer.status, 503)
        self.assertIn(b"safepoint", body)
        self.alive()
        self.tell("r")
        self.assertIn(b" 200 ", collecting.recv(100))
        collecting.close()
        self.assertEqual(self.get("/debug/gait/snapshot")[0].status, 200)

    def test_a_child_can_end_it(self):
        self.tell("f")
        self.alive()

    def test_nonsense(self):
        for text in (b"\0" * 1000, b"GET", b"\r\n" * 1000, b"GET / HTTP/9.9\r\n\r\n",
                     b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n",
                     b"GET /metrics HTTP/1.1\r\n" + b"X: y\r\n" * 100000 + b"\r\n",
                     b"POST /metrics HTTP/1.1\r\nHost: localhost\r\n"
                     b"Content-Length: 99999999999\r\n\r\n"):
            client = self.raw()
            try:
                client.sendall(text)
                client.shutdown(socket.SHUT_WR)
                while client.recv(65536):
                    pass
            except OSError:
                pass  # sent away
            client.close()
            self.alive()

    def test_clients_that_go_away(self):
        for _ in range(50):
            client = self.raw()
            client.sendall(b"GET /debug/pprof/heap HTTP/1.1\r\nHost: localhost\r\n\r\n")
            client.close()
        self.alive()

    # ---- Tools ----

    @unittest.skipUnless(shutil.which("promtool"), "promtool is not installed")
    def test_promtool_has_nothing_to_say(self):
        for path in ("/metrics", "/metrics?names=go"):
            done = subprocess.run(["promtool", "check", "metrics"], input=self.get(path)[1],
                                  capture_output=True, check=False)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))

    @unittest.skipUnless(shutil.which("prometheus"), "Prometheus is not installed")
    def test_prometheus_scrapes_it(self):
        with self.prometheus() as port:
            for name, least in (("gait_gc_cycles_total_gc_cycles_total", 1),
                                ("gait_sched_mutators_threads", 2),
                                ("gait_gc_pauses_seconds_count", 1)):
                self.assertGreaterEqual(self.query(port, name), least, name)

    @unittest.skipUnless(shutil.which("prometheus"), "Prometheus is not installed")
    def test_prometheus_answers_each_question_of_the_dashboard(self):
        """As Grafana asks it: with the job that the page's list has found, and an interval."""
        with open(DASHBOARD, encoding="utf-8") as file:
            dashboard = json.load(file)
        lists = [one for one in dashboard["templating"]["list"] if one["type"] == "query"]
        self.assertEqual([one["name"] for one in lists], ["job"])
        metric = re.fullmatch(r"label_values\((\w+), job\)", lists[0]["query"]).group(1)
        with self.prometheus() as port:
            self.assertEqual(self.ask(port, metric)[0]["metric"]["job"], "gait")
            for panel in dashboard["panels"]:
                for target in panel["targets"]:
                    question = target["expr"].replace("$job", "gait|other")
                    question = question.replace("$__rate_interval", "4s")
                    self.assertNotIn("$", question)
                    if "gomemlimit" in question:  # this program has none: a line for those that do
                        self.assertEqual(self.ask(port, question, patience_s=0), [])
                        question = question.partition("<")[0]
                    series = self.ask(port, question)
                    self.assertTrue(series, f"{panel['title']}: no data for {question}")
                    for one in series:
                        self.assertRegex(one["value"][1], r"^[-+.e\d]+$", question)
                        for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
                            self.assertIn(label, one["metric"], question)

    @unittest.skipUnless(shutil.which("prometheus"), "Prometheus is not installed")
    def test_prometheus_knows_each_figure_of_the_alerts(self):
        with open(ALERTS, encoding="utf-8") as file:
            names = set(re.findall(r"\bgait_\w+", file.read()))
        self.assertGreater(len(names), 5)
        with self.prometheus() as port:
            for name in sorted(names):
                self.assertTrue(self.ask(port, name), name)

    @contextlib.contextmanager
    def prometheus(self):
        """One that scrapes the program, each second, by the port at which it answers."""
        with tempfile.TemporaryDirectory() as folder:
            config = os.path.join(folder, "prometheus.yml")
            with open(config, "w", encoding="utf-8") as file:
                file.write("scrape_configs:\n- job_name: gait\n  scrape_interval: 1s\n"
                           f"  static_configs: [{{targets: ['127.0.0.1:{self.port}']}}]\n")
            port = free_port()
            server = subprocess.Popen(
                ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}/data",
                 f"--web.listen-address=127.0.0.1:{port}"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                yield port
            finally:
                server.terminate()
                server.wait(PATIENCE_S)

    def ask(self, port, question, patience_s=None):
        """The series of an answer; an empty one is asked for again: it may be too early."""
        path = "/api/v1/query?" + urllib.parse.urlencode({"query": question})
        end = time.monotonic() + (PATIENCE_S if patience_s is None else patience_s)
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
                connection.request("GET", path)
                answer = json.loads(connection.getresponse().read())
                connection.close()
                self.assertEqual(answer["status"], "success", answer)
                found = answer["data"]["result"]
                if found and not any(one["value"][1] == "NaN" for one in found):
                    return found
            except (OSError, http.client.HTTPException, json.JSONDecodeError):
                found = []  # it is not there yet
            if time.monotonic() >= end:
                return found
            time.sleep(0.5)

    def query(self, port, name):
        found = self.ask(port, name)
        return float(found[0]["value"][1]) if found else -1

    @unittest.skipUnless(shutil.which("go"), "Go is not installed")
    def test_go_reads_profiles(self):
        self.get("/debug/pprof/heap?gc=1")
        with tempfile.TemporaryDirectory() as folder:
            for page, view in (("heap", "inuse_space"), ("allocs", "alloc_space")):
                done = subprocess.run(
                    ["go", "tool", "pprof", "-top",
                     f"http://127.0.0.1:{self.port}/debug/pprof/{page}"],
                    capture_output=True, text=True, check=False,
                    env={**os.environ, "HOME": folder, "PPROF_TMPDIR": folder})
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(f"Type: {view}", done.stdout)


class Addresses(unittest.TestCase):
    def refused(self, address):
        done = subprocess.run([SERVE, address], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False, timeout=PATIENCE_S)
        self.assertEqual(done.returncode, 1, address)
        self.assertEqual(len(done.stderr.splitlines()), 1)
        return done.stderr

    def test_what_is_none_is_refused_in_a_line(self):
        for address in ("", "here", "127.0.0.1", "127.0.0.1:", "127.0.0.1:66666", "::1:6060",
                        "a.example:80", "127.0.0.1:80x", "[127.0.0.1:80", "x" * 5000):
            self.assertIn("expected an address and a port", self.refused(address))

    def test_one_that_is_taken_is_refused(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            self.assertIn("in use", self.refused(f"127.0.0.1:{other.getsockname()[1]}"))

    def test_others_are_good(self):
        for address in (":0", "0", "localhost:0", "[::1]:0", "0.0.0.0:0"):
            if address == "[::1]:0" and not os.path.exists("/proc/net/if_inet6"):
                continue
            done = subprocess.run([SERVE, address], stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, check=False, timeout=PATIENCE_S)
            self.assertEqual((done.returncode, done.stderr), (0, ""), address)
            self.assertGreater(int(done.stdout), 0)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


class BySetting(unittest.TestCase):
    """GAIT_DEBUG=http=ADDRESS, in programs that know nothing of it."""

    def run_program(self, program, setting, libraries, ask):
        """What ask returns while the program runs, and what it has printed on stderr."""
        process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env={**os.environ, "GAIT_DEBUG": setting, "LD_LIBRARY_PATH": libraries})
        self.assertEqual(process.stdout.readline(), "ready\n")
        answer = ask()
        errors = process.communicate(timeout=PATIENCE_S)[1]
        self.assertEqual(process.returncode, 0)
        return answer, errors

    def test_it_answers(self):
        port = free_port()

        def ask():
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
            connection.request("GET", "/metrics")
            return connection.getresponse().read()

        body, errors = self.run_program(SHARED, f"http=127.0.0.1:{port}", LIBRARIES, ask)
        self.assertIn(b"\ngait_gc_heap_live_bytes ", body)
        self.assertEqual(errors, "")

    def test_each_rate(self):
        """Without a rate it is Go's; 0 is off, which is said to whoever asks."""
        for rate in (None, 0, 1, 524288):
            port = free_port()

            def ask():
                answers = []
                for page in ("heap", "allocs"):
                    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
                    connection.request("GET", f"/debug/pprof/{page}")
                    answer = connection.getresponse()
                    answers.append((answer.status, answer.getheader("X-Go-Pprof"), answer.read()))
                if rate == 0 and shutil.which("go"):
                    with tempfile.TemporaryDirectory() as folder:
                        answers.append(subprocess.run(
                            ["go", "tool", "pprof", "-top",
                             f"http://127.0.0.1:{port}/debug/pprof/heap"],
                            capture_output=True, text=True, check=False,
                            env={**os.environ, "HOME": folder, "PPROF_TMPDIR": folder}).stderr)
                return answers

            setting = f"http=127.0.0.1:{port}" + ("" if rate is None else f",memprofilerate={rate}")
            answers, errors = self.run_program(SHARED, setting, LIBRARIES, ask)
            self.assertEqual(errors, "")
            for status, of_pprof, body in answers[:2]:
                if rate == 0:
                    self.assertEqual((status, of_pprof), (404, "1"))
                    self.assertRegex(
                        body, rb"^heap profiles are off: memprofilerate=0, [^\n]*\n$")
                else:
                    self.assertEqual(status, 200)
                    with tempfile.NamedTemporaryFile() as file:
                        file.write(body)
                        file.flush()
                        self.assertEqual(Profile(file.name).period, rate or 524288)
            for shown in answers[2:]:
                self.assertIn("heap profiles are off: memprofilerate=0", shown)

    def test_a_port_that_the_system_chooses_is_told(self):
        _, errors = self.run_program(SHARED, "http=127.0.0.1:0", LIBRARIES, lambda: None)
        self.assertRegex(errors, r"^gait: GAIT_DEBUG=http=127.0.0.1:0: listens at port [1-9]\d*\n$")

    def test_a_heap_may_end_while_somebody_asks(self):
        def ask_on(port, over):
            while not over.is_set():
                try:
                    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as client:
                        client.sendall(b"GET /debug/pprof/heap?gc=1 HTTP/1.1\r\n"
                                       b"Host: localhost\r\n\r\n")
                        client.recv(1)
                except OSError:
                    pass  # it has ended

        for _ in range(6):
            port, over = free_port(), threading.Event()
            clients = [threading.Thread(target=ask_on, args=(port, over)) for _ in range(4)]

            def ask():
                for client in clients:
                    client.start()
                time.sleep(0.3)

            _, errors = self.run_program(SHARED, f"http=127.0.0.1:{port}", LIBRARIES, ask)
            over.set()
            for client in clients:
                client.join(PATIENCE_S)
            self.assertEqual(errors, "")

    def test_a_forks_child_does_not_keep_the_port(self):
        port = free_port()
        process = subprocess.Popen(
            [SHARED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "GAIT_DEBUG": f"http=127.0.0.1:{port}",
                 "LD_LIBRARY_PATH": LIBRARIES})
        self.assertEqual(process.stdout.readline(), "ready\n")
        process.stdin.write("f")
        process.stdin.flush()
        child = int(process.stdout.readline())
        try:
            process.kill()  # so that nothing ends in an orderly way
            process.wait(PATIENCE_S)
            process.stdin.close()
            process.stdout.close()
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        finally:
            os.kill(child, signal.SIGKILL)

    def test_what_can_not_be_is_told_in_a_line(self):
        for program, setting, libraries, expected in (
                (SHARED, "http=here", LIBRARIES, "expected an address and a port"),
                (STATIC, "http=127.0.0.1:0", LIBRARIES, "has not the shared library"),
                (SHARED, "http=127.0.0.1:0", LIBRARIES.split(":", maxsplit=1)[0],
                 "libgait-http.so.0")):
            _, errors = self.run_program(program, setting, libraries, lambda: None)
            self.assertIn(expected, errors)
            self.assertEqual(len(errors.splitlines()), 1, errors)


if __name__ == "__main__":
    if len(sys.argv) < 5 or sys.argv[1].startswith("-"):
        sys.exit(__doc__.strip())
    SERVE, SHARED, STATIC, LIBRARIES = sys.argv[1:5]
    del sys.argv[1:5]
    unittest.main()
