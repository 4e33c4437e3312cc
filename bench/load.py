"""Load on a server: kept connections that send the next request as soon as an answer is whole."""

import asyncio
from typing import NamedTuple


class Load(NamedTuple):
    """Answers in the time that counts, and all of them, those of warming up included."""

    counted: int
    total: int


def load(
    port: int, requests: list[bytes], *, connections: int, seconds: float, status: int = 200, stride: int = 1
) -> Load:
    """Send whole HTTP/1.1 requests in turn; the connection ``n`` begins with the request ``n * stride``.

    Raises
    ------
    AssertionError
        If an answer has another status.
    """
    return asyncio.run(_load(port, requests, connections, seconds, (status, stride)))


async def _load(
    port: int, requests: list[bytes], connections: int, seconds: float, how: tuple[int, int]
) -> Load:
    loop = asyncio.get_running_loop()
    status, stride = how
    senders = [
        (await loop.create_connection(lambda n=n: _Sender(requests, n * stride, status), "127.0.0.1", port))[
            1
        ]
        for n in range(connections)
    ]
    # A second to warm up, uncounted.
    await asyncio.sleep(1.0)
    before = sum(sender.answered for sender in senders)
    await asyncio.sleep(seconds)
    total = sum(sender.answered for sender in senders)
    for sender in senders:
        sender.transport.close()
    return Load(total - before, total)


class _Sender(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(self, requests: list[bytes], begin: int, status: int) -> None:
        self._requests = requests
        self._next = begin
        self._expected = f"HTTP/1.1 {status}".encode()
        self._got = b""
        self.answered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, found, body = self._got.partition(b"\r\n\r\n")
        if not found:
            return
        assert head.startswith(self._expected), self._got[:500]
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if len(body) >= int(length):
            self._got = b""
            self.answered += 1
            self._send()

    def _send(self) -> None:
        self.transport.write(self._requests[self._next % len(self._requests)])
        self._next += 1
