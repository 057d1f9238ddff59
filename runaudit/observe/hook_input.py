# -*- coding: utf-8 -*-
"""The part of the hook that sees what comes in without a file: standard input and the environment.

Runs in the names of `hook.py`, inside the observed program.
"""

# mypy: ignore-errors


def on_input(args):
    if "stdin" not in noted:
        noted.add("stdin")
        target = os.readlink("/proc/self/fd/0")
        if target != "/dev/null":
            log.put("I", target, who()[0])
            if target[:1] == "/" and not of_a_device(target):
                read(target)


def watch_stdin():
    """Note the first reading of standard input, in whatever shape: all of them end in these two methods."""
    try:
        raw = sys.stdin.buffer.raw

        def noting(name, real):
            def method(*args):
                raw.__dict__.pop("readinto", None)
                raw.__dict__.pop("readall", None)
                on_input(None)
                return real(*args)

            raw.__dict__[name] = method

        noting("readinto", raw.readinto)
        noting("readall", raw.readall)
    except (AttributeError, TypeError):
        pass


def watch_environ(place):
    """Note variables that code looks up by name, and the run's own settings of them.

    A copy (`dict(os.environ)`, `**`, a loop) asks for every name with the very text it was given by the iteration:
    that is no look-up. Asked by name, PYTHONPATH is as the user set it; copies keep ours, so that children inherit it.
    """
    env, ours, reading, setting = os.environ, os.fsencode(place), [], []
    keys = watched_keys(env, ours, reading, setting)
    values = watched_values(env, ours, reading, setting)
    try:
        os.environb.encodekey = keys[2](os.environb.encodekey)
    except AttributeError:
        pass
    env.encodekey, env.decodekey = keys[:2]
    env.encodevalue, env.decodevalue = values


def look_up(env):
    """A function that notes who asks for a variable; names that the project itself asked for are in the set it returns.

    Who called is told by the globals: asking a frame for its code is an event, and slow.
    """
    from _collections_abc import Mapping

    between, settled = (os.getenv.__globals__, Mapping.get.__globals__), set()

    def asked(raw, first):
        frame = first
        while frame is not None and (frame.f_globals is between[0] or frame.f_globals is between[1]):
            frame = frame.f_back
        found = (1, "", "") if frame is None else origin(frame)
        if found[0] != 1:
            found = on_behalf(raw, first, origin(frame))
        if (raw, found[1]) not in noted:
            looked_up(raw, found[1], env._data.get(raw))
        if found[0] == 1 and raw != b"PYTHONPATH":
            settled.add(raw)

    return asked, settled


def on_behalf(raw, frame, asker):
    """For whom code that is not the project's looks a variable up: kind and file of whoever counts as the asker.

    It is the library's own business where the library, or one that called it, is being imported or has the name
    written in it. Any other name came from the project that called: `os.path.expandvars`, a reader of settings.
    """
    chain, found = [], None
    key = [raw, frame.f_lineno]
    while frame is not None:
        found = origin(frame)
        if found[0] == 1:
            break
        chain.append(frame)
        key.append(found[1])
        frame = frame.f_back
    if frame is None:
        file = getattr(sys.modules.get("__main__"), "__file__", None)  # a thread of a library's: nobody called it
        found = kind_of(file) if type(file) is str else NOBODY
    key = ("behalf", found[1]) + tuple(key)
    if key not in noted:
        if found[0] == 1 and not any(own_name(os.fsdecode(raw), one) for one in chain):
            return found
        if len(noted) < 20000:
            noted.add(key)
    return asker


def own_name(name, frame):
    """Whether a library's frame says that a name is the library's: it is imported just now, or has the name in it."""
    kind, path, _ = origin(frame)
    space, code = frame.f_globals, frame.f_code
    if kind not in (0, 2):
        return False
    if code.co_name == "<module>" or str(space.get("__name__")).startswith("runaudit."):
        return True
    package = package_of(path) if kind == 2 else ""
    if package and package not in SETTINGS and name.startswith(package.upper() + "_"):
        return True  # it bears the library's name
    held = set()
    constants(code, held)
    for value in list(space.values()):
        if type(value) is str:
            held.add(value)
        elif type(value) in (tuple, frozenset):
            held.update(one for one in value if type(one) is str)
    return name in held or name in written_in(path)


def constants(code, held):
    """Add the texts that stand in a code object."""
    for const in code.co_consts:
        if hasattr(const, "co_code"):
            constants(const, held)
        else:
            for one in const if isinstance(const, (tuple, frozenset)) else (const,):
                if type(one) is str or type(one) is bytes:
                    held.add(os.fsdecode(one))


def written_in(path, known={}):
    """The texts that stand in a library's module; none where it cannot be read. Nothing is left of the reading."""
    if path not in known:
        known[path], held = frozenset(), set()
        had = read_once.get(path)
        read_once[path] = True  # this open is ours
        try:
            loader = type(__loader__)("asked", path)
            loader.set_data = lambda *given, **more: None  # what was compiled is not kept
            constants(loader.get_code("asked"), held)
            known[path] = frozenset(one for one in held if len(one) < 200)
        except Exception:
            held.clear()
        finally:
            texts.pop(path, None)
            if not had:
                read_once.pop(path, None)
    return known[path]


SETTINGS = frozenset(
    "pydantic_settings pydantic dynaconf environs decouple environ confuse everett jsonargparse configargparse "
    "typed_settings starlette hydra omegaconf dotenv".split()
)
"""Packages that read settings for a program: where they go through the environment, the program does."""


def package_of(path):
    """The package that an installed file belongs to."""
    name = path.replace("/dist-packages/", "/site-packages/").rpartition("/site-packages/")[2].partition("/")[0]
    return name[:-3] if name[-3:] == ".py" else name


def reads_settings(frame):
    """The package of settings that goes through the environment for the project; empty where none does."""
    name = package_of(origin(frame)[1])
    while name in SETTINGS and frame is not None and origin(frame)[0] != 1:
        if origin(frame)[0] == 2 and frame.f_code.co_name == "<module>":
            return ""
        frame = frame.f_back
    return name if name in SETTINGS and frame is not None else ""


def gone_through():
    """A function that notes that the project went through the environment itself: in a loop, a comprehension, sorted.

    It is asked with the frame of the iteration. Who copies (`dict(os.environ)`, `**`, `copy`) asks for the keys' view,
    and not from a loop; a copy that is gone through afterwards is not seen.
    """
    from _collections_abc import ItemsView, KeysView, ValuesView

    views, items = KeysView.__iter__.__globals__, ItemsView.__iter__.__code__
    single = (KeysView.__iter__.__code__, ValuesView.__iter__.__code__)

    def at(frame):
        return frame.f_code.co_code[frame.f_lasti]

    def looped():
        yield at(getframe(1))

    for loop in looped():
        pass

    def note(frame):
        asker, view = frame.f_back, None
        if frame.f_code.co_name != "__iter__" or asker is None:
            return
        if asker.f_globals is views:
            view, asker = asker.f_code, asker.f_back
            if asker is None or (view is not items and view not in single):
                return
        found = origin(asker)
        key = ("environ", found[1])
        ours = str(asker.f_globals.get("__name__")).startswith("runaudit.")
        if ours or key in noted or (view in single and at(asker) != loop):
            return
        name = os.path.basename(found[1]) if found[0] == 1 else reads_settings(asker) if found[0] == 2 else ""
        if not name:
            return
        noted.add(key)
        log.put("U", "the environment was gone through by %s: which of its variables count was not seen" % name)

    return note


def watched_keys(env, ours, reading, setting):
    """What stands for `encodekey` and `decodekey`, and what makes the one for bytes."""
    encode_key, decode_key = env.encodekey, env.decodekey
    kind = type(env)
    get, put, drop = [f.__code__.co_firstlineno for f in (kind.__getitem__, kind.__setitem__, kind.__delitem__)]
    asked, settled = look_up(env)
    note = gone_through()
    # torch.compile reads these functions: while it does they must be the plain ones, and name nothing global
    iterated, traced, acts, frame_at = {}, compiling, table, getframe

    def encodekey(key):
        if traced[0]():
            return encode_key(key)
        try:
            raw = encode_key(key)
        except BaseException as error:  # goes on as it is, without a line of ours in its traceback
            error.__traceback__ = error.__traceback__.tb_next
            raise
        if raw in settled or not acts:
            return raw  # the project's own look-up of it stands in the log: there is no more to know
        frame = frame_at(1)
        line = frame.f_lineno
        if get <= line < put:
            if iterated.get(key) is not key:
                asked(raw, frame.f_back)
                if raw == b"PYTHONPATH" and raw in env._data:
                    if env._data[raw] == ours:
                        return b"="  # a name nobody has
                    reading.append(True)
        elif put <= line < drop and raw == b"PYTHONPATH":
            setting.append(True)
        return raw

    def decodekey(raw):
        key = decode_key(raw)
        if not traced[0]():
            iterated[key] = key
            if acts:
                note(frame_at(1))
        return key

    def for_bytes(real):
        def encode_bytes(key):
            raw = real(key)
            if acts and get <= frame_at(1).f_lineno < put:
                asked(raw, frame_at(2))
            return raw

        return encode_bytes

    return encodekey, decodekey, for_bytes


def watched_values(env, ours, reading, setting):
    """What stands for `encodevalue` and `decodevalue`: PYTHONPATH is the user's to read, and ours stays in it."""
    encode_value, decode_value, traced = env.encodevalue, env.decodevalue, compiling

    def decodevalue(raw):
        if not traced[0]() and reading:
            reading.pop()
            if raw.startswith(ours + b":"):
                raw = raw[len(ours) + 1 :]
        return decode_value(raw)

    def encodevalue(value):
        if traced[0]():
            return encode_value(value)
        mine = bool(setting) and setting.pop()
        try:
            raw = encode_value(value)
        except BaseException as error:
            error.__traceback__ = error.__traceback__.tb_next
            raise
        if mine and raw != ours and not raw.startswith(ours + b":"):
            raw = ours + b":" + raw if raw else ours
        return raw

    return encodevalue, decodevalue


def looked_up(raw, name, value):
    """Note a variable that was looked up: its value with `=` before it, or `-` where it was not set."""
    log.put("E", os.fsdecode(raw), "-" if value is None else "=" + os.fsdecode(value), name)
    noted.add((raw, name))


def on_putenv(args):
    """The run's own setting of a variable: what is looked up afterwards is its own doing."""
    name, value = text_of(args[0]), text_of(args[1])
    if (name, value) not in noted:
        noted.add((name, value))
        log.put("V", name, value)


def on_environ(name):
    """The environment of this process, read as a file by the project."""
    if name[-8:] != "/environ" or name.split("/")[2] not in ("self", "thread-self", str(os.getpid())):
        return
    frame = getframe(1)
    while frame is not None and origin(frame)[0] == 0:
        frame = frame.f_back
    found = NOBODY if frame is None else origin(frame)
    if found[0] == 1 and ("environ", found[1]) not in noted:
        noted.add(("environ", found[1]))
        by = os.path.basename(found[1])
        log.put("U", "the environment was gone through by %s: which of its variables count was not seen" % by)
