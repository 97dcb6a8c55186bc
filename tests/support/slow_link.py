"""A slow link between two network namespaces: slow_link.py BYTES_PER_SECOND ONE_WAY_DELAY_MS

To be run as root of a network namespace of its own, which gets the address 10.0.0.1. The other end,
10.0.0.2, is in the namespace of this process: nsenter --net --target PID. Both directions have the
rate each, and a queue of a tenth of a second that drops what does not fit, as routers do.
"""

import collections
import ctypes
import fcntl
import os
import select
import struct
import subprocess
import sys
import time

RATE, DELAY = float(sys.argv[1]), float(sys.argv[2]) / 1000
QUEUE = 0.1
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
CLONE_NEWNET = 0x40000000
MTU = 1500


def end(address):
    """An interface in the present namespace whose packets are read from and written to a file."""
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", b"slow", IFF_TUN | IFF_NO_PI))
    address = f"addr add {address}/30 dev slow"
    for command in (address, f"link set slow up mtu {MTU}", "link set lo up"):
        subprocess.run(["ip", *command.split()], check=True)
    return tun


class Direction:
    def __init__(self, target):
        self.target = target
        self.free_at = 0.0
        self.packets = collections.deque()

    def take(self, packet):
        now = time.monotonic()
        if self.free_at - now > QUEUE:
            return
        self.free_at = max(self.free_at, now) + len(packet) / RATE
        self.packets.append((self.free_at + DELAY, packet))

    def deliver(self):
        """Returns when the next packet arrives."""
        while self.packets:
            arrival, packet = self.packets[0]
            if arrival > time.monotonic():
                return arrival
            self.packets.popleft()
            try:
                os.write(self.target, packet)
            except OSError:
                pass  # Its queue is full: the packet is lost.
        return float("inf")


near = end("10.0.0.1")
if ctypes.CDLL(None).unshare(CLONE_NEWNET) != 0:
    sys.exit("no network namespace")
far = end("10.0.0.2")
directions = {near: Direction(far), far: Direction(near)}
print("ready", flush=True)
while True:
    arrival = min(direction.deliver() for direction in directions.values())
    wait = None if arrival == float("inf") else max(0, arrival - time.monotonic())
    for tun in select.select([near, far], [], [], wait)[0]:
        for _ in range(64):
            try:
                directions[tun].take(os.read(tun, MTU))
            except BlockingIOError:
                break
