# -*- coding: utf-8 -*-
"""The part of the hook that sees whom a program connects to: hosts, and services of its own machine.

Runs in the names of `hook.py`, inside the observed program.
"""

# mypy: ignore-errors


def on_connect(args):
    place = args[1]
    if isinstance(place, (str, bytes)):
        name = os.fsdecode(place)
        on_local("@" + name[1:] if name[:1] == "\0" else name)
    elif isinstance(place, tuple) and len(place) > 1:
        host = os.fsdecode(place[0]) if isinstance(place[0], (str, bytes)) else None
        if host is not None and is_local(host):
            on_local("%s:%s" % (host or "localhost", place[1]), place[1])
        else:
            on_network(host, True)


def is_local(host):
    """Whether a host is this machine."""
    host = host[7:] if host[:7] == "::ffff:" else host
    return host in ("", "localhost", "::1", "0.0.0.0", "::", os.uname()[1]) or host[:4] == "127."


def on_network(host, connects=False):
    host = host.decode("utf-8", "replace") if isinstance(host, bytes) else host
    if not isinstance(host, str) or is_local(host):
        return  # a service of this machine is told when it is connected to
    project, packages = who_connects()
    asked = (project, tuple(packages[-3:]))
    if connects and asked in noted:
        return  # its name was told when it was looked up
    key = (host, asked)
    if key not in noted:
        noted.update((key, asked))
        log.put("N", host, project, ",".join(packages))


def who_connects():
    """The project's file that asks the network, and the packages with their functions that it asks through."""
    frame, packages = getframe(1), []
    while frame is not None:
        found = origin(frame)
        if found[0] == 1:
            return found[1], packages
        if found[0] == 2:
            package = package_of(found[1]) + ":" + frame.f_code.co_name
            if package not in packages:
                packages.append(package)
        frame = frame.f_back
    return "", packages


def on_local(name, port=None):
    """A connection to a service of this machine. The run's own processes and the system's log are no input; and where
    nobody listens, nothing comes in. Whoever else listens, or is not to be found, is told."""
    project, packages = who_connects()
    key = ("local", name, project, tuple(packages))
    if key in noted or name in ("/dev/log", "/var/run/syslog", "/run/systemd/journal/socket"):
        return
    try:
        inodes = listening(name, port)
        if not inodes and (port is not None or not os.path.exists(name)):
            return
        own = any(holds(pid, inodes) for pid in [str(os.getpid())] + os.listdir("/proc") if pid.isdigit())
    except (OSError, ValueError):
        own = False  # the doubtful case is an input
    noted.add(key)
    if not own:
        log.put("N", full(name) if port is None and name[:1] != "@" else name, project, ",".join(packages))


def listening(name, port):
    """The inodes of the sockets at a port, or at a path."""
    found = set()
    for table in ("unix",) if port is None else ("tcp", "tcp6", "udp", "udp6"):
        try:
            with open("/proc/self/net/" + table, "rb") as file:
                rows = [row.split(None, 7 if port is None else -1) for row in file.read().splitlines()[1:]]
        except FileNotFoundError:  # a machine without IPv6
            continue
        for row in rows:
            if port is None:
                if len(row) == 8 and os.fsdecode(row[7]) == name:
                    found.add("socket:[%d]" % int(row[6]))
            elif int(row[1].rpartition(b":")[2], 16) == port and (row[3] == b"0A" or table[:3] == "udp"):
                found.add("socket:[%d]" % int(row[9]))
    return found


def holds(pid, inodes):
    """Whether a process is of this run, and holds one of the sockets."""
    folder = "/proc/" + pid
    try:
        if not of_this_run(pid):
            return False
        for number in os.listdir(folder + "/fd"):
            try:
                if os.readlink(folder + "/fd/" + number) in inodes:
                    return True
            except OSError:
                continue
    except OSError:
        pass  # another user's, or it ended
    return False


def of_this_run(pid):
    """Whether a process is of this run: it, or one that it descends from, keeps a log or was started with the
    observer's folder in its environment."""
    noted.add(("listed", log.folder))  # the listing is ours
    logged = {name.partition("-")[0] for name in os.listdir(log.folder)}
    for _ in range(64):
        if pid in logged:
            return True
        with open("/proc/%s/environ" % pid, "rb") as file:
            if OBSERVER[0] in file.read():
                return True
        with open("/proc/%s/stat" % pid, "rb") as file:
            pid = file.read().rpartition(b")")[2].split()[1].decode()
        if pid in ("0", "1"):
            return False
    return False


OBSERVER = [b"\0\0"]
"""The folder of the observer, as processes of this run have it in PYTHONPATH."""
