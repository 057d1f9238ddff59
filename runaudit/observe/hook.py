# -*- coding: utf-8 -*-
"""Runs inside the observed program: notes what it reads, writes, runs, starts, looks up and seeds, at first sight.

Laid as `sitecustomize.py` on PYTHONPATH it is executed by interpreters that nobody chose: standard library only, for
CPython 3.8 and later, and it parses (and does nothing but hand on) even under Python 2. It may never be noticed: no
exception of the program is swallowed, no lock, no descriptor that is needed later, nothing printed, nothing left in
`sys.modules` or `sys.path`. Events come before the act, so what a file held before it is overwritten can be kept.
"""

# mypy: ignore-errors
import os
import sys

CAP = 32 << 20  # a file larger than this is not hashed before it is overwritten: what it held is unknown
TEXT = 1 << 20  # of a longer text without a file the beginning is kept
MANY, SUBFOLDERS = 4000, 16  # so many files of one folder, so many such folders in one: told as one folder
MARK = "_runaudit_observer"
MASKED = frozenset("SCTEVYN")  # what these lines say may be a secret: no file shows it as it is
KEY = "../../../../redaction.key"  # of the store, seen from where the logs lie


class Log(object):
    """What one process saw: a file mapped into memory, so that neither SIGKILL nor closed descriptors lose a line.

    The space is allocated first (a hole on a full disk would kill the program) and mappings are kept for ever: closing
    one would close a descriptor of the program's that has got the same number meanwhile.
    """

    def __init__(self, folder):
        import mmap
        import time

        self.folder, self.mmap, self.now, self.getpid = folder, mmap.mmap, time.monotonic_ns, os.getpid
        self.pid, self.part, self.kept, self.map, self.head, self.late = 0, 0, [], None, None, False
        self.checked = 0
        self.key = key_of(folder)

    def piece(self, size):
        """Begin the next file of this process; raises OSError where there is no room."""
        pid = self.getpid()
        forked = self.pid not in (0, pid)
        if pid != self.pid:
            self.pid, self.part = pid, 0
        name = "%s/%d-%x-%d.log" % (self.folder, pid, self.now(), self.part)
        self.part += 1
        read_once[name] = wrote_once[name] = True
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, size)
            try:
                fresh = self.mmap(descriptor, size, trackfd=False)
            except TypeError:
                fresh = self.mmap(descriptor, size)
        finally:
            os.close(descriptor)
        self.kept.append(fresh)
        fresh.write(b"runaudit-log/1\t \n")
        self.map = fresh  # only now: what another thread wrote before the first line would be taken for it
        if self.part == 1 and self.head is not None:
            self.put("S", str(os.getppid()), "fork" if forked else "late" if self.late else "start", *self.head)

    def put(self, kind, *fields):
        """Append a line: its kind, the moment, the fields."""
        if self.map is None:
            return
        if self.getpid() != self.pid:
            self.renew()
        text = "\t".join(fields)
        if "\\" in text or "\n" in text or "\0" in text or text.count("\t") >= len(fields):
            text = "\t".join([escaped(field) for field in fields])
        try:
            data = text.encode("utf-8", "surrogateescape")
        except UnicodeError:
            data = text.encode("utf-8", "backslashreplace")
        stamp = b"%s\t%d\t" % (kind.encode(), self.now())
        if kind in MASKED:
            data = masked(self.key, stamp + b"%d" % self.pid, data)
        line = stamp + data + b"\n"
        try:
            self.map.write(line)
        except ValueError:
            self.more(line)

    def more(self, line):
        """Go on in another file; where there is no room, say so in the old one."""
        full = self.map
        try:
            self.piece(max(min(4 * len(full), 4 << 20), 2 * len(line)))
            self.map.write(line)
        except (OSError, ValueError):
            full[15:16] = b"!"
            self.map = None

    def renew(self):
        """In a child made by fork: a log of its own."""
        try:
            self.piece(16384)
        except (OSError, ValueError):
            self.map = None


def escaped(field):
    """A field that holds no separator."""
    return field.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\0", "\\0")


def new_sha256(made=[]):
    """A SHA-256 that leaves no module behind that the program would not have loaded."""
    for module in () if made else ("_sha2", "_sha256", "hashlib"):
        had = module in sys.modules
        try:
            made.append(__import__(module).sha256)
            break
        except ImportError:
            continue
        finally:
            if not had and module != "hashlib":
                sys.modules.pop(module, None)
    if not made:
        raise OSError("no sha256")
    return made[0]()


def key_of(folder):
    """The key of the store that a folder of logs lies in; empty where it lies in none."""
    try:
        with open(os.path.join(folder, KEY), "rb") as file:
            return file.read(64)
    except OSError:
        return b""


def masked(key, stamp, data):
    """Bytes that only the key makes legible: `~` and hexadecimal, `^` where there is no key. No two lines share a
    stamp, so no two are masked alike."""
    pad = []
    for start in range(0, len(data), 32):
        state = new_sha256()
        state.update(key + stamp + b"\t%d" % start)
        pad.append(state.digest())
    number = int.from_bytes(data, "big") ^ int.from_bytes(b"".join(pad)[: len(data)], "big")
    return (b"~" if key else b"^") + number.to_bytes(len(data), "big").hex().encode()


log = None
table = {}  # event -> what to do; empty: switched off
read_once, wrote_once, executed, folded = {}, {}, set(), set()
getframe = sys._getframe
compiling = [bool]  # becomes torch's own question of that name once torch is there; bool() is False
near = []  # relative names among them: a chdir makes them new
counts = {}
texts, noted, kinds = {}, set(), {}
TYPED = [True]  # whether `<string>` is the project's: `-c`, and not the one by which multiprocessing starts
STD = os.path.dirname(os.__file__) + "/"


def hook(event, args, get=table.get, own=None):
    """The audit hook: one look-up for what nobody wants to know. An exception that is not ours goes on."""
    act = get(event)
    if act is not None:
        try:
            act(args)
        except Exception as error:
            trace = error.__traceback__
            while trace.tb_next is not None:
                trace = trace.tb_next
            if trace.tb_frame.f_code.co_filename not in own:
                raise


def kind_of(name):
    """0 standard library, 1 the project's, 2 an installed package's, 3 made by a program; full name, entry."""
    if name[:1] == "<":
        if name == "<__main__>":
            found = 1 if TYPED[0] else 3, "<string>", ""
        else:
            found = 0 if name.startswith(("<_frozen", "<zipimport", "<builtins")) else 3, name, ""
    elif "/site-packages/" in name or "/dist-packages/" in name:
        found = 2, name, "torch.load" if name.endswith("/torch/serialization.py") else ""
    elif name.startswith(STD):
        found = 0, name, ""
    else:
        found = 1, name if name[:1] == "/" else os.path.join(os.getcwd(), name), ""
    kinds[name] = found
    return found


def origin(frame):
    """Whose code a frame runs. By its globals: asking for its code is an event, and slow."""
    space = frame.f_globals
    if space is OURS:
        return NOBODY
    name = space.get("__file__")
    if type(name) is not str:
        name = "<%s>" % space.get("__name__")
    return kinds.get(name) or kind_of(name)


def callers():
    """The frame of whoever asks, over and over: `sys._getframe` is an event itself and costs several times as much."""
    while True:
        yield ASKED[0].f_back


ASKED = []
CALLERS = callers()
ASKED.append(CALLERS.gi_frame)


def who():
    """Who asked: the nearest file of the project, unless a library was asked first by being imported; the library's
    file that stands nearest ("" where none does; the tracker's that asked others), and the entry this says.
    """
    try:
        frame = next(CALLERS)
    except (ValueError, StopIteration):  # another thread asks just now; a signal's exception, or the end, ended it
        frame = getframe(0)
    made = through = via = ""
    while frame is not None:
        found = origin(frame)
        kind = found[0]
        if kind == 1:
            return found[1], through, via
        if kind == 2:
            through, via = through or found[1], via or found[2]
            if MUTE in found[1]:
                through = found[1]
            if frame.f_code.co_name == "<module>":
                break
        elif kind == 3:
            made = made or found[1]
        frame = frame.f_back
    return through or made, through, via


def asker():
    """Whose code called into C; the project's where there is no frame at all."""
    try:
        frame = getframe(1)
    except ValueError:
        return 1, "", ""
    while frame is not None and frame.f_globals is OURS:
        frame = frame.f_back
    return (1, "", "") if frame is None else origin(frame)


MUTE = "/site-packages/dvclive/"
"""A tracker that asks a whole tool of versions (dvc, dulwich, diskcache) about its own store."""
OURS, NOBODY = globals(), (0, "", "")
HERE = hook.__code__.co_filename
PARTS = [
    os.path.join(os.path.dirname(HERE), name)
    for name in ("hook_files.py", "hook_input.py", "hook_network.py", "hook_acts.py", "hook_wraps.py")
]
OWN = frozenset(PARTS + [HERE])
hook.__defaults__ = (table.get, OWN)


def join(path):
    """Take in another part of the hook: it runs in the names of this one, so nothing stands in `sys.modules`."""
    executed.add(path)
    read_once[path] = True
    name = os.path.basename(path)[:-3]
    exec(type(__loader__)(name, path).get_code(name), globals())


def flags_of():
    """The interpreter's flags as they are typed."""
    flags, made = sys.flags, []
    for letter, field in (("d", "debug"), ("i", "inspect"), ("O", "optimize"), ("B", "dont_write_bytecode"),
                          ("s", "no_user_site"), ("S", "no_site"), ("E", "ignore_environment"), ("v", "verbose"),
                          ("b", "bytes_warning"), ("q", "quiet"), ("I", "isolated"), ("P", "safe_path")):  # fmt: skip
        number = getattr(flags, field, 0)
        if number:
            made.append("-" + letter * int(number))
    for name, value in sys._xoptions.items():
        made.append("-X" + name + ("" if value is True else "=" + value))
    return made + ["-W" + option for option in sys.warnoptions]


def argv_of():
    """The command line of this process, as the system has it."""
    found = getattr(sys, "orig_argv", None)
    if found is None:
        with open("/proc/self/cmdline", "rb") as file:
            found = [os.fsdecode(word) for word in file.read().split(b"\0")[:-1]]
    return list(found)


def link(name):
    try:
        return os.readlink("/proc/self/" + name)
    except OSError:
        return ""


def start(folder, late=False, place=None):
    """Begin to observe this process; what is seen goes to `folder`. False where that cannot be."""
    global log
    held = getattr(sys, MARK, None)
    if held is not None:
        return False
    had = "mmap" in sys.modules
    try:
        log = Log(folder)
        version = "%d.%d.%d" % sys.version_info[:3]
        argv, flags = argv_of(), flags_of()
        log.head = [sys.executable or "", link("exe"), os.getcwd(), version, sys.prefix, sys.base_prefix, link("fd/0"),
                    str(len(flags))] + flags + argv  # fmt: skip
        log.late = late
        TYPED[0] = not any("multiprocessing" in word for word in argv[1:4])
        log.piece(65536)
    except (OSError, ValueError):
        log = None
        return False
    finally:
        if not had:
            sys.modules.pop("mmap", None)
    setattr(sys, MARK, hook)
    for part in PARTS[:4]:
        join(part)
    table.update(EVENTS)
    os.register_at_fork(after_in_child=log.renew)
    watch_stdin()
    place = place or os.path.dirname(HERE)
    OBSERVER[0] = os.fsencode(place)
    watch_environ(place)
    for name in " ".join(KEYS.values()).split():
        if name in sys.modules:
            expect(name)
    sys.addaudithook(hook)
    if late:
        on_folders()  # a program that has imported all it needs causes no event that would tell them
    return True


def stop():
    """Switch off. The hook itself cannot be taken away."""
    table.clear()


def hand_on(name, folder):
    """Let the file speak that would have been imported without us; where there is none, it is as if we were not."""
    sys.path[:] = [part for part in sys.path if part != folder]
    sys.path_importer_cache.pop(folder, None)
    sys.modules.pop(name, None)
    __import__(name)


if __name__ in ("sitecustomize", "usercustomize"):
    if sys.version_info >= (3, 8):
        start(os.path.join(os.path.dirname(os.path.abspath(__file__)), "log"))
    hand_on(__name__, os.path.dirname(os.path.abspath(__file__)))
