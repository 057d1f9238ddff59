# ruff: noqa: E501, SIM905  (a table reads best a row a line)
"""Secrets and innocent values as training code meets them, drawn anew at every run from a fixed seed.

No secret stands in this file: a scanner that finds one in the repository has found a real one.
"""

import base64
import json
import random
import string
import uuid
from dataclasses import dataclass

ALNUM = string.ascii_letters + string.digits
URLSAFE = ALNUM + "-_"
UPPER = string.ascii_uppercase + string.digits
HEX = "0123456789abcdef"
SIGNS = ALNUM + "!#%*+~^"


@dataclass(frozen=True)
class Secret:
    """One secret, and the variable that a user would keep it in."""

    kind: str
    name: str
    value: str


def draw(rng: random.Random, alphabet: str, size: int) -> str:
    """`size` letters with at least one digit among them, as any drawn key of that length has but once in a lifetime."""
    while True:
        word = "".join(rng.choice(alphabet) for _ in range(size))
        if any(map(str.isdigit, word)) and any(map(str.isalpha, word)):
            return word


def _b64(rng: random.Random, size: int) -> str:
    return base64.b64encode(rng.randbytes(size)).decode()


def _jwt(rng: random.Random) -> str:
    parts = [json.dumps({"alg": "HS256", "typ": "JWT"}), json.dumps({"sub": draw(rng, HEX, 12)})]
    head = [base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts]
    return ".".join([*head, draw(rng, URLSAFE, 43)])


def _neptune(rng: random.Random) -> str:
    body = {"api_address": "https://app.neptune.ai", "api_key": str(uuid.UUID(int=rng.getrandbits(128)))}
    return base64.b64encode(json.dumps(body, separators=(",", ":")).encode()).decode()


def _pem(rng: random.Random) -> str:
    kind = rng.choice(("RSA ", "EC ", "OPENSSH ", ""))
    lines = [_b64(rng, 48) for _ in range(rng.randrange(4, 12))]
    return "\n".join([f"-----BEGIN {kind}PRIVATE KEY-----", *lines, f"-----END {kind}PRIVATE KEY-----"])


KINDS = {
    "aws id": ("AWS_ACCESS_KEY_ID", lambda r: "AK" + "IA" + draw(r, UPPER, 16)),
    "aws secret": ("AWS_SECRET_ACCESS_KEY", lambda r: draw(r, ALNUM + "+/", 40)),
    "gcp": ("GOOGLE_API_KEY", lambda r: "AI" + "za" + draw(r, URLSAFE, 35)),
    "gcp oauth": ("GCP_CLIENT_SECRET", lambda r: "GOC" + "SPX-" + draw(r, URLSAFE, 28)),
    "azure storage": ("AZURE_STORAGE_KEY", lambda r: _b64(r, 64)),
    "azure client": ("AZURE_CLIENT_SECRET", lambda r: draw(r, ALNUM, 3) + "8Q" + "~" + draw(r, URLSAFE, 34)),
    "github": ("GITHUB_TOKEN", lambda r: "gh" + "p_" + draw(r, ALNUM, 36)),
    "github fine": ("GH_TOKEN", lambda r: "github" + "_pat_" + draw(r, ALNUM, 22) + "_" + draw(r, ALNUM, 59)),
    "gitlab": ("GITLAB_TOKEN", lambda r: "gl" + "pat-" + draw(r, URLSAFE, 20)),
    "hf": ("HF_TOKEN", lambda r: "h" + "f_" + draw(r, ALNUM, 34)),
    "openai": ("OPENAI_API_KEY", lambda r: "s" + "k-" + draw(r, ALNUM, 48)),
    "openai project": ("OPENAI_API_KEY", lambda r: "s" + "k-proj-" + draw(r, URLSAFE, 100)),
    "anthropic": ("ANTHROPIC_API_KEY", lambda r: "s" + "k-ant-api03-" + draw(r, URLSAFE, 93) + "AA"),
    "slack": ("SLACK_BOT_TOKEN", lambda r: "xo" + f"xb-{r.randrange(10**11)}-{draw(r, ALNUM, 24)}"),
    "stripe": ("STRIPE_SECRET_KEY", lambda r: "sk" + "_live_" + draw(r, ALNUM, 24)),
    "twilio": ("TWILIO_AUTH_TOKEN", lambda r: draw(r, HEX, 32)),
    "npm": ("NPM_TOKEN", lambda r: "np" + "m_" + draw(r, ALNUM, 36)),
    "pypi": ("PYPI_TOKEN", lambda r: "py" + "pi-AgEIcHlwaS5vcmc" + draw(r, URLSAFE, 150)),
    "wandb": ("WANDB_API_KEY", lambda r: draw(r, HEX, 40)),
    "wandb short name": ("WANDB_KEY", lambda r: draw(r, HEX, 40)),
    "comet": ("COMET_API_KEY", lambda r: draw(r, ALNUM, 25)),
    "neptune": ("NEPTUNE_API_TOKEN", _neptune),
    "jwt": ("SESSION_TOKEN", _jwt),
    "pem": ("SSH_PRIVATE_KEY", _pem),
    "sendgrid": ("SENDGRID_API_KEY", lambda r: "S" + "G." + draw(r, URLSAFE, 22) + "." + draw(r, URLSAFE, 43)),
    "password": ("DB_PASS", lambda r: draw(r, SIGNS, 12)),
    "short password": ("DB_PASSWORD", lambda r: draw(r, ALNUM, 9)),
    "long secret": ("APP_SECRET", lambda r: draw(r, ALNUM, 64)),
    "any api key": ("X_API_KEY", lambda r: draw(r, HEX, 24)),
    "telegram": ("TELEGRAM_TOKEN", lambda r: f"{r.randrange(10**8, 10**10)}:A" + "A" + draw(r, URLSAFE, 33)),
}  # fmt: skip


def secrets(seed: int = 7, count: int = 300) -> list[Secret]:
    """`count` secrets, every kind as often as any other."""
    rng = random.Random(seed)
    kinds = list(KINDS.items())
    return [
        Secret(kind=kind, name=name, value=make(rng))
        for kind, (name, make) in (kinds[number % len(kinds)] for number in range(count))
    ]


WORDS = tuple(
    "encoder decoder attention residual transformer convolution pyramid aligned frame burst denoise register optical flow "
    "learning rate schedule cosine warmup gradient clip norm batch layer group instance weight decay momentum "
    "dropout".split()
)
NAMES = tuple(
    "lr batch_size weight_decay max_tokens num_keys key_dim head_dim token_dropout n_tokens tokens_per_step tokenizer "
    "tokenizer_path password_field secret_rate monkey keyboard author key_padding_mask key_value_heads pad_token_id "
    "eos_token mask_token cls_token sort_key cache_key primary_key partition_key image_key label_key public_key_path "
    "token_type_ids token_embedding pass_through num_passes forward_pass bypass auth_required cookie_cutter seed "
    "crop_border run_name experiment notes checkpoint digest commit sha revision data_root output_dir "
    "optimizer".split()
)
MODELS = (
    "vit_base_patch16_224.augreg2_in21k_ft_in1k", "bert-base-uncased", "meta-llama/Llama-3.1-8B-Instruct", "resnet50d",
    "stabilityai/stable-diffusion-xl-base-1.0", "convnext_xxlarge.clip_laion2b_soup_ft_in1k", "gpt2-medium",
    "openai/whisper-large-v3", "facebook/dinov2-giant", "Qwen/Qwen2.5-VL-72B-Instruct", "google/vit-huge-patch14-224-in21k",
)  # fmt: skip
TOKENS = ("<|endoftext|>", "<extra_id_99>", "[MASK]", "[CLS]", "<pad>", "</s>", "<unk>", "<|im_start|>")


def _innocent(rng: random.Random, number: int) -> tuple[str, str]:
    name = NAMES[number % len(NAMES)]
    words = "_".join(rng.sample(WORDS, rng.randrange(2, 5)))
    long_word = "".join(word.title() for word in rng.sample(WORDS, 6))
    cases = (
        lambda: ("digest", "sha256:" + draw(rng, HEX, 64)),
        lambda: ("commit", draw(rng, HEX, 40)),
        lambda: ("sha", draw(rng, HEX, 64)),
        lambda: ("md5", draw(rng, HEX, 32)),
        lambda: ("run_id", str(uuid.UUID(int=rng.getrandbits(128)))),
        lambda: ("data_root", f"/mnt/data{rng.randrange(9)}/{words}/{draw(rng, HEX, 12)}/part-{rng.randrange(10**5):05d}.parquet"),
        lambda: ("thumbnail", "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + rng.randbytes(90)).decode()),
        lambda: ("logo", base64.b64encode(b"\x89PNG\r\n\x1a\n" + rng.randbytes(60)).decode()),
        lambda: (name, str(rng.choice((1e-4, 3e-4, 0.1, 4096, 128, 7, 0.9, 1e-8)))),
        lambda: ("model", rng.choice(MODELS)),
        lambda: ("class", long_word),
        lambda: ("seed", str(rng.randrange(2**32))),
        lambda: ("started", f"2026-0{rng.randrange(1, 9)}-1{rng.randrange(9)}T05:{rng.randrange(10, 59)}:07.{rng.randrange(10**6):06d}Z"),
        lambda: (rng.choice(("eos_token", "mask_token", "pad_token", "token")), rng.choice(TOKENS)),
        lambda: (rng.choice(("token", "tokenizer", "pooling.token", "auth", "cookie")), rng.choice(("cls", "mean", "bpe", "bert-base-cased", "none"))),
        lambda: (name, words),
        lambda: ("integrity", "sha512-" + _b64(rng, 64)),
        lambda: (rng.choice(("sort_key", "cache_key", "image_key", "primary_key")), f"{words}/{draw(rng, HEX, 32)}"),
        lambda: ("url", f"https://example.org/{words}/{draw(rng, HEX, 40)}.pt?rev={draw(rng, HEX, 40)}&v={rng.randrange(9)}"),
        lambda: ("notes", f"{' '.join(rng.sample(WORDS, 6))} at {rng.randrange(10**4)} tokens, key: {rng.choice(WORDS)}"),
        lambda: ("api_key", rng.choice(("${oc.env:WANDB_API_KEY}", "$OPENAI_API_KEY", "<your key>", "null", "env:HF_TOKEN"))),
        lambda: ("package", f"torch=={rng.randrange(3)}.{rng.randrange(20)}.{rng.randrange(9)}+cu{rng.randrange(110, 130)}"),
        lambda: ("file", f"{words}-epoch={rng.randrange(100):03d}-val_loss={rng.random():.4f}.ckpt"),
        lambda: ("nonce_of_docker_image", "sha256:" + draw(rng, HEX, 64)),
        lambda: ("wandb_run", draw(rng, string.ascii_lowercase + string.digits, 8)),
    )  # fmt: skip
    return cases[number % len(cases)]()


def innocents(seed: int = 11, count: int = 1000) -> list[tuple[str, str]]:
    """`count` values of a training's config, with the names they stand under; every kind as often as any other."""
    rng = random.Random(seed)
    return [_innocent(rng, number) for number in range(count)]
