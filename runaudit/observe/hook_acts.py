# -*- coding: utf-8 -*-
"""The part of the hook that sees acts: code that is executed, texts, processes.

Runs in the names of `hook.py`, inside the observed program.
"""

# mypy: ignore-errors

command = [None]


def on_compile(args):
    source, name = args[0], args[1]
    if not isinstance(source, (str, bytes)) or name is None:
        return  # a syntax tree: its text came before it
    if len(texts) > 64:
        texts.clear()
    texts[text_of(name)] = source


def on_exec(args):
    code = args[0]
    if getattr(code, "co_name", None) != "<module>":
        return
    name = code.co_filename
    source = texts.pop(name, None) if texts else None
    if name in executed and name[:1] != "<":
        return
    if name.startswith("<frozen"):
        return
    cell = name.startswith("<ipython-input") or "/ipykernel_" in name
    if name[:1] == "<" or cell:
        asked = asker()
        if asked[0] == 1 or cell:
            on_text(name, source, code, asked[1])
        return
    path = full(name)
    if source is not None and path is not None and not os.path.exists(path):
        asked = asker()
        if asked[0] == 1:
            on_text(name, source, code, asked[1])
        return
    executed.add(name)
    log.put("X", path, "" if path.startswith(STD) or "/site-packages/" in path else who()[0])
    on_folders()
    cut = name.rfind("/")
    known = KEYS.get(name[name.rfind("/", 0, cut) + 1 :]) or KEYS.get(name[cut + 1 :])
    if known is not None:
        for one in known.split():
            expect(one, name)


def on_text(name, source, code, asked):
    """Code without a file, once each."""
    key = hash(code)
    if key in noted:
        return
    if len(noted) > 500:
        if len(noted) == 501:
            noted.add(key)
            log.put("U", "more than 500 texts without a file were executed: the later ones were not kept")
        return
    noted.add(key)
    if isinstance(source, bytes):
        source = source.decode("utf-8", "surrogateescape")
    if name == "<string>" and source is not None and source == command[0]:
        command[0] = None  # the text of `-c` was told as such
        return
    if not isinstance(source, str):
        source = "# the text was not seen; what it was compiled to:\n" + rendered(code)
    log.put("T", name, asked, source[:TEXT])


def rendered(code):
    """A code object as text that is equal for equal code."""
    consts = []
    for const in code.co_consts:
        if hasattr(const, "co_code"):
            consts.append("{" + rendered(const) + "}")
        elif isinstance(const, frozenset):
            consts.append("frozenset(%s)" % sorted(map(repr, const)))
        else:
            consts.append(repr(const))
    return "%s %s (%s) %s" % (code.co_name, code.co_names, ", ".join(consts), code.co_code.hex())


def on_main(event):
    def act(args):
        on_folders()
        if event == "command":
            command[0] = str(args[0])
            text = command[0][:-1] if command[0][-1:] == "\n" else command[0]  # the interpreter adds one
            log.put("T", "<command>", "", text[:TEXT])
        elif event == "stdin":
            target = os.readlink("/proc/self/fd/0")
            if target[:1] == "/" and not uninteresting(target):
                log.put("X", target, "")
                read_once[target] = True

    return act


def on_folders(last=[()]):
    now = tuple(sys.path)
    if now != last[0]:
        new = [part for part in now if part not in last[0] and isinstance(part, str)]
        last[0] = now
        if new:
            log.put("P", *[full(part) or os.getcwd() for part in new])


def on_import(args):
    name = args[1]
    if name is not None and name not in executed:
        executed.add(name)
        path = full(name)
        log.put("X", path, "" if path.startswith(STD) or "/site-packages/" in path else who()[0])


def words(args):
    if isinstance(args, (str, bytes)) or not hasattr(args, "__iter__"):
        args = [args]
    return [text_of(word) or str(word) for word in args]


def on_dlopen(args):
    """A library of machine code that is loaded through ctypes: a file that is executed, or the system's own."""
    name = text_of(args[0]) if args[0] else ""
    path = full(name) if name and "/" in name else None
    if path is not None and path not in executed:
        executed.add(path)
        log.put("X", path, "" if path.startswith(STD) or "/site-packages/" in path else who()[0])
    if path is None or os.path.basename(path).startswith("libc.so"):
        frame = getframe(1)
        while frame is not None and (frame.f_globals is OURS or frame.f_globals.get("__name__") == "ctypes"):
            if frame.f_code.co_name == "<module>":
                return  # ctypes opens the interpreter itself while it is imported
            frame = frame.f_back
        kind, by, _ = origin(frame) if frame is not None else NOBODY
        if kind == 1 and not name.startswith("libm.so") and ("ctypes", by) not in noted:
            noted.add(("ctypes", by))
            what = "native code was called through ctypes by %s: what it read was not seen"
            log.put("U", what % (os.path.basename(by) or "the program"))


def starter():
    """The file of the code that starts a process: the first frame above the standard library's own machinery for it."""
    frame = getframe(1)
    while frame is not None:
        found = origin(frame)
        if found[1] and not found[1].startswith(MACHINERY):
            return found[1]
        frame = frame.f_back
    return ""


def started(argv, cwd, env):
    """Note a process that is about to be started, the files its words name, the variables that it is given anew."""
    argv, cwd = words(argv), full(cwd) if cwd else os.getcwd()
    log.put("C", starter(), cwd, *argv)
    for word in argv[1:]:
        for part in [word, word.partition("=")[2]] + (word.split() if " " in word else []):
            name = os.path.normpath(os.path.join(cwd, part.strip("'\""))) if part else ""
            if 0 < len(name) < 4096 and "\0" not in name and os.path.isfile(name) and not uninteresting(name):
                read(name, "argv")
    if env is not None:
        ours = os.environ._data
        for key in env:
            name, value = os.fsencode(key), os.fsencode(env[key])
            if ours.get(name) != value:
                log.put("V", os.fsdecode(name), os.fsdecode(value))


def on_popen(args):
    argv = words(args[1])
    if args[0] and argv and text_of(args[0]) != argv[0] and argv[0][:1] != "/":
        argv[0] = text_of(args[0]) or argv[0]
    started(argv, args[2], args[3])


def on_system(args):
    started(["/bin/sh", "-c", text_of(args[0])], None, None)


def on_spawn(args):
    started(words(args[1]), None, args[2])


# The last two parts of a file's name, or its last: the modules it may be.
KEYS = {
    "random.py": "random",
    "sqlite3/__init__.py": "sqlite3",
    "tracking/sqlalchemy_store.py": "mlflow.store.tracking.sqlalchemy_store",
    "tracking/rest_store.py": "mlflow.store.tracking.rest_store",
    "random/__init__.py": "numpy.random",
    "torch/__init__.py": "torch",
    "utilities/seed.py": "lightning.fabric.utilities.seed lightning_fabric.utilities.seed",
    "transformers/trainer_utils.py": "transformers.trainer_utils",
    "utils/random.py": "accelerate.utils.random",
    "jax/random.py": "jax.random",
    "utils/rng_utils.py": "keras.src.utils.rng_utils",
    "export/__init__.py": "torch.export",
    "safetensors/__init__.py": "safetensors",
    "h5py/__init__.py": "h5py",
    "cv2/__init__.py": "cv2",
    "lmdb/__init__.py": "lmdb",
    "soundfile.py": "soundfile",
    "tables/file.py": "tables.file",
    "pyarrow/__init__.py": "pyarrow",
    "pyarrow/csv.py": "pyarrow.csv",
    "pyarrow/json.py": "pyarrow.json",
    "pyarrow/orc.py": "pyarrow.orc",
    "pyarrow/feather.py": "pyarrow.feather",
    "pyarrow/dataset.py": "pyarrow.dataset",
    "parquet/core.py": "pyarrow.parquet.core",
    "polars/__init__.py": "polars",
    "xgboost/core.py": "xgboost.core",
    "lightgbm/basic.py": "lightgbm.basic",
    "capi/onnxruntime_inference_collection.py": "onnxruntime.capi.onnxruntime_inference_collection",
    "sentencepiece/__init__.py": "sentencepiece",
    "io/__init__.py": "torchvision.io",
}
UNSEEN = (
    "tensorflow decord av duckdb netCDF4 SimpleITK rasterio osgeo openslide ffcv pyspark torchcodec torchaudio faiss "
    "pyvips datatable fasttext catboost lance tiledb itk vaex pyogrio fiona nvidia.dali"
).split()
for library in UNSEEN:
    KEYS.setdefault(library.rpartition(".")[2] + "/__init__.py", library)


def expect(name, path=None):
    """A library with readers of its own, or that seeds, is about to be executed, or is there: cover it when done."""
    module = sys.modules.get(name)
    spec = getattr(module, "__spec__", None)
    if spec is None or (path is not None and spec.origin != path):
        return
    if name in UNSEEN:
        by = who()[0]
        if "/site-packages/" not in by and "/dist-packages/" not in by:
            log.put("U", name + " reads files by itself: what " + (by or "the program") + " read with it was not seen")
        return
    if "cover_module" not in globals():
        try:
            join(PARTS[4])
        except OSError:  # The store was moved under the program, whose fault that is not.
            log.put("U", name + " could not be covered, the store was moved: what was read with it was not seen")
            return
    if getattr(spec, "_initializing", False):
        spec.__class__ = expecting(type(spec))
    else:
        cover_module(name, module)


def on_crash(args):
    """An exception that nobody caught is about to be shown: the end of what will be shown, as far as it can be told.

    An interrupt is left alone: text that is run here (`namedtuple` does) would make Python forget that it has to die of
    the signal.
    """
    if issubclass(args[1], KeyboardInterrupt):
        return
    try:
        import traceback

        log.put("Y", "".join(traceback.format_exception(args[1], args[2], args[3]))[-8000:])
    except Exception:
        return


MACHINERY = tuple(
    STD + name
    for name in "subprocess.py os.py asyncio/ multiprocessing/ concurrent/ pty.py threading.py contextlib.py".split()
)
EVENTS = {
    "open": on_open,
    "exec": on_exec,
    "compile": on_compile,
    "import": on_import,
    "os.chdir": on_chdir,
    "os.rename": on_move,
    "os.link": on_link,
    "os.symlink": on_symlink,
    "os.remove": on_remove,
    "os.mkdir": on_mkdir,
    "os.listdir": on_list,
    "os.scandir": on_list,
    "os.truncate": on_truncate,
    "sqlite3.connect": on_sqlite,
    "subprocess.Popen": on_popen,
    "os.system": on_system,
    "os.posix_spawn": on_spawn,
    "os.exec": on_spawn,
    "os.putenv": on_putenv,
    "pty.spawn": lambda args: started(words(args[0]), None, None),
    "socket.connect": on_connect,
    "socket.getaddrinfo": lambda args: on_network(args[0]),
    "urllib.Request": lambda args: on_network(text_of(args[0]).partition("://")[2].partition("/")[0]),
    "builtins.input": on_input,
    "ctypes.dlopen": on_dlopen,
    "sys.excepthook": on_crash,
    "cpython.run_command": on_main("command"),
    "cpython.run_stdin": on_main("stdin"),
    "cpython.run_file": on_main("file"),
    "cpython.run_module": on_main("module"),
}
