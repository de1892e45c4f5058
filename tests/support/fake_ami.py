"""A fake AMI server: a small TCP server that speaks just enough AMI for the tests of the client.

It is not Asterisk; what it says was copied from Asterisk 22.10. The real one is in tests/line.
"""

from __future__ import annotations

import asyncio

REPLIES = {
    "Ping": ["Response: Success\r\n{id}Ping: Pong\r\nTimestamp: 1763900000.000001"],
    "Filter": ["Response: Success\r\n{id}Message: Success"],
    "CoreStatus": [
        "Response: Success\r\n{id}CoreStartupDate: 2026-11-23\r\nCoreStartupTime: 18:11:38"
    ],
    "CoreShowChannels": [
        "Response: Success\r\n{id}EventList: start\r\nMessage: Channels will follow",
        "Event: CoreShowChannel\r\n{id}Uniqueid: 1.1\r\nLinkedid: 1.1",
        "Event: CoreShowChannelsComplete\r\n{id}EventList: Complete\r\nListItems: 1",
    ],
    "BridgeList": [
        "Response: Success\r\n{id}EventList: start\r\nMessage: Bridge listing will follow",
        "Event: BridgeListItem\r\n{id}BridgeUniqueid: b-1\r\nBridgeNumChannels: 2",
        "Event: BridgeListItem\r\n{id}BridgeUniqueid: b-2\r\nBridgeNumChannels: 0",
        "Event: BridgeListItem\r\n{id}BridgeUniqueid: b-gone\r\nBridgeNumChannels: 1",
        "Event: BridgeListComplete\r\n{id}EventList: Complete\r\nListItems: 3",
    ],
    "BridgeInfo": [
        "Response: Success\r\n{id}EventList: start\r\nMessage: Bridge channel listing will follow",
        "Event: BridgeInfoChannel\r\n{id}Channel: PJSIP/1001-1\r\nUniqueid: 1.1",
        "Event: BridgeInfoComplete\r\n{id}EventList: Complete\r\nBridgeUniqueid: b-1",
    ],
    "QueueStatus": [
        "Response: Success\r\n{id}EventList: start\r\nMessage: Queue status will follow",
        "Event: QueueParams\r\nQueue: information\r\nCalls: 0\r\n{id}Max: 0",
        "Event: QueueStatusComplete\r\n{id}EventList: Complete\r\nListItems: 1",
    ],
    "ExtensionStateList": [
        "Response: Success\r\n{id}EventList: start\r\nMessage: Extension Statuses will follow",
        "Event: ExtensionStatus\r\n{id}Exten: 1001\r\nContext: agent-numbers\r\nStatus: 0",
        "Event: ExtensionStateListComplete\r\n{id}EventList: Complete\r\nListItems: 1",
    ],
    "Hangup": ["Response: Success\r\n{id}Message: Channel Hungup"],
    "Logoff": ["Response: Goodbye\r\n{id}Message: Thanks for all the fish."],
}


class FakeAmi:
    """Answers logins and actions; tests steer it through its attributes."""

    def __init__(self) -> None:
        self.port = 0
        self.secret = "right"
        self.refused: set[str] = set()
        self.silent: set[str] = set()
        self.why = "Permission denied"
        self.received: list[dict[str, str]] = []
        self.logins = 0
        self.writers: list[asyncio.StreamWriter] = []
        self.banner = b"Asterisk Call Manager/11.0.0\r\n"
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def cut(self, last_words: bytes = b"") -> None:
        for writer in self.writers:
            writer.write(last_words)
            writer.close()
        self.writers.clear()

    def send(self, *messages: str) -> None:
        for message in messages:
            self.writers[-1].write(message.encode() + b"\r\n\r\n")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.writers.append(writer)
        try:
            writer.write(self.banner)
            while True:
                raw = await reader.readuntil(b"\r\n\r\n")
                action = dict(
                    line.split(": ", 1) for line in raw.decode().split("\r\n") if ": " in line
                )
                self.received.append(action)
                self._answer(writer, action)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self._tasks.discard(task)

    def _answer(self, writer: asyncio.StreamWriter, action: dict[str, str]) -> None:
        name, given = action["Action"], f"ActionID: {action['ActionID']}\r\n"
        if name in self.silent:
            return
        if name == "Login":
            right = action["Secret"] == self.secret
            self.logins += right
            said = "Authentication accepted" if right else "Authentication failed"
            reply = [f"Response: {'Success' if right else 'Error'}\r\n{given}Message: {said}"]
        elif name in self.refused:
            reply = [f"Response: Error\r\n{given}Message: {self.why}"]
        elif action.get("BridgeUniqueid") == "b-gone":
            reply = [f"Response: Error\r\n{given}Message: Specified BridgeUniqueid not found"]
        else:
            said = REPLIES.get(name, ["Response: Error\r\n{id}Message: Invalid/unknown command"])
            reply = [text.replace("{id}", given) for text in said]
        for text in reply:
            writer.write(text.encode() + b"\r\n\r\n")
        if name == "Login" and not right:
            writer.close()
