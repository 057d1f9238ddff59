# -*- coding: utf-8 -*-
"""The part of the hook that sees native readers and seeding calls, by their Python entries; taken in when one is there.

Compiled libraries open files without an event. Functions are replaced by wrappers that note and call on, under the
same names, so that they pickle; of Python classes only `__init__` is wrapped, and compiled classes whose instances
nobody pickles get a stand-in, so that `isinstance` holds.
"""

# mypy: ignore-errors

NAMES = (
    "filename file path source sources where f path_or_paths input_file name src fname data model_file path_or_bytes "
    "sink base_dir dest uri destination filepath metadata_path root_path model_path file_name filenames target fspath"
).split()
WHOLE = 1000  # files of one folder that a library is given as a whole are told one by one up to so many


def expecting(kind, made={}):
    """A kind of ModuleSpec that tells when its module is done, and is the plain kind again from then on."""
    if kind not in made:

        class Expecting(kind):
            def __setattr__(self, name, value):
                kind.__setattr__(self, name, value)
                if name == "_initializing" and not value:
                    kind.__setattr__(self, "__class__", kind)
                    try:
                        cover_module(self.name, sys.modules.get(self.name))
                    except Exception as error:
                        raise_if_not_ours(error)

        Expecting.__name__, Expecting.__qualname__, Expecting.__module__ = (
            kind.__name__,
            kind.__qualname__,
            kind.__module__,
        )
        made[kind] = Expecting
    return made[kind]


def raise_if_not_ours(error):
    """What a signal handler raised while we were at work is the program's."""
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    if trace.tb_frame.f_code.co_filename not in OWN:
        raise error


def wrapped(real, note, skip=0, after=None):
    """A function that notes and calls on; a failure of `real` shows no frame of ours."""

    traced, acts, check = compiling, table, raise_if_not_ours  # torch.compile cannot read globals of ours

    def wrapper(*args, **kwargs):
        if traced[0]():
            return real(*args, **kwargs)
        if acts:
            try:
                note(args[skip:], kwargs)
            except Exception as error:
                check(error)
        try:
            result = real(*args, **kwargs)
        except BaseException as error:
            error.__traceback__ = error.__traceback__.tb_next
            raise
        if after is not None and acts:
            try:
                after(result)
            except Exception as error:
                check(error)
        return result

    for name in ("__name__", "__qualname__", "__doc__", "__module__"):
        try:
            setattr(wrapper, name, getattr(real, name))
        except (AttributeError, TypeError):
            pass
    wrapper.__dict__.update(getattr(real, "__dict__", {}))
    wrapper.__wrapped__ = real
    wrapper.__dict__[MARK] = True
    return wrapper


def cover(holder, name, note):
    """Replace `holder.name` by a wrapper that pickles wherever the original did."""
    real = getattr(holder, name, None)
    if real is None or MARK in getattr(real, "__dict__", ()):
        return
    if isinstance(real, type):
        return cover_class(holder, name, real, note)
    wrapper = wrapped(real, note, 0, getattr(note, "after", None))
    home = sys.modules.get(getattr(real, "__module__", None) or "")
    if isinstance(holder, type(sys)):
        if getattr(home, getattr(real, "__qualname__", "") or "", None) is real:
            setattr(home, real.__qualname__, wrapper)
        else:
            wrapper.__module__, wrapper.__qualname__ = holder.__name__, name
    elif isinstance(holder, type):
        raw = next((kind.__dict__[name] for kind in holder.__mro__ if name in kind.__dict__), None)
        wrapper = staticmethod(wrapper) if isinstance(raw, staticmethod) else wrapper
    setattr(holder, name, wrapper)


def cover_class(holder, name, real, note):
    """Wrap `__init__` of a Python class; a compiled one gets a stand-in that makes and knows its instances."""
    if MARK in real.__dict__:
        return
    try:
        if "__init__" in real.__dict__ or any("__init__" in base.__dict__ for base in real.__mro__[1:-1]):
            real.__init__ = wrapped(real.__init__, note, 1)
            setattr(real, MARK, True)
            return
    except (AttributeError, TypeError):
        pass

    class StandIn(type):
        def __call__(cls, *args, **kwargs):
            if table:
                try:
                    note(args, kwargs)
                except Exception as error:
                    raise_if_not_ours(error)
            return real(*args, **kwargs)

        def __instancecheck__(cls, thing):
            return isinstance(thing, real)

        def __subclasscheck__(cls, kind):
            return kind is stand_in or issubclass(kind, real)

        def __getattr__(cls, attribute):
            return getattr(real, attribute)

    stand_in = StandIn(real.__name__, (), {"__doc__": real.__doc__, "__module__": real.__module__, MARK: True})
    stand_in.__qualname__ = real.__qualname__
    for module in (holder, sys.modules.get(real.__module__)):
        for key, value in list(getattr(module, "__dict__", {}).items()):
            if value is real:
                setattr(module, key, stand_in)


def paths_in(args, kwargs, place=0):
    """The file names a call was given: at its place, or by one of the usual keywords."""
    given = list(args[place : place + 1]) + [kwargs[name] for name in NAMES if name in kwargs]
    found = []
    for value in given:
        for one in value if isinstance(value, (list, tuple, set)) else [value]:
            if isinstance(one, (str, bytes)) or hasattr(one, "__fspath__"):
                text = text_of(one)
                if text and "\0" not in text and len(text) < 4096:
                    found.append(text)
    return found


def native_read(text, via):
    """Note what a library reads by itself: a file, the files of a folder, of a pattern."""
    if "://" in text[:12]:
        scheme, _, rest = text.partition("://")
        if scheme != "file":
            return on_network(rest.partition("/")[0] or scheme)
        text = rest
    name = full(text)
    if name is None:
        return
    if os.path.isdir(name):
        inside = [os.path.join(top, one) for top, _, files in os.walk(name) for one in files]
    elif any(letter in name for letter in "*?[") and not os.path.exists(name):
        import glob

        inside = glob.glob(name, recursive=True)
    else:
        inside = [name]
    if len(inside) > WHOLE and os.path.isdir(name):
        log.put("F", name, who()[0])
        return
    for one in inside:
        if not uninteresting(one):
            read(one, via)


def native_write(text, fresh=True):
    name = full(text)
    if name is not None and "://" not in text[:12] and not os.path.isdir(name) and not uninteresting(name):
        write(name, fresh)


def reads(via, place=0):
    return lambda args, kwargs: [native_read(text, via) for text in paths_in(args, kwargs, place)]


def writes(via, place=0):
    return lambda args, kwargs: [native_write(text) for text in paths_in(args, kwargs, place)]


def moded(via, default="r"):
    """A file that is opened in a mode, as by `open`."""

    def note(args, kwargs):
        mode = kwargs.get("mode", args[1] if len(args) > 1 else default) or default
        mode = mode if isinstance(mode, str) else default
        for text in paths_in(args, kwargs):
            if mode[0] == "r" or mode[0] == "a":
                native_read(text, via)
            if mode[0] in "wxa" or "+" in mode:
                native_write(text, mode[0] in "wx")

    return note


def lmdb_open(args, kwargs):
    for text in paths_in(args, kwargs):
        place = text + "/data.mdb" if kwargs.get("subdir", args[2] if len(args) > 2 else True) else text
        native_read(place, "lmdb.open")
        if not kwargs.get("readonly", False):
            before(full(place))


def seeds(call):
    """Note a call that seeds, with its value and where it stands."""

    def note(args, kwargs):
        given = list(args[:1]) + list(kwargs.values())[:1]
        value = given[0] if given else None
        try:
            text = str(int(value)) if hasattr(value, "__index__") else repr(value)[:200]
        except Exception as error:
            raise_if_not_ours(error)
            text = "?"
        frame = sys._getframe(1)
        while frame is not None and frame.f_globals is OURS:
            frame = frame.f_back
        place = origin(frame)[1] if frame is not None else ""
        line = str(frame.f_lineno if frame is not None else 0)
        key = ("seed", call, text, place, line)
        if key not in noted and len(noted) < 20000:
            noted.add(key)
            log.put("Z", call, text, place, line)

    return note


def sqlite(via):
    """The event of sqlite3 tells the first file; ATTACH is heard of by the authorizer, nobody's until one is set."""

    def allow(action, name, *rest):
        if action == 24 and table:  # SQLITE_ATTACH
            try:
                if name is None:
                    log.put("U", "sqlite attached a file whose name was not told: what it read was not seen")
                else:
                    on_sqlite((name,))
            except Exception:
                pass
        return 0

    def note(args, kwargs):
        pass

    note.after = lambda connection: connection.set_authorizer(allow)
    return note


def tracked(via):
    """A method of MLflow's database, or of its server: many runs write into one, and nothing outside of MLflow tells
    whose rows are whose. Told is which runs this one began and wrote of, and whether it asked of any."""
    entry = via.rpartition(".")[2]
    how = {"create_run": "begun", "log_metric": "logged", "log_batch": "logged"}.get(entry, "asked")

    def told(what, how):
        if type(what) is str and ("tracked", what, how) not in noted and len(noted) < 20000:
            noted.add(("tracked", what, how))
            log.put("O", how, what)

    def note(args, kwargs):
        if entry == "__init__":
            driver, _, place = str(kwargs.get("db_uri", args[1] if len(args) > 1 else "")).partition(":///")
            if driver.partition("+")[0] == "sqlite" and place:
                told(full(place.partition("?")[0]), "ledger")
        elif entry != "create_run":
            run = kwargs.get("run_id", args[1] if len(args) > 1 else "*")
            told(run if type(run) is str and "search" not in entry else "*", how)

    if entry == "create_run":
        note.after = lambda run: told(run.info.run_id, how)
    return note


R, W, M = reads, writes, moded
COVERS = {
    "random": [("random", "seed", seeds)],
    "sqlite3": [("sqlite3", "connect", sqlite), ("sqlite3.dbapi2", "connect", sqlite)],
    "mlflow.store.tracking.sqlalchemy_store": [
        ("mlflow.store.tracking.sqlalchemy_store.SqlAlchemyStore", "__init__ create_run log_metric log_batch", tracked),
        ("mlflow.store.tracking.sqlalchemy_store.SqlAlchemyStore",
         "get_run get_metric_history get_metric_history_bulk _search_runs search_logged_models", tracked),
    ],
    "mlflow.store.tracking.rest_store": [
        ("mlflow.store.tracking.rest_store.RestStore", "create_run log_metric log_batch", tracked)],
    "numpy.random": [("numpy.random", "seed default_rng", seeds)],
    "torch": [
        ("torch", "manual_seed", seeds),
        ("torch.cuda", "manual_seed manual_seed_all", seeds),
        ("torch", "save", lambda via: writes(via, 1)),
        ("torch", "from_file", R),
        ("torch.UntypedStorage", "from_file", R),  # torch.TypedStorage's ends here too
        ("torch.jit", "load", R),
        ("torch.jit", "save", lambda via: writes(via, 1)),
        ("torch.jit.RecursiveScriptModule", "save", lambda via: methods(via)),
        ("torch.package.PackageImporter", "__init__", lambda via: methods(via, R)),
    ],
    "lightning.fabric.utilities.seed": [("lightning.fabric.utilities.seed", "seed_everything", seeds)],
    "lightning_fabric.utilities.seed": [("lightning_fabric.utilities.seed", "seed_everything", seeds)],
    "transformers.trainer_utils": [("transformers.trainer_utils", "set_seed", seeds)],
    "accelerate.utils.random": [("accelerate.utils.random", "set_seed", seeds)],
    "jax.random": [("jax.random", "PRNGKey key", seeds)],
    "keras.src.utils.rng_utils": [("keras.src.utils.rng_utils", "set_random_seed", seeds)],
    "torch.export": [("torch.export", "load", R), ("torch.export", "save", lambda via: writes(via, 1))],
    "safetensors": [("safetensors", "safe_open", R), ("safetensors", "serialize_file", lambda via: writes(via, 1))],
    "h5py": [("h5py", "File", M), ("h5py", "is_hdf5", R)],
    "cv2": [
        ("cv2", "imread imreadmulti imreadanimation imcount VideoCapture CascadeClassifier readOpticalFlow", R),
        ("cv2", "imwrite imwritemulti imwriteanimation VideoWriter writeOpticalFlow", W),
        ("cv2", "FileStorage", lambda via: lambda a, k: W(via)(a, k) if _flag(a, k) & 3 else R(via)(a, k)),
        ("cv2.dnn", "readNet readNetFromONNX readNetFromTensorflow readNetFromTFLite", R),
        ("cv2.dnn", "readNetFromCaffe readNet readNetFromTensorflow", lambda via: reads(via, 1)),
    ],
    "lmdb": [("lmdb", "Environment", lambda via: lmdb_open), ("lmdb", "open", lambda via: lmdb_open)],
    "soundfile": [("soundfile", "SoundFile", M)],
    "tables.file": [("tables.file", "File", M)],
    "pyarrow": [("pyarrow", "memory_map OSFile", M), ("pyarrow", "input_stream", R), ("pyarrow", "output_stream", W)],
    "pyarrow.csv": [("pyarrow.csv", "read_csv open_csv", R), ("pyarrow.csv", "write_csv", lambda via: writes(via, 1)),
                    ("pyarrow.csv", "CSVWriter", W)],
    "pyarrow.json": [("pyarrow.json", "read_json open_json", R)],
    "pyarrow.orc": [("pyarrow.orc", "ORCFile read_table", R), ("pyarrow.orc", "ORCWriter", W),
                    ("pyarrow.orc", "write_table", lambda via: writes(via, 1))],
    "pyarrow.feather": [("pyarrow.feather", "read_feather read_table", R),
                        ("pyarrow.feather", "write_feather", lambda via: writes(via, 1))],
    "pyarrow.dataset": [("pyarrow.dataset", "dataset parquet_dataset", R),
                        ("pyarrow.dataset", "write_dataset", lambda via: writes(via, 1))],
    "pyarrow.parquet.core": [
        ("pyarrow.parquet.core", "read_table read_pandas read_metadata read_schema ParquetFile ParquetDataset", R),
        ("pyarrow.parquet.core", "write_table write_to_dataset write_metadata", lambda via: writes(via, 1)),
        ("pyarrow.parquet.core", "ParquetWriter", W),
    ],
    "polars": [("polars", "read_* scan_*", R), ("polars.DataFrame", "write_*", lambda via: methods(via)),
               ("polars.LazyFrame", "sink_*", lambda via: methods(via))],
    "xgboost.core": [("xgboost.core", "DMatrix", R),
                     ("xgboost.core.Booster", "load_model", lambda via: methods(via, R)),
                     ("xgboost.core.Booster", "save_model", lambda via: methods(via))],
    "lightgbm.basic": [("lightgbm.basic", "Dataset", R), ("lightgbm.basic", "Booster", lambda via: reads(via, 2)),
                       ("lightgbm.basic.Booster", "save_model", lambda via: methods(via))],
    "onnxruntime.capi.onnxruntime_inference_collection": [
        ("onnxruntime.capi.onnxruntime_inference_collection", "InferenceSession", R)],
    "sentencepiece": [("sentencepiece.SentencePieceProcessor", "LoadFromFile Load", lambda via: methods(via, R))],
    "torchvision.io": [("torchvision.io", "read_image read_file decode_image VideoReader", R),
                       ("torchvision.io", "write_png write_jpeg", lambda via: writes(via, 1)),
                       ("torchvision.io", "write_file", W)],
}  # fmt: skip


def _flag(args, kwargs):
    value = kwargs.get("flags", args[1] if len(args) > 1 else 0)
    return value if isinstance(value, int) else 0


def methods(via, kind=writes):
    """As `kind`, for a method: its first argument is `self`."""
    note = kind(via)
    return lambda args, kwargs: note(args[1:], kwargs)


def cover_module(name, module):
    """Cover the entries of a library that is done with being imported."""
    if module is None:
        return
    if name == "torch":
        compiling[0] = getattr(getattr(module, "compiler", None), "is_compiling", bool)
    for place, entries, kind in COVERS.get(name, ()):
        holder = sys.modules.get(place)
        if holder is None:
            home, _, attribute = place.rpartition(".")
            holder = getattr(sys.modules.get(home), attribute, None)
        if holder is None:
            continue
        for entry in entries.split():
            if entry.endswith("*"):
                found = [one for one in dir(holder) if one.startswith(entry[:-1])]
            else:
                found = [entry]
            for one in found:
                try:
                    cover(holder, one, kind(place + "." + one))
                except (AttributeError, TypeError):
                    log.put("U", "%s.%s could not be covered: what it reads is not seen" % (place, one))
