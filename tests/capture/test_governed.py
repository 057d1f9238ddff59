# ruff: noqa: E501  (a table reads best a row a line)
"""A quoted text that a telling name governs is replaced whole, however far the name stands from it; no other is touched."""

import json

import pytest

from runaudit.capture.redact import Redactor

KEY = b"k" * 32
DRAWN = "".join(("Tk9zzz", "5cal", "4r7Qz"))  # put together here, so that no file holds it
PHRASE = "Apfel1 birne2 kirsche3"
GIVEN = {
    "a.json": ['{"db": {"password": "PHRASE"}}', '{"password": ["DRAWN"]}', '{"a":1,"password":"PHRASE","b":2}', '{"passwords": {"bob": "DRAWN"}}'],
    "a.py": [
        'TOKEN = (\n    "DRAWN"\n)', 'token = "abc" + "DRAWN"', 'PASSWORD = """\nDRAWN\n"""', 'PASSWORD = \\\n  "DRAWN"',
        'd = dict([("api_key", "DRAWN")])', "run(['--password', 'DRAWN'])", 'setattr(c, "password", "DRAWN")',
        'c.set_password("DRAWN")', 'if password == "DRAWN": pass', 'assert "DRAWN" == password', 'get(url, auth=("bob", "DRAWN"))',
        'HTTPBasicAuth("bob", "DRAWN")', 'HTTPBasicAuth(\n    "bob",\n    "DRAWN",\n)', 'k = os.environ.get("DB_PASSWORD") or "DRAWN"',
        'os.getenv("DB_PASSWORD", "DRAWN")', 'p.add_argument("--token", default="DRAWN")', 'token: str = field(default="DRAWN")',
        'token: str | None = "DRAWN"', 'password: str = Field("DRAWN")', 'd["password"] = "PHRASE"', 'x = {"name": "DB_PASSWORD", "value": "DRAWN"}',
        'password = "PHRASE"', 'SecretStr("DRAWN")', 'token = "DRAWN" if a else ""', '# password = "PHRASE"', 'cmd = "password=\\"PHRASE\\""',
        'if token in ("DRAWN", "b"): pass', 'ACCESS = "DRAWN"', 'creds = ("bob", "DRAWN")', 'def f(password="PHRASE"): pass', 'token = b"DRAWN"',
        'PASSWORDS = {"bob": "DRAWN"}', 'os.environ |= {"DB_PASSWORD": "PHRASE"}', 'c.password.set("DRAWN")', 'pw = "DRAWN"', 'jwt = "DRAWN"',
        'c.login("bob", "DRAWN")', 'TOKEN: Final[str] = "DRAWN"', 'self._password = self.password = "DRAWN"', 'PASSWORD = "".join(["abc", "DRAWN"])',
        '@click.option("--api-key", default="DRAWN")', 'return Credentials("bob", "DRAWN")', 'keyring.set_password("svc", "bob", "DRAWN")',
        'if not token: token = "DRAWN"', 'os.system("mysql -pDRAWN db")', 'run(["sshpass", "-p", "DRAWN", "ssh", "h"])',
    ],
    "a.js": ["const password = `PHRASE`;", 'const c = {password: "PHRASE"};', "let apiKey='DRAWN'", "process.env.API_KEY || 'DRAWN'", "var password\n  = 'PHRASE'"],
    "a.tf": ['variable "db_password" {\n  default = "DRAWN"\n}', 'password = "PHRASE"'],
    "A.java": ['String password = "PHRASE";', 'config.setPassword("PHRASE");', 'props.put("password", "DRAWN");', 'DriverManager.getConnection(url, "bob", "DRAWN");', 'String API_KEY = "DRAWN" + "abc";'],
    "a.R": ['password <- "PHRASE"'],
    "a.sql": ["CREATE USER b IDENTIFIED BY 'DRAWN';", "ALTER ROLE x PASSWORD 'DRAWN';"],
    "a.xml": ['<add key="ApiKey" value="DRAWN"/>', '<property name="password" value="DRAWN"/>'],
    "a.toml": ['password = "PHRASE"', "[a]\npassword = '''DRAWN'''"],
}  # fmt: skip
INNOCENT = """
names = ["password", "secret", "token", "api_key"]
ids = tokenizer("hello world 12345678", token="cls")
key = lambda x: x["token"]
token = tokenizer.decode("Hello2World")
password = getpass.getpass("Enter password: ")
password = password.encode("latin1")
api_key = os.environ["OPENAI_API_KEY"]
parser.add_argument("--token", help="your token from https://h/x1")
special_tokens = {"eos_token": "<|endoftext|>", "pad_token": "[PAD]"}
auth = ("basic", "digest")
x = d["token"] + "resnet50_v2"
raise ValueError("password must have 8 characters")
if args.password == "prompt": pass
sort_key = "img2col_v3"
token = cls.from_pretrained("bert-base-v2")
assert token == "##ing2"
author = "Ada2"
password = kwargs.pop("password", None)
for token in text.split("a1b2c3d4e5"): pass
TOKEN_RE = re.compile(r"[a-z0-9]{4}token")
return {"token": t, "name": "resnet50d_2X"}
auth_url = "https://h/x2"
secret = load("secret", "prod2")
password = ":****"
token="StableDiffusionPipeline"
password = f"{user}{number}"
""".strip().splitlines()


@pytest.mark.parametrize(("name", "code"), [(name, code) for name, codes in GIVEN.items() for code in codes])
def test_what_a_telling_name_governs_is_replaced_whole_and_the_lines_stay(name: str, code: str) -> None:
    text = f"a = 1\n{code}\nb = 2\n".replace("DRAWN", DRAWN).replace("PHRASE", PHRASE)
    clean = Redactor(KEY).data(text.encode(), name)[0].decode()

    assert not [word for word in (DRAWN, *PHRASE.split()) if word in clean], clean
    assert clean.startswith("a = 1\n") and clean.endswith("\nb = 2\n")
    assert clean.count("\n") == text.count("\n")
    assert Redactor(KEY).data(clean.encode(), name)[0].decode() == clean


@pytest.mark.parametrize("code", [*INNOCENT, 'class Password:\n    """Of 8 words a1b2c3d4."""', 'def set_password(self):\n    """Two passwords2go9."""'])  # fmt: skip
def test_code_that_only_speaks_of_secrets_stays(code: str) -> None:
    text = f"a = 1\n{code}\nb = 2\n"

    assert Redactor(KEY).data(text.encode(), "a.py")[0].decode() == text


def test_a_token_without_digits_is_no_word() -> None:
    token = "".join(("wFmIplFC", "jspbUSbB", "NnATzqzE"))

    for code in (
        f'login(token="{token}")',
        f'wandb.login(key="{token}")',
        f'api_key = "{token}"',
        json.dumps({"access_token": token}),
    ):
        assert token not in Redactor(KEY).text(code)
    assert (
        Redactor(KEY).text('token = "AutoModelForCausalLMWithHTTPServer"')
        == 'token = "AutoModelForCausalLMWithHTTPServer"'
    )
