# ruff: noqa: E501  (a table reads best a row a line)
"""What a file's own format puts beside a telling name is replaced, in the file, in a patch of it and on a command line."""

import pytest

from runaudit.capture.redact import Redactor

KEY = b"k" * 32
DRAWN = "".join(("Tk9zzz", "5cal", "4r7Qz"))  # put together here, so that no file holds it
HEX = "0123456789" + "abcdef" + "0123456789" + "abcdef"
SHORT = "S0" + "mmer"
LONG = DRAWN + "".join(("Uw8", "pLx", "3Nh"))
LEFT = (DRAWN, "birne2", "kirsche3", HEX, SHORT, "c2%eZ9")
GIVEN = [
    ("a.ini", "[a]\npassword = a!b1#c2%eZ9"), ("a.sh", "DB_PASSWORD=a!b1#c2%eZ9"), ("a.cfg", "password: a!b1#c2%eZ9 # note"),
    ("a.sh", "export DB_PASSWORD='a!b1#$c2%eZ9'"), ("a.properties", "db.password=DRAWN"), ("a.conf", "password DRAWN"), (".env", "JWT=DRAWN"),
    ("a.ini", "pw = DRAWN"), ("a.yaml", "password: >-\n  DRAWN"), ("a.yaml", "db:\n  password: |\n    DRAWN\n    DRAWN\n  lr: 1"),
    ("a.yaml", "password: &pw DRAWN"), ("a.yaml", "password: !!str DRAWN"), ("a.yaml", "? password\n: DRAWN"), ("a.yaml", "password:\n  DRAWN"),
    ("a.yaml", 'password:\n  "DRAWN"'), ("a.yaml", "auth:\n  password: |\n    DRAWN"), ("a.yaml", "- password: >\n    DRAWN\n  b: 1"),
    ("a.yaml", "password: Apfel1 birne2 kirsche3"), ("a.yaml", "env:\n- name: DB_PASSWORD\n  value: DRAWN"), ("a.yaml", "creds: bob:DRAWN"),
    ("a.json", '{"pass\\u0077ord": "DRAWN"}'), ("a.xml", "<a>\n <password>DRAWN</password>\n</a>"), ("a.xml", '<property name="password">DRAWN</property>'),
    ("a.plist", "<key>password</key>\n<string>DRAWN</string>"), ("kaggle.json", '{"username":"bob","key":"HEX"}'), ("a.py", "# pw=DRAWN"),
    ("Dockerfile", "FROM a\nENV DB_PASSWORD DRAWN"), ("a.csh", "setenv API_KEY DRAWN"), ("a.csv", 'user,password\nbob,DRAWN\neve,"DRAWN"'),
    ("a.md", "| user | password |\n|---|---|\n| bob | DRAWN |"), ("a.md", "| password | DRAWN |"), ("a.md", "the password: DRAWN, and"),
    ("a.md", "password: SHORT"), ("a.txt", "password=SHORT"), ("Makefile", "PASSWORD := SHORT"), ("a.txt", "Password: Apfel1 birne2 kirsche3"),
    ("a.ppk", "Private-Lines: 2\nDRAWN0123456789abcdefghij\nABCDEFGHDRAWN0123456789abcdef\nb"),
    ("a.ipynb", '  "p.add_argument(\\"--token\\",\\n",\n  "   default=\\"DRAWN\\")\\n"'), ("a.ipynb", ' "Enter API key: DRAWN\\n",\n  "b"'),
    ("a.ipynb", '  "- name: DB_PASSWORD\\n",\n  "  value: DRAWN\\n"'), ("a.ipynb", '  "TOKEN = (\\n",\n  "   \\"DRAWN\\"\\n",\n ")"'),
    ("a.yaml", "args: [--password, DRAWN]"), ("a.yaml", "args:\n- --password\n- DRAWN"), ("a.yaml", "command: python t.py --pw DRAWN"),
    ("a.sh", "sshpass -p DRAWN ssh h"), ("a.sh", "mysql -pDRAWN"), ("Dockerfile", "RUN docker login -u b -p DRAWN h"), (".pgpass", "h:5432:db:bob:DRAWN"),
    ("a.ipynb", ' "!mysql -pDRAWN\\n",\n "b\\n"'), ("a.md", "**Password:** DRAWN"), ("a.sh", "aws configure set aws_secret_access_key DRAWN"),
    ("a.ipynb", '{"outputs": [{"text": ["Enter API key: DRAWN\\n"]}]}'),
    ("a.yaml", "token: |\n  LONG"), ("a.yaml", "a: {token: LONG, b: 2}"), ("a.yaml", "a: {user: bob, password: LONG}"), ("a.yaml", "tokens:\n- LONG\n- LONG"),
    ("a.yaml", "db:\n  passwords:\n    - LONG\n  lr: 1"), ("a.yaml", "api_keys: [LONG, 'LONG']"), ("a.yaml", "&a secret_key: &b LONG"), ("a.yaml", "!!str token2: LONG"),
    ("a.py", 'TOKENS = ["LONG", "LONG"]'), ("a.py", 'H = {"FLY_TOKEN": "FlyV1 LONG"}'), ("a.txt", "API_TOKEN=Token LONG"), ("a.txt", "X_KEY_SECRET: v1 LONG"),
    ("a.txt", "Authorization: Custom LONG"), ("a.log", "\x1b[32mAPI_TOKEN\x1b[0m=\x1b[1mLONG\x1b[0m"), ("a.log", "the api key is LONG"), ("a.log", "token → LONG"),
    (".env", "API_KEY_2=LONG"), ("a.py", 'password1 = "LONG"'), ("a.log", "API-KEY\tLONG"), ("a.log", "“password”: “LONG”"), ("a.log", "│ token = 'LONG' │"), ("a.sh", "az login -u b -p LONG"), ("a.ps1", "setx API_TOKEN LONG"),
]  # fmt: skip
COMMANDS = [
    "t.py --pw DRAWN", "t.py -u bob:DRAWN", "t.py --user bob:DRAWN", "t.py --user=bob:DRAWN", "t.py --login bob/DRAWN", "t.py --creds DRAWN",
    "t.py --jwt DRAWN", "t.py --access DRAWN", "t.py db.pw=DRAWN", "t.py pw=SHORT", "t.py -pDRAWN", "sshpass -p DRAWN ssh h", "docker login -p DRAWN h",
    "mysql -pDRAWN", "aws configure set aws_secret_access_key DRAWN",
]  # fmt: skip
INNOCENT = [
    ("a.md", "Set the password: it must have 8 characters.\n| token | the token of bert2 |\n|---|---|\n| key | v2 |\nsecret: see section 4b of the docs\nAuth: basic2"),
    ("a.yaml", "token: bert-base-v2\nauth:\n  type: basic\npassword: ${X}\npassword: # none\naccess: read\nmodel: {token: cls}\ntokenizer:\n  bert2"),
    ("a.yaml", "tokens: [cls, sep2, pad_token_3]\ntokens:\n- bert-base-v2\nvocab: {token: cls, key: resnet50d}\naccess: [read, write2]\ntoken: |\n  cls2"),
    ("a.log", "tokens\t15000000\nkey is resnet50d-pretrained-v2\ntoken → HEXHEX\nprompt_tokens: 0123456789012345678\nthe token is bert-large-uncased-v2"),
    ("a.py", 'tokens = ["<cls>", "<sep>", "sha256:HEXHEX", "HEXHEX"]\nkeys = ["a1b2"]'),
    ("a.csv", "token,count\nhello2,3\nresnet50d,4"), ("a.xml", "<token>abc1</token>\n<a name='token'>cls</a>"),
    ("a.sh", 'TOKEN=$(cat x)\nexport PASSWORD=$1\nDB_PASSWORD="${A}b"'), ("Makefile", "token: build2 test2\n\tpython x\nKEY ?= a1"),
    ("a.json", '{"key":"HEX","a":"\\u00e4"}'), ("a.ipynb", '  "token = \\"cls\\"\\n",\n  "x = \\"ä\\"\\n"'),
]  # fmt: skip


def filled(text: str) -> str:
    return text.replace("DRAWN", DRAWN).replace("LONG", LONG).replace("HEX", HEX).replace("SHORT", SHORT)


@pytest.mark.parametrize(("name", "given"), GIVEN)
def test_a_value_beside_a_telling_name_is_replaced_and_the_lines_stay(name: str, given: str) -> None:
    text = filled(f"{given}\nb2 = 1\n")
    clean = Redactor(KEY).data(text.encode(), name)[0].decode()

    assert not [word for word in LEFT if word in clean], clean
    assert clean.endswith("\nb2 = 1\n") and clean.count("\n") == text.count("\n")
    assert Redactor(KEY).data(clean.encode(), name)[0].decode() == clean


@pytest.mark.parametrize(("name", "given"), GIVEN)
def test_a_patch_is_read_as_the_file_that_it_changes(name: str, given: str) -> None:
    for sign in "+-":
        lines = "".join(f"{sign}{line}\n" for line in filled(given).splitlines())
        head = f"diff --git a/{name} b/{name}\n--- a/{name}\n+++ b/{name}\n@@ -1 +1 @@\n"
        clean = Redactor(KEY).patch((head + lines).encode())[0].decode()

        assert not [word for word in LEFT if word in clean], clean
        assert clean.startswith(head) and all(line[0] == sign for line in clean[len(head) :].splitlines())


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_line_gives_no_password_away_nor_one_that_is_a_word_of_it(command: str) -> None:
    for argv in (filled(command).split(), ["sh", "-c", f"cd x && {filled(command)}"]):
        clean = " ".join(Redactor(KEY).argv(argv))

        assert not [word for word in LEFT if word in clean], clean
        assert Redactor(KEY).argv(Redactor(KEY).argv(argv)) == Redactor(KEY).argv(argv)
    quoted = ["bash", "-c", filled(command).replace(DRAWN, f"'{DRAWN}'")]
    assert DRAWN not in " ".join(Redactor(KEY).argv(quoted))


def test_a_pass_phrase_within_a_command_line_goes_whole() -> None:
    for argv in (
        ["t.py", "--password", "Apfel1 birne2 kirsche3"],
        ["sh", "-c", "t.py --password 'Apfel1 birne2 kirsche3'"],
    ):
        assert not [word for word in LEFT if word in " ".join(Redactor(KEY).argv(argv))]


@pytest.mark.parametrize(("name", "text"), INNOCENT)
def test_files_that_only_speak_of_secrets_stay(name: str, text: str) -> None:
    told = filled(f"{text}\n").encode()

    assert Redactor(KEY).data(told, name) == (told, False)


@pytest.mark.parametrize(
    "command",
    ["t -u 1000:1000", "t --user 1000:1000", "t -p8080:80", "t --login bob/repo2", "t -presnet50", "t --access read", "t token resnet50d",
     "t --creds creds.json", "t --auth basic", "t --tokenizer bert2", "t pw=16", "t -p 3"],
)  # fmt: skip
def test_users_ports_and_places_of_a_command_line_stay(command: str) -> None:
    assert Redactor(KEY).argv(command.split()) == command.split()
    assert Redactor(KEY).argv(["sh", "-c", command]) == ["sh", "-c", command]
