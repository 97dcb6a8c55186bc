"""A slow link in front of a TCP server: slow_link.py PORT BYTES_PER_SECOND ONE_WAY_DELAY_MS

Prints the port that it listens on. Both directions have the rate each, shared by all connections, and
the delay. Its socket buffers are small and its queue is a tenth of a second, so what does not fit
waits in the programs at its ends, as on a real link.
"""

import asyncio
import socket
import sys

port, rate, delay = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]) / 1000
PIECE = max(1400, min(65536, int(rate / 100)))
SOCKET_BUFFER = max(16384, min(1 << 20, int(rate / 10)))


def small(sock):
    """Few bytes in the kernel: loopback's large segments would have it keep megabytes."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setblocking(False)
    return sock


class Direction:
    """What all connections share of one direction."""

    def __init__(self):
        self.free_at = 0.0

    async def send(self, size):
        """Waits until the link has taken so many bytes; returns when they arrive."""
        loop = asyncio.get_running_loop()
        self.free_at = max(self.free_at, loop.time()) + size / rate
        arrival = self.free_at + delay
        await asyncio.sleep(max(0, self.free_at - loop.time() - 0.01))
        return arrival


async def carry(direction, source, target):
    """Copies one way until end of file, each piece after its time."""
    loop = asyncio.get_running_loop()
    # What is on its way: the delay's worth and a tenth of a second.
    pieces = asyncio.Queue(max(4, int(rate * (delay + 0.1) / PIECE)))

    async def deliver():
        while True:
            arrival, data = await pieces.get()
            await asyncio.sleep(arrival - loop.time())
            if not data:
                return target.shutdown(socket.SHUT_WR)
            await loop.sock_sendall(target, data)

    delivering = asyncio.ensure_future(deliver())
    try:
        data = b"-"
        while data:
            data = await loop.sock_recv(source, PIECE)
            await pieces.put((await direction.send(len(data)), data))
        await delivering
    except OSError:
        delivering.cancel()
        for sock in (source, target):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


async def serve(client, up, down):
    server = small(socket.socket())
    try:
        await asyncio.get_running_loop().sock_connect(server, ("127.0.0.1", port))
        await asyncio.gather(carry(up, client, server), carry(down, server, client))
    finally:
        client.close()
        server.close()


async def main():
    up, down = Direction(), Direction()
    listener = small(socket.socket())
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    print(listener.getsockname()[1], flush=True)
    tasks = set()
    while True:
        client, _ = await asyncio.get_running_loop().sock_accept(listener)
        task = asyncio.ensure_future(serve(small(client), up, down))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


asyncio.run(main())
