"""AsyncSSH: runs commands, moves files and forwards ports. Arguments: settings as JSON."""
import asyncio
import json
import os
import shlex
import sys

import asyncssh

settings = json.loads(sys.argv[1])


async def commands(connection):
    data = os.urandom(2_000_000)
    result = await connection.run("cat; echo err >&2; exit 7", input=data, encoding=None)
    assert (result.stdout, result.stderr, result.exit_status) == (data, b"err\n", 7)
    result = await connection.run("kill -TERM $$")
    assert result.exit_signal[0] == "TERM", result
    result = await connection.run("stty size", term_type="vt100", term_size=(91, 31))
    assert result.stdout.strip() == "31 91", result
    results = await asyncio.gather(*(connection.run(f"echo {n}") for n in range(10)))
    assert [result.stdout for result in results] == [f"{n}\n" for n in range(10)]


async def files(connection):
    async with connection.start_sftp_client() as sftp:
        await sftp.put(settings["file"], "asyncssh", preserve=True)
        await sftp.get("asyncssh", settings["file"] + "-asyncssh")
        async with sftp.open("asyncssh", "rb") as file:
            assert len(await file.read(100, 1_000_000)) == 100
        await sftp.mkdir("asyncssh-directory")
        await sftp.posix_rename("asyncssh", "asyncssh-directory/moved")
        await sftp.link("asyncssh-directory/moved", "asyncssh-directory/hard")
        await sftp.symlink("moved", "asyncssh-directory/soft")
        await sftp.truncate("asyncssh-directory/moved", 1_000)
        assert await sftp.getsize("asyncssh-directory/hard") == 1_000
        assert sorted(await sftp.glob("asyncssh-directory/*o*")) == [
            "asyncssh-directory/moved", "asyncssh-directory/soft"]
        assert (await sftp.statvfs(".")).bsize > 0
        try:
            await sftp.stat("missing")
            raise AssertionError("a missing file has attributes")
        except asyncssh.SFTPNoSuchFile:
            pass
        await sftp.rmtree("asyncssh-directory")
    await asyncssh.scp(settings["file"], (connection, "asyncssh-scp"))
    with open(settings["file"], "rb") as sent:
        with open(os.path.join(settings["directory"], "asyncssh-scp"), "rb") as received:
            assert sent.read() == received.read()


async def reverse(reader, writer):
    """A server that answers when it has seen the end."""
    writer.write((await reader.read())[::-1])
    writer.close()


async def exchange(reader, writer):
    data = os.urandom(300_000)
    writer.write(data)
    writer.write_eof()
    assert await reader.read() == data[::-1]
    writer.close()


async def forwards(connection):
    server = await asyncio.start_server(reverse, "127.0.0.1", 0)
    path = os.path.join(settings["directory"], "asyncssh.sock")
    unix = await asyncio.start_unix_server(reverse, path)
    port = server.sockets[0].getsockname()[1]
    reader, writer = await connection.open_connection("127.0.0.1", port, encoding=None)
    await exchange(reader, writer)
    reader, writer = await connection.open_unix_connection(path, encoding=None)
    await exchange(reader, writer)
    async with connection.forward_local_port("127.0.0.1", 0, "127.0.0.1", port) as listener:
        await exchange(*await asyncio.open_connection("127.0.0.1", listener.get_port()))
    listener = await connection.forward_remote_port("127.0.0.1", 0, "127.0.0.1", port)
    remote_port = listener.get_port()
    await exchange(*await asyncio.open_connection("127.0.0.1", remote_port))
    listener.close()
    await listener.wait_closed()
    remote_path = os.path.join(settings["directory"], "asyncssh-remote.sock")
    listener = await connection.forward_remote_path(remote_path, path)
    await exchange(*await asyncio.open_unix_connection(remote_path))
    listener.close()
    await listener.wait_closed()
    await connection.run("true")
    try:
        await asyncio.open_connection("127.0.0.1", remote_port)
        raise AssertionError("the port is still open")
    except ConnectionRefusedError:
        pass
    assert not os.path.exists(remote_path)
    for listening in (server, unix):
        listening.close()


async def main():
    if "jump" in settings:
        jump = settings["jump"]
        async with asyncssh.connect(
                jump["host"], jump["port"], username="ann", client_keys=None, config=None,
                known_hosts=None, agent_path=None) as tunnel:
            shown = tunnel.get_server_host_key().get_fingerprint()
            assert shown == jump["fingerprint"], shown
            await log_in(settings["id"], tunnel=tunnel)
    else:
        await log_in("job", proxy_command=shlex.split(settings["proxyCommand"]))
    print("all of AsyncSSH worked")


async def log_in(host, **way):
    known_hosts = asyncssh.import_known_hosts(host + " " + settings["hostKey"] + "\n")
    async with asyncssh.connect(
            host, username=settings["username"], client_keys=[settings["key"]], config=None,
            known_hosts=known_hosts, agent_path=None, **way) as connection:
        await commands(connection)
        await files(connection)
        await forwards(connection)


asyncio.run(main())
