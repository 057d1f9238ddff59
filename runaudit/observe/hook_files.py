# -*- coding: utf-8 -*-
"""The part of the hook that sees files: read, written, moved, made, removed.

Runs in the names of `hook.py`, inside the observed program.
"""

# mypy: ignore-errors


def text_of(path):
    """A path as text; None where it is none."""
    try:
        return os.fsdecode(path)
    except TypeError:
        return None


def full(path, folder=None):
    """An absolute name of now. `folder`: the descriptor of the folder a relative name counts from."""
    path = text_of(path)
    if not path:
        return None
    if path[0] != "/":
        if isinstance(folder, int) and folder >= 0:
            base = os.readlink("/proc/self/fd/%d" % folder)
        else:
            base = os.getcwd()
        path = base + "/" + path
    if "//" in path or "/." in path or path[-1] == "/":
        path = os.path.normpath(path)
    return path


def of_a_device(path):
    """Whether a path is one of devices, and not of a file in shared memory."""
    return path[:5] == "/dev/" and path[:9] != "/dev/shm/"


def uninteresting(path):
    """Whether it is the system's, or a compiled file that a module explains."""
    if path[:5] == "/sys/" or path[:6] == "/proc/" or of_a_device(path):
        return True
    return "/__pycache__/" in path and ".pyc" in path


BUDGET = [512 << 20]  # so much is hashed of files that nobody is known to have read
FOLDER = os.O_DIRECTORY | os.O_PATH


def on_open(args):
    path, mode, flags = args
    reads = flags & 3 == 0 and (mode is None or flags or mode[:1] == "r" and "+" not in mode)
    if path in (read_once if reads else wrote_once) and (mode is not None or path[:1] in ("/", b"/")):
        return  # a relative name of os.open may count from a folder that is not told
    if type(path) is int:
        if path == 0 and reads:
            on_input(None)
        return
    if flags & FOLDER:
        return
    plain = type(path) is str and path[:1] == "/" and "//" not in path and "/." not in path and path[-1] != "/"
    name = path if plain else full(path)
    if name is None or uninteresting(name):
        if reads and name is not None and name[:6] == "/proc/":
            on_environ(name)
        return
    if mode is None and not plain and name != text_of(path):
        for other in beside(path, name):
            read(other) if reads else write(other, bool(flags & os.O_TRUNC))
    if reads:
        read(name)
        if not plain and name in read_once:
            read_once[path] = True
    else:
        fresh = bool(flags & (os.O_TRUNC | os.O_EXCL)) or (not flags and mode[:1] in "wx")
        if not fresh and (flags & 3 == 2 or (not flags and "r" in mode)):
            read(name)
        write(name, fresh)
        wrote_once[path] = True
    if not plain:
        near.append(path)


def beside(path, name):
    """For os.open of a relative name: the same name in the folders that are open, as `dir_fd` is not told."""
    found = []
    for number in os.listdir("/proc/self/fd"):
        try:
            base = os.readlink("/proc/self/fd/" + number)
            other = os.path.normpath(base + "/" + text_of(path))
            if base[:1] == "/" and other != name and not uninteresting(other) and os.path.isfile(other):
                found.append(other)
        except OSError:
            continue
    return found


def read(name, via=""):
    """Note a file that is about to be read."""
    if name in read_once and not via:
        return
    if folded or len(read_once) > MANY:
        if many(name):
            return
    by, through, entry = who()
    if is_trackers(through):
        if (name, TRACKED) in noted:
            return
        noted.add((name, TRACKED))
    else:
        read_once[name] = True
    moment = log.now()
    line = f"R\t{moment}\t{name}\t{by}\t{via or entry}\t{through}\n"
    if moment - log.checked > 1000000 or "\\" in line or line.count("\t") > 5 or line.count("\n") > 1 or "\0" in line:
        log.checked = moment  # asking for the pid is dear, so not more than every millisecond
        log.put("R", name, by, via or entry, through)
    else:
        try:
            log.map.write(line.encode())
        except (ValueError, AttributeError):  # no room, a name that is no UTF-8, no log
            log.put("R", name, by, via or entry, through)


TRACKED = "tracked"


def is_trackers(through):
    """Whether a tracker reads, perhaps in its own store: whoever reads that file after it has to be seen as well."""
    return MUTE in through or "/site-packages/mlflow/" in through


def many(name):
    """Whether its folder is told as a whole by now: programs that open a million files keep their memory."""
    parent, above = os.path.dirname(name), []
    for _ in range(3):
        if parent in folded:
            return True
        above.append(parent)
        parent = os.path.dirname(parent)
    for folder in above:
        number = counts[folder] = counts.get(folder, 0) + 1
        if number > MANY and not (os.getcwd() + "/").startswith(folder + "/") and folder.count("/") > 1:
            fold(folder)
            return True
    return False


def fold(folder):
    log.put("F", folder, who()[0])
    folded.add(folder)
    inside = folder + "/"
    for name in [n for n in list(read_once) if type(n) is str and n.startswith(inside)]:
        read_once.pop(name, None)
    number, parent = counts.pop(folder, 0), os.path.dirname(folder)
    for above in (parent, os.path.dirname(parent)):
        counts[above] = counts.get(above, 0) - number
    key = parent + "/*"
    counts[key] = counts.get(key, 0) + 1
    if counts[key] >= SUBFOLDERS and not (os.getcwd() + "/").startswith(parent + "/") and parent.count("/") > 1:
        fold(parent)


def before(name):
    """Note what a file holds before the run changes it: a digest, `0` absent, `-` not known."""
    try:
        state = os.stat(name)
        if state.st_mode & 0o170000 != 0o100000:
            return
        if name not in read_once:
            if BUDGET[0] < state.st_size:
                return
            BUDGET[0] -= state.st_size
        found = "-" if state.st_size > CAP else digest(name)
    except OSError:
        found = "0" if not os.path.lexists(name) else "-"
    log.put("B", name, found)


def digest(name):
    state, had = new_sha256(), read_once.get(name)
    read_once[name] = True  # this open is ours
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            chunk = os.read(descriptor, 1 << 20)
            while chunk:
                state.update(chunk)
                chunk = os.read(descriptor, 1 << 20)
        finally:
            os.close(descriptor)
    finally:
        if not had:
            read_once.pop(name, None)
    return "sha256:" + state.hexdigest()


def write(name, fresh):
    """Note a file that is about to be written. `fresh`: nothing of what it held stays."""
    if name in wrote_once:
        return
    before(name)
    log.put("W", name, "new" if fresh else "keep", *who()[:2])
    wrote_once[name] = True


def on_chdir(args):
    while near:
        name = near.pop()
        read_once.pop(name, None)
        wrote_once.pop(name, None)


def on_move(args):
    old, new = full(args[0], args[2]), full(args[1], args[3])
    if old is None or new is None or uninteresting(new):
        return
    for name in (old, new):
        if name not in wrote_once:
            before(name)
    log.put("M", old, new)
    wrote_once[new] = True
    wrote_once.pop(old, None)


def on_link(args):
    old, new = full(args[0], args[2]), full(args[1], args[3])
    if old and new:
        log.put("L", old, new)
        wrote_once[new] = True


def on_symlink(args):
    new = full(args[1], args[2])
    old = text_of(args[0])
    if old and new:
        log.put("L", os.path.normpath(os.path.join(os.path.dirname(new), old)), new)
        wrote_once[new] = True


def on_remove(args):
    name = full(args[0], args[1])
    if name is None or uninteresting(name):
        return
    if name not in wrote_once:
        before(name)
    log.put("D", name)
    wrote_once.pop(name, None)


def on_mkdir(args):
    name = full(args[0], args[2])
    if name and not name.endswith("/__pycache__") and not os.path.lexists(name):
        log.put("K", name)


LISTERS = tuple(STD + name for name in ("os.py", "glob.py", "pathlib.py", "pathlib/"))


def on_list(args):
    """A folder that the project's own code lists, itself or by the standard library's glob, pathlib and os.walk."""
    frame = getframe(1)
    while frame is not None:
        found = origin(frame)
        if found[0] == 1:
            break
        if found is not NOBODY and (found[0] or not found[1].startswith(LISTERS)):
            return
        frame = frame.f_back
    if frame is None or str(frame.f_globals.get("__name__")).startswith("runaudit."):
        return
    path = args[0]
    name = os.readlink("/proc/self/fd/%d" % path) if type(path) is int else full("." if path is None else path)
    if name and ("listed", name) not in noted and not uninteresting(name + "/") and len(noted) < 20000:
        noted.add(("listed", name))
        log.put("G", name, found[1])


def on_truncate(args):
    name = os.readlink("/proc/self/fd/%d" % args[0]) if isinstance(args[0], int) else full(args[0])
    if name:
        write(name, False)


def on_sqlite(args):
    name = text_of(args[0]) if args[0] is not None else None
    if not name or name == ":memory:":
        return
    if name.startswith("file:"):
        rest = name[5:].split("?")
        if rest[0] in ("", ":memory:") or "mode=memory" in name:
            return
        name = rest[0]
        if name.startswith("//"):
            name = "/" + name[2:].partition("/")[2]
        if "%" in name:
            from urllib.parse import unquote

            name = unquote(name)
    name = full(name)
    if ("opened", name) not in noted and not asks_tracker():
        noted.add(("opened", name))
        log.put("O", "opened", name)
    if name not in read_once:
        before(name)
        read(name, "sqlite3.connect")


def asks_tracker():
    """Whether a tracker asks, for a program or for itself: what MLflow opens is told by what it does with it."""
    frame = getframe(1)
    while frame is not None:
        if "/site-packages/mlflow/" in str(frame.f_globals.get("__file__")):
            return True
        frame = frame.f_back
    return False
