"""The doctor against a small server that says what a test wants; the real one is in tests/line."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crm_bridge.commands import exits
from crm_bridge.commands.findings import DESK
from tests.support.cli import Hotline, hotline

__all__ = ["hotline"]

LEAST = {
    "Ping": "(Priv: <none>)", "CoreStatus": "(Priv: system,reporting,all)",
    "CoreSettings": "(Priv: system,reporting,all)",
    "CoreShowChannels": "(Priv: system,reporting,all)", "BridgeList": "(Priv: <none>)",
    "BridgeInfo": "(Priv: <none>)", "QueueStatus": "(Priv: <none>)",
    "ExtensionStateList": "(Priv: call,reporting,all)",
    **dict.fromkeys(DESK, "(Priv: call,agent,originate,all)"),
}  # fmt: skip
QUEUES = ("information", "complaint", "appointment", "market_information")


class Ami:
    """What the server says; tests change it."""

    def __init__(self) -> None:
        self.port = 0
        self.banner = "Asterisk Call Manager/11.0.0\r\n"
        self.secret = "not used in a replay"
        self.may = dict(LEAST)
        self.skew = 0.0
        self.queues: tuple[str, ...] = QUEUES
        self.members: tuple[str, ...] = ("PJSIP/1001", "Local/1009@agent-local/n")
        self.loaded: set[str] = {"app_queue", "cel_custom", "res_pjsip", "res_parking"}
        self.by_itself = ""
        self.asked: list[str] = []

    def answer(self, action: dict[str, str]) -> str:
        name, mine = action["Action"], f"ActionID: {action['ActionID']}\r\n"
        self.asked.append(name)
        good = f"Response: Success\r\n{mine}"
        match name:
            case "Login":
                if action["Secret"] != self.secret:
                    return f"Response: Error\r\n{mine}Message: Authentication failed\r\n\r\n"
                return f"{good}Message: Authentication accepted\r\n\r\n{self.by_itself}"
            case "ListCommands":
                told = "".join(
                    f"{key}: what it does  {value}\r\n" for key, value in self.may.items()
                )
                return f"{good}{told}\r\n"
            case "CoreSettings":
                return f"{good}AsteriskVersion: 22.10.1\r\nSystemName: pbx1\r\n\r\n"
            case "Ping":
                return f"{good}Ping: Pong\r\nTimestamp: {time.time() + self.skew:.6f}\r\n\r\n"
            case "ModuleCheck":
                if action["Module"] in self.loaded:
                    return f"{good}\r\n"
                return f"Response: Error\r\n{mine}Message: Module not loaded\r\n\r\n"
            case "QueueStatus":
                parts = [f"{good}EventList: start\r\nMessage: Queue status will follow\r\n\r\n"]
                for queue in self.queues:
                    parts.append(f"Event: QueueParams\r\nQueue: {queue}\r\n{mine}\r\n")
                    parts += [
                        f"Event: QueueMember\r\nQueue: {queue}\r\nLocation: {member}\r\n{mine}\r\n"
                        for member in self.members
                    ]
                parts.append(f"Event: QueueStatusComplete\r\n{mine}EventList: Complete\r\n\r\n")
                return "".join(parts)
        return f"Response: Error\r\n{mine}Message: Permission denied\r\n\r\n"


@pytest.fixture
def ami() -> Iterator[Ami]:
    said = Ami()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            try:
                self.wfile.write(said.banner.encode())
                action: dict[str, str] = {}
                for raw in self.rfile:
                    line = raw.decode().rstrip("\r\n")
                    if line:
                        name, _, value = line.partition(": ")
                        action[name] = value
                    elif action:
                        self.wfile.write(said.answer(action).encode())
                        action = {}
            except OSError:
                pass

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        said.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield said
        server.shutdown()
        thread.join()


@pytest.fixture
def doctor(hotline: Hotline, ami: Ami) -> Any:
    def look(*words: str, **environment: str) -> tuple[int, dict[str, dict[str, str]]]:
        said = hotline(
            "doctor", "--json", "--listen", "0.1", *words,
            HOTLINE_NODE__AMI_PORT=str(ami.port), HOTLINE_WEB__PORT="1", **environment,
        )  # fmt: skip
        return said.code, {f"{o['where']} {o['check']}": o for o in said.objects}

    return look


def test_a_least_privilege_user_is_found_right(doctor: Any, ami: Ami, hotline: Hotline) -> None:
    hotline("migrate")
    code, found = doctor()
    assert code == exits.FINE
    for check in ("reachable", "login", "version", "may do what it must", "may do no more", "clock",
                  "queues", "officers"):  # fmt: skip
        assert found[f"lab {check}"]["grade"] == "ok", found[f"lab {check}"]
    for check in ("modules", "timestampevents", "event filter"):
        assert found[f"lab {check}"]["grade"] == "unknown"
        assert found[f"lab {check}"]["mend"]
    assert found["database tables"]["grade"] == "ok"
    assert found["bridge running"]["grade"] == "unknown"
    assert not {"Originate", "Command", "Setvar", "Redirect", "Filter"} & set(ami.asked)


def test_a_refused_login_says_where_to_look(doctor: Any, ami: Ami) -> None:
    ami.secret = "other"
    code, found = doctor()
    assert code == exits.FOUND
    assert found["lab login"]["grade"] == "failed"
    assert "ami_secret" in found["lab login"]["mend"]
    assert ami.secret not in str(found)
    assert "not used in a replay" not in str(found)


def test_what_is_no_ami_is_told(doctor: Any, ami: Ami) -> None:
    ami.banner = "SSH-2.0-OpenSSH_9.2\r\n"
    code, found = doctor()
    assert code == exits.FOUND
    assert "not Asterisk" in found["lab reachable"]["told"]


def test_nobody_there_is_told(hotline: Hotline) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = str(closed.getsockname()[1])
    said = hotline("doctor", "--json", HOTLINE_NODE__AMI_PORT=port, HOTLINE_WEB__PORT="1")
    assert said.code == exits.FOUND
    assert any(o["check"] == "reachable" and o["grade"] == "failed" for o in said.objects)


def test_a_user_who_may_too_much_is_a_warning(doctor: Any, ami: Ami) -> None:
    ami.may |= {"ModuleLoad": "(Priv: system,all)", "Command": "(Priv: command,all)"}
    code, found = doctor()
    assert code == exits.FINE
    finding = found["lab may do no more"]
    assert finding["grade"] == "warning"
    assert "ModuleLoad" in finding["told"]
    assert "Command" in finding["told"]
    assert "write =" in finding["mend"]


def test_a_user_who_may_too_little_fails(doctor: Any, ami: Ami) -> None:
    del ami.may["CoreShowChannels"]
    code, found = doctor()
    assert code == exits.FOUND
    assert "CoreShowChannels" in found["lab may do what it must"]["told"]
    assert "reporting" in found["lab may do what it must"]["mend"]


def test_modules_are_asked_where_that_is_allowed(doctor: Any, ami: Ami) -> None:
    ami.may["ModuleCheck"] = "(Priv: system,all)"
    code, found = doctor()
    assert code == exits.FOUND
    assert found["lab modules"]["told"] == "not loaded: func_channel"
    assert "module load func_channel.so" in found["lab modules"]["mend"]


def test_queues_are_held_against_the_configuration(doctor: Any, ami: Ami) -> None:
    ami.queues = ("information", "complaint", "appointment", "sales")
    code, found = doctor()
    assert code == exits.FOUND
    assert "sales" in found["lab queues"]["told"]  # the later of two findings of that name
    ami.queues = (*QUEUES, "sales")
    code, found = doctor()
    assert code == exits.FINE
    assert found["lab queues"]["grade"] == "warning"


def test_members_that_no_glob_covers_are_named(doctor: Any, ami: Ami) -> None:
    ami.members = ("PJSIP/1001", "SIP/boss")
    _, found = doctor()
    assert found["lab officers"]["grade"] == "warning"
    assert found["lab officers"]["told"].endswith(": SIP/boss")
    ami.members = ()
    assert doctor()[1]["lab officers"]["grade"] == "unknown"


@pytest.mark.parametrize("skew, grade", [(2.0, "warning"), (-60.0, "failed")])
def test_clocks_that_differ_are_told(doctor: Any, ami: Ami, skew: float, grade: str) -> None:
    ami.skew = skew
    _, found = doctor()
    assert found["lab clock"]["grade"] == grade
    told = found["lab clock"]["told"]
    assert int(told.split(" ms")[0]) == pytest.approx(skew * 1000, abs=400), told


@pytest.mark.parametrize(
    "event, stamped, filtered",
    [
        ("Hangup\r\nTimestamp: 1763900000.000001", "ok", "ok"),
        ("Hangup\r\nUniqueid: 1.1", "failed", "ok"),
        ("Newchannel\r\nTimestamp: 1763900000.000001", "ok", "unknown"),
        ("RTCPSent\r\nTimestamp: 1763900000.000001", "ok", "warning"),
    ],
)
def test_events_that_come_show_time_and_filter(
    doctor: Any, ami: Ami, event: str, stamped: str, filtered: str
) -> None:
    ami.by_itself = f"Event: {event}\r\n\r\n"
    _, found = doctor()
    assert found["lab timestampevents"]["grade"] == stamped
    assert found["lab event filter"]["grade"] == filtered


def test_the_last_call_on_record_speaks_for_timestampevents(doctor: Any, hotline: Hotline) -> None:
    hotline.replay("answered_served")
    (call,) = hotline("calls", "--jsonl").objects
    _, found = doctor(HOTLINE_NODE__NAME=call["node"])
    assert found[f"{call['node']} timestampevents"]["grade"] == "ok"


def test_an_open_secret_and_a_missing_database_are_warnings(
    doctor: Any, hotline: Hotline, tmp_path: Path
) -> None:
    secret = tmp_path / "open.toml"
    secret.write_text(hotline.config.read_text())
    secret.chmod(0o644)
    hotline.config = secret
    _, found = doctor()
    assert found["configuration secrets"]["grade"] == "warning"
    assert found["database reachable"]["grade"] == "warning"
    assert not hotline.database.exists()  # a doctor changes nothing


def test_the_table_tells_the_mend(hotline: Hotline, ami: Ami) -> None:
    ami.secret = "other"
    said = hotline("doctor", HOTLINE_NODE__AMI_PORT=str(ami.port), HOTLINE_WEB__PORT="1")
    assert said.code == exits.FOUND
    assert "✗ failed" in said.out
    assert "→ compare ami_username" in said.out
