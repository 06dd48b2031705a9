"""Stand-in for LXD's client: a container is a network namespace, held by a process."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(os.environ["STAND_IN_WORKER"], "containers")


def pid(name):
    return (ROOT / name / "pid").read_text().strip()


def said(file):
    """Return the words of a file by which a test makes this LXD fail or slow."""
    path = ROOT.parent / file
    return path.read_text().split() if path.exists() else []


def init(*words):
    words = list(words)
    tag = words.pop(words.index("-c") + 1) if "-c" in words else ""
    name = [word for word in words if word != "-c"][1]
    if name in said("refuses"):
        sys.exit(f"Error: Failed instance creation: no space left for {name}")
    for seconds in said("slow"):
        (ROOT.parent / f"making-{name}").touch()
        time.sleep(float(seconds))
    (ROOT / name).mkdir(parents=True)
    (ROOT / name / "tag").write_text(tag)


def start(name):
    if not (ROOT / name).is_dir():
        sys.exit("Error: Instance not found")
    holder = subprocess.Popen(
        ["unshare", "-n", "-u", "sh", "-c", f"hostname {name}; exec sleep 1000000"],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    (ROOT / name / "pid").write_text(str(holder.pid))
    host = os.readlink("/proc/self/ns/net")
    while os.readlink(f"/proc/{holder.pid}/ns/net") == host:
        time.sleep(0.01)


def attach(bridge, name, _device, interface):
    lock = ROOT / name / "changing"
    try:
        lock.mkdir()
    except FileExistsError:
        sys.exit("Error: ETag doesn't match: another change of the container is under way")
    number = sum(1 for _ in (ROOT / name).glob("port*"))
    (ROOT / name / f"port{number}").touch()
    port = f"v{pid(name)}x{number}"
    words = ["type", "veth", "peer", "name", interface, "netns", pid(name)]
    subprocess.run(["ip", "link", "add", port, "mtu", "1500", *words], check=True)
    subprocess.run(["ip", "link", "set", "dev", port, "master", bridge, "up"], check=True)
    time.sleep(0.02)
    lock.rmdir()


def listed(*words):
    wanted = [word for word in words if "=" in word]
    for folder in sorted(ROOT.glob("*")):
        if not wanted or (folder / "tag").read_text() in wanted:
            print(folder.name)


def run(name, *words):
    words = list(words)[1:]
    if words[:2] == ["ifconfig", "admin"]:
        (ROOT / name / "address").write_text(words[2])
    sys.exit(subprocess.run(["nsenter", "-t", pid(name), "-n", "-u", *words], check=False).returncode)


def end(holder):
    """End a container with all that runs in it; one that is only starting is in the worker's namespace."""
    namespace = os.readlink(f"/proc/{holder}/ns/net")
    os.kill(holder, signal.SIGKILL)
    if namespace == os.readlink("/proc/self/ns/net"):
        return
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.readlink(path / "ns" / "net") == namespace:
                os.kill(int(path.name), signal.SIGKILL)


def delete(*words):
    (name,) = [word for word in words if word != "--force"]
    if (ROOT / name / "pid").exists():
        for port in range(sum(1 for _ in (ROOT / name).glob("port*"))):
            subprocess.run(
                ["ip", "link", "del", f"v{pid(name)}x{port}"], check=False, stderr=subprocess.DEVNULL
            )
        end(int(pid(name)))
    for path in (ROOT / name).iterdir():
        path.rmdir() if path.is_dir() else path.unlink()
    (ROOT / name).rmdir()


verb, *rest = sys.argv[1:]
if verb == "image":
    sys.exit(0 if rest[1] == "ubuntu" else "Error: Image not found")
if verb == "profile":
    print("devices:", "  root:", "    path: /", "    type: disk", sep="\n")
elif verb == "version":
    print("Client version: 5.0.2", "Server version: 5.0.2", sep="\n")
elif verb == "network":
    attach(*rest[1:])
else:
    {"init": init, "start": start, "list": listed, "exec": run, "delete": delete}[verb](*rest)
