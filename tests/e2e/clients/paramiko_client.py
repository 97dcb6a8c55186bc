"""Paramiko: runs commands, moves files and forwards ports. Arguments: settings as JSON."""
import base64
import hashlib
import json
import os
import socket
import sys
import threading

import paramiko

settings = json.loads(sys.argv[1])
kind, key = settings["hostKey"].split()

client = paramiko.SSHClient()
client.get_host_keys().add(
    "job", kind, paramiko.Ed25519Key(data=base64.b64decode(key)))
client.set_missing_host_key_policy(paramiko.RejectPolicy())
if "jump" in settings:
    jump = paramiko.Transport((settings["jump"]["host"], settings["jump"]["port"]))
    jump.connect()
    digest = hashlib.sha256(jump.get_remote_server_key().asbytes()).digest()
    shown = "SHA256:" + base64.b64encode(digest).decode().rstrip("=")
    assert shown == settings["jump"]["fingerprint"], shown
    jump.auth_none("ann")
    proxy = jump.open_channel("direct-tcpip", (settings["id"], 22), ("127.0.0.1", 0))
else:
    proxy = paramiko.ProxyCommand(settings["proxyCommand"])
client.connect("job", username=settings["username"], key_filename=settings["key"], sock=proxy,
               allow_agent=False, look_for_keys=False)

# Commands.
stdin, stdout, stderr = client.exec_command("cat; echo err >&2; exit 7")
data = os.urandom(2_000_000)
sender = threading.Thread(target=lambda: (stdin.write(data), stdin.channel.shutdown_write()))
sender.start()
assert stdout.read() == data
assert stderr.read() == b"err\n"
assert stdout.channel.recv_exit_status() == 7
sender.join()

# A shell in a terminal.
shell = client.invoke_shell(term="vt100", width=91, height=31)
shell.sendall(b"stty size; exit 3\n")
shown = b""
while piece := shell.recv(10_000):
    shown += piece
assert b"31 91" in shown, shown
assert shell.recv_exit_status() == 3

# Files.
sftp = client.open_sftp()
sftp.put(settings["file"], "paramiko")
sftp.get("paramiko", settings["file"] + "-paramiko")
with sftp.open("paramiko", "r+") as file:
    file.seek(1_000_000)
    file.write(b"middle")
    file.seek(999_999)
    assert file.read(8)[1:7] == b"middle"
    chunks = file.readv([(0, 10), (500_000, 10)])
    assert [len(chunk) for chunk in chunks] == [10, 10]
sftp.mkdir("paramiko-directory", 0o700)
sftp.rename("paramiko", "paramiko-directory/moved")
sftp.symlink("moved", "paramiko-directory/soft")
sftp.chmod("paramiko-directory/moved", 0o604)
sftp.utime("paramiko-directory/moved", (1_000_000_000, 1_000_000_001))
assert sftp.readlink("paramiko-directory/soft") == "moved"
attributes = sftp.stat("paramiko-directory/soft")
assert attributes.st_mode & 0o777 == 0o604 and attributes.st_mtime == 1_000_000_001
assert sorted(sftp.listdir("paramiko-directory")) == ["moved", "soft"]
try:
    sftp.stat("missing")
    raise AssertionError("a missing file has attributes")
except FileNotFoundError:
    pass
for name in ("moved", "soft"):
    sftp.remove("paramiko-directory/" + name)
sftp.rmdir("paramiko-directory")

# A connection from the job, to a server that answers when it has seen the end.
transport = client.get_transport()
listener = socket.create_server(("127.0.0.1", 0))


def answer_at_end():
    connection, _ = listener.accept()
    received = b""
    while piece := connection.recv(65_536):
        received += piece
    connection.sendall(received[::-1])
    connection.close()


thread = threading.Thread(target=answer_at_end)
thread.start()
channel = transport.open_channel("direct-tcpip", listener.getsockname(), ("127.0.0.1", 1))
channel.sendall(data)
channel.shutdown_write()
answer = b""
while piece := channel.recv(65_536):
    answer += piece
assert answer == data[::-1]
thread.join()

# A connection to the job, at a port that it chooses.
port = transport.request_port_forward("127.0.0.1", 0)
outside = socket.create_connection(("127.0.0.1", port))
channel = transport.accept(20)
outside.sendall(b"in")
assert channel.recv(2) == b"in"
channel.sendall(b"out")
assert outside.recv(3) == b"out"
channel.close()
assert outside.recv(1) == b""
transport.cancel_port_forward("127.0.0.1", port)
try:
    socket.create_connection(("127.0.0.1", port))
    raise AssertionError("the port is still open")
except ConnectionRefusedError:
    pass

client.close()
if "jump" in settings:
    jump.close()
print("all of Paramiko worked")
