"""What comes in through a library's hands: variables that it looks up for the program, services of the same machine."""

import contextlib
import os
import socket
import threading

import pytest

LIBRARY = """
import os
OWN = 'LIB_OWN'
at_import = os.environ.get('A' + 'T_IMPORT')
def settings(name): return os.environ.get(name)
def own(): return os.environ.get(OWN)
def named(): return os.environ.get('MYCFG_' + 'X')
def through(): return settings('LIB_DEEP')
"""


@pytest.fixture
def library(place):
    place.write("../lib/site-packages/mycfg/__init__.py", LIBRARY)
    return f"import sys; sys.path.insert(0, '{place.top.parent}/lib/site-packages')\nimport os, string, collections\n"


@pytest.mark.parametrize("way", [
    "import mycfg; mycfg.settings('EPOCHS')", "os.path.expandvars('$EPOCHS')",
    "collections.ChainMap(os.environ, {})['EPOCHS']", "string.Template('$EPOCHS').substitute(os.environ)",
    "'{EPOCHS}'.format_map(os.environ)", "list(map(os.environ.get, ['EPOCHS']))",
    "import concurrent.futures as f\nwith f.ThreadPoolExecutor(1) as p: p.submit(os.environ.get, 'EPOCHS').result()",
])  # fmt: skip
def test_a_variable_that_a_library_looks_up_for_the_program_is_the_programs(place, library, way):
    ran = place.program(library + way, env={"EPOCHS": "5"})
    assert ran.code == 0, ran.err
    assert ran.looked_up == {"EPOCHS": "5"}


@pytest.mark.parametrize("way", [
    "import mycfg", "import mycfg; mycfg.own()", "import mycfg; mycfg.through(); mycfg.named()",
    "os.path.expanduser('~/x')",
    "import shutil; shutil.get_terminal_size(); shutil.which('ls')", "import tempfile; tempfile.gettempdir()",
    "import getpass; getpass.getuser()", "import urllib.request; urllib.request.getproxies()",
    "import locale, gettext; gettext.find('x')", "import subprocess; subprocess.run([sys.executable, '-c', ''])",
])  # fmt: skip
def test_a_variable_whose_name_stands_in_the_library_is_the_librarys(place, library, way):
    ran = place.program(library + way, env={"AT_IMPORT": "1", "LIB_OWN": "2", "LIB_DEEP": "3"})
    assert ran.code == 0, ran.err
    assert ran.looked_up == {} and ran.trace.level == "full"


def test_a_name_that_a_library_also_asks_by_itself_is_the_programs_where_it_asks(place, library):
    ran = place.program(library + "os.path.expanduser('~')\nimport mycfg\nmycfg.settings('LIB_OWN2')\nmycfg.own()",
                        env={"LIB_OWN2": "7"})  # fmt: skip
    assert ran.looked_up == {"LIB_OWN2": "7"}


def test_a_reader_of_settings_that_goes_through_the_environment_does_so_for_the_program(place):
    for name in ("dynaconf", "other"):
        place.write(f"../lib/site-packages/{name}/__init__.py",
                    "import os\ndef load(): return {k.lower(): v for k, v in os.environ.items()}\n")  # fmt: skip
    first = "import sys; sys.path.insert(0, '../lib/site-packages')\n"
    ran = place.program(first + "import dynaconf; dynaconf.load()")
    assert ran.trace.partial == (
        "the environment was gone through by dynaconf: which of its variables count was not seen",
    )
    assert place.program(first + "import other; other.load()").trace.level == "full"


def test_the_environment_that_is_read_as_a_file_was_gone_through(place):
    assert "gone through by train.py" in place.program("open('/proc/self/environ').read()").trace.partial[0]


@contextlib.contextmanager
def served(kind, address):
    """A service of this machine that gives each who connects a number."""
    with socket.socket(kind) as server:
        server.bind(address)
        server.listen()

        def answer():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    connection.send(b"5")
                    connection.close()

        threading.Thread(target=answer, daemon=True).start()
        yield server.getsockname()
        server.shutdown(socket.SHUT_RDWR)


def test_what_a_service_of_this_machine_says_is_an_input_that_was_not_kept(place):
    with served(socket.AF_INET, ("127.0.0.1", 0)) as (host, port):
        ran = place.program(f"import socket\nprint(socket.create_connection(('localhost', {port})).recv(9))")
    told = f"{host}:{port} was asked over the network by train.py: what it answered was not kept"
    assert "5" in ran.out and ran.trace.partial == (told,)


def test_what_comes_through_a_socket_in_the_file_system_is_an_input_that_was_not_kept(place, tmp_path):
    where = os.path.relpath(place.top / "s")
    with served(socket.AF_UNIX, where):
        ran = place.program("import socket\ns = socket.socket(socket.AF_UNIX)\ns.connect('s')\nprint(s.recv(9))")
    assert "5" in ran.out and ran.trace.partial == (
        f"{place.top / 's'} was asked through a socket by train.py: what it answered was not kept",
    )


OWN = """
import socket, threading
def serve():
    s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen()
    return s
"""


@pytest.mark.parametrize("program", [
    OWN + "s = serve(); c = socket.create_connection(s.getsockname()); s.accept()",
    ("import socket\ns = socket.socket()\ns.bind(('127.0.0.1', 0))\nport = s.getsockname()[1]\ns.close()\n"
    "assert socket.socket().connect_ex(('127.0.0.1', port))"),
    ("import multiprocessing as m\nif __name__ == '__main__':\n"
    "    with m.get_context('spawn').Manager() as manager:\n        manager.dict()['a'] = 1"),
    ("import multiprocessing as m\nif __name__ == '__main__':\n"
    "    with m.get_context('fork').Manager() as manager:\n        manager.dict()['a'] = 1"),
    ("import multiprocessing as m\nif __name__ == '__main__':\n"
    "    with m.get_context('forkserver').Pool(1) as pool:\n        pool.map(abs, [1])"),
])  # fmt: skip
def test_what_the_runs_own_processes_say_and_where_nobody_listens_is_no_input(place, program):
    ran = place.program(program)
    assert ran.code == 0, ran.err
    assert ran.trace.partial == ()
