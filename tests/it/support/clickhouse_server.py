"""ClickHouse's engine (PyPI's chdb-core) behind as much of its HTTP interface as an inserting client sees.

The engine, its parser, its types, its de-duplication and its error codes are the real ones; connections, users, time limits
and statuses are this script's. One engine in a process; it ends when its standard input does, so that no test leaves one
behind. `POST /_mock/behave` makes it misbehave: see `Behaviour`.
"""

import argparse
import base64
import gzip
import json
import re
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from chdb import session

# Parameters of the address that are no settings of the query.
OWN = {"query", "database", "user", "password", "default_format", "query_id", "session_id"}
# Settings that are about the connection, of which the engine knows nothing; `readonly` could not be taken back in its one session.
OWN |= {"readonly", "cancel_http_readonly_queries_on_client_close"}
# What the server answers where it is not 500: src/Server/HTTP/exceptionCodeToHTTPStatus.cpp.
STATUSES = {
    400: {6, 26, 27, 33, 38, 41, 43, 53, 62, 69, 70, 72, 117, 130},
    401: {194},
    403: {192, 193, 497, 516},
    404: {16, 46, 47, 50, 60, 81, 115},
    408: {159},
    501: {48},
    503: {203, 209},
}


class Behaviour:
    """What is to go wrong: `{"mode": M, "holds": TEXT, "times": N, "skip": N}`.

    The mode is `cut` (nothing is done, the connection closes), `half` (all is done, the connection closes without an
    answer), `hang` (nothing is done, no answer until it behaves again), `late` (nothing is done until it behaves otherwise,
    then all is) or a code of ClickHouse's (answered at once). It concerns queries that hold the text, all but the first
    `skip`, and at most `times` of them. `/_mock/late` says how many are late just now.
    """

    def __init__(self):
        self.late = threading.Condition()
        self.waiting = 0
        self.set({})

    def set(self, wanted):
        with self.late:
            self.tell(wanted)
            self.late.notify_all()

    def wait(self):
        with self.late:
            self.waiting += 1
            self.late.wait_for(lambda: self.mode != "late")
            self.waiting -= 1

    def tell(self, wanted):
        self.mode = wanted.get("mode", "ok")
        self.holds = wanted.get("holds", "")
        self.times = wanted.get("times", sys.maxsize)
        self.skip = wanted.get("skip", 0)

    def next(self, query):
        if self.mode == "ok" or self.holds not in query:
            return "ok"
        if self.skip > 0:
            self.skip -= 1
            return "ok"
        if self.times <= 0:
            return "ok"
        self.times -= 1
        return self.mode


class Engine:
    """The engine, one query at a time."""

    def __init__(self, path, version):
        self.session = session.Session(path)
        self.turn = threading.Lock()
        self.version = version or self.text("SELECT version()").strip()
        # Of each insert that was carried out: its length and its settings.
        self.inserts = []
        self.behaviour = Behaviour()

    def text(self, query, form="TabSeparated"):
        answer = self.session.query(query, form)
        return answer.bytes().decode() if answer is not None else ""

    def run(self, query, settings, database, form):
        with self.turn:
            if database:
                self.text(f"USE {quoted(database)}")
            done = []
            try:
                for name, value in settings:
                    value = value.replace("\\", "\\\\").replace("'", "\\'")
                    self.text(f"SET {name} = '{value}'")
                    done.append(name)
                answer = self.text(query, form)
                if query.lstrip()[:6].upper() == "INSERT":
                    self.inserts.append({"bytes": len(query), **dict(settings)})
                return answer
            finally:
                for name in done:
                    self.text(f"SET {name} = DEFAULT")


def quoted(name):
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def status_of(code):
    return next((status for status, codes in STATUSES.items() if code in codes), 500)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    engine = None
    user = password = ""

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.handle_one()

    def do_POST(self):
        self.handle_one()

    def body(self):
        data = self.rfile.read(int(self.headers.get("content-length") or 0))
        return gzip.decompress(data) if self.headers.get("content-encoding") == "gzip" else data

    def answer(self, status, text, code=0):
        data = text.encode()
        self.send_response(status)
        self.send_header("content-type", "text/plain; charset=UTF-8")
        self.send_header("content-length", str(len(data)))
        if code:
            self.send_header("X-ClickHouse-Exception-Code", str(code))
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, code, words):
        self.answer(status_of(code), f"Code: {code}. {words} (version {self.engine.version})\n", code)

    def hang_up(self):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def may_enter(self, params):
        name, word = self.headers.get("x-clickhouse-user"), self.headers.get("x-clickhouse-key", "")
        scheme, _, rest = (self.headers.get("authorization") or "").partition(" ")
        if scheme.lower() == "basic":
            name, _, word = base64.b64decode(rest).decode().partition(":")
        name, word = params.get("user", name or "default"), params.get("password", word)
        return name == self.user and word == self.password

    def handle_one(self):
        address, body = urlsplit(self.path), self.body().decode("utf-8", "replace")
        if address.path == "/ping":
            return self.answer(200, "Ok.\n")
        if address.path == "/_mock/behave":
            self.engine.behaviour.set(json.loads(body))
            return self.answer(200, "")
        if address.path == "/_mock/late":
            return self.answer(200, json.dumps(self.engine.behaviour.waiting))
        if address.path == "/_mock/inserts":
            return self.answer(200, json.dumps(self.engine.inserts))
        params = parse_qsl(address.query, keep_blank_values=True)
        named = dict(params)
        if not self.may_enter(named):
            return self.refuse(516, "DB::Exception: default: Authentication failed. (AUTHENTICATION_FAILED)")
        query = "\n".join(part for part in (named.get("query", ""), body) if part)
        if not query.strip():
            return self.answer(200, "Ok.\n")
        mode = self.engine.behaviour.next(query)
        if mode == "cut":
            return self.hang_up()
        if mode == "hang":
            while self.engine.behaviour.mode == "hang":
                threading.Event().wait(0.02)
            return self.hang_up()
        if mode == "late":
            self.engine.behaviour.wait()
        if isinstance(mode, int):
            return self.refuse(mode, "DB::Exception: as the test has it.")
        if query.strip().lower() == "select version()":
            return self.answer(200, self.engine.version + "\n")
        settings = [(name, value) for name, value in params if name not in OWN]
        form = named.get("default_format", "TabSeparated")
        try:
            answer = self.engine.run(query, settings, named.get("database"), form)
        except Exception as error:  # The engine's own class is not exported.
            said = re.match(r"Code: (\d+)\. (.*)", str(error), re.DOTALL)
            code, words = (int(said[1]), said[2]) if said else (1002, f"DB::Exception: {error}")
            return self.refuse(code, words.strip())
        if mode == "half":
            return self.hang_up()
        self.answer(200, answer)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--path", required=True)
    args.add_argument("--port", type=int, default=0)
    args.add_argument("--user", default="default")
    args.add_argument("--password", default="")
    args.add_argument("--version", default="")
    asked = args.parse_args()
    Handler.engine = Engine(asked.path, asked.version)
    Handler.user, Handler.password = asked.user, asked.password
    server = ThreadingHTTPServer(("127.0.0.1", asked.port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


main()
