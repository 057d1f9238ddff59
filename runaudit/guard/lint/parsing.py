"""One Python file, read for what can make a training go wrong. Best effort: what is not recognised is not found.

A call counts by the last word of its name (`torch.nn.utils.clip_grad_norm_`, `clip_grad_norm_`), since programs import
what they like; where that word alone could be another's (`fft`, `half`), more is asked.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from runaudit.guard.lint.nodes import (
    constant_of,
    default_of,
    dotted_name,
    is_false,
    is_half,
    is_off,
    is_surely_half,
    is_wide,
    keyword_of,
    last_word,
    takes_statistics,
)
from runaudit.guard.lint.written import BLOCKS, BY_HAND, JUDGED_IN_HALF, OPTIMIZERS, Epsilon, Literal, Place, Transform

SCHEDULERS = ("CosineAnnealingLR", "OneCycleLR", "LinearLR", "StepLR", "MultiStepLR", "LambdaLR", "SequentialLR",
              "CosineAnnealingWarmRestarts", "CyclicLR", "ExponentialLR", "PolynomialLR", "ReduceLROnPlateau",
              "ConstantLR")  # fmt: skip
WORDS = frozenset({
    *OPTIMIZERS, *SCHEDULERS, "SyncBatchNorm", "convert_sync_batchnorm", "FrozenBatchNorm2d", "autocast",
    "GradScaler", "clip_grad_norm_", "clip_grad_value_", "clip_grad_norm", "clip_gradients", "unscale_",
    "from_pretrained", "load_state_dict", "get_peft_model", "LoraConfig", "DataParallel", "DistributedDataParallel",
    "init_process_group", "spawn", "backward", "load_checkpoint", "no_sync",
})  # fmt: skip
TRANSFORMS = frozenset({"fft", "fft2", "fftn", "rfft", "rfft2", "rfftn"})
CONFIGURED = re.compile(r"(Training|Seq2SeqTraining)Arguments|Trainer|DataLoader|SFTConfig")
"""Calls whose literal arguments are settings."""
MAX_TEXT = 80
_JUDGES = re.compile(r"(?i)_*(?:do_|run_)?(?:eval|evaluate|evaluation|valid|validate|validation|val|test)(?:_\w*)?")
"""Functions that judge what was trained."""
_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n;]+)|import[ \t]+([\w., \t]+))", re.MULTILINE
)
_TURNED = re.compile(r"transpose\(|permute\(|swapaxes\(|\.mT\b|\.T\b")
_COMMENT = re.compile(r"#[^\n]*|\bas[ \t]+\w+")
_OF_INTEREST = re.compile(
    r"Norm|Attention|Transformer|autocast|GradScaler|clip_grad|optim|Adam|SGD|scheduler|LR\(|fft|float16|\.half\(|sqrt|"
    r"\*\* ?\(?0?\.5|requires_grad|freeze|Parallel|process_group|add_argument|option\(|from_pretrained|load_state_dict|"
    r"Arguments|Trainer|DataLoader|randn|nn\.Module|backward"
)
_BY_HAND = {
    "warm": re.compile(r"(?i)warm_?-?up"),
    "clip": re.compile(r"(?i)clip_?grad|grad\w*_?clip|max_grad|\.clamp_\(|grad\.clip"),
    "accum": re.compile(r"(?i)accum"),
}
_SILENT = (ast.expr_context, ast.operator, ast.Constant, ast.Name, ast.arguments, ast.alias)
"""What holds nothing that is looked for."""
_SCOPED = frozenset({ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef, ast.With, ast.If, ast.IfExp})
_TOLD = frozenset({ast.Call, ast.Assign, ast.BinOp, ast.Attribute})


@dataclass
class Parsed:
    """What one file says, in the words of `written.Written`."""

    path: str
    imports: list[tuple[int, str]] = field(default_factory=list)
    calls: dict[str, list[Place]] = field(default_factory=dict)
    transforms: list[Transform] = field(default_factory=list)
    epsilons: list[Epsilon] = field(default_factory=list)
    defaults: list[Literal] = field(default_factory=list)
    modules: list[Place] = field(default_factory=list)
    freezes: list[Place] = field(default_factory=list)
    sigmas: list[tuple[str, int, float, float]] = field(default_factory=list)
    half_words: list[Place] = field(default_factory=list)
    mentions: list[Place] = field(default_factory=list)
    used: list[str] = field(default_factory=list)


@dataclass
class _Scope:
    """Where the reader stands. `owner`: the names of the classes and functions around; `function`: the innermost."""

    owner: tuple[str, ...] = ()
    function: ast.AST | None = None
    island: bool = False
    choice: bool = False
    """Whether it stands where the program decides while it runs."""
    maker: ast.AST | None = None
    """The `__init__` of the innermost class."""


def imports_of(text: str) -> Iterator[tuple[int, str]]:
    """(level, dotted name) of what a source imports, by its words: to parse a file only for them would be most of what
    reading a program costs."""
    for level, module, names, plain in _IMPORT.findall(text):
        if plain:
            yield from ((0, name.split()[0]) for name in plain.split(",") if name.strip())
            continue
        yield (len(level), module)
        yield from ((len(level), f"{module}.{name}".strip(".")) for name in re.findall(r"\w+", _COMMENT.sub("", names)))


def parsed(path: str, text: str, *, is_entry: bool) -> Parsed:
    """What a file says. `is_entry`: it is the script, whose assignments at the top are settings. Raises what Python
    raises for a source that is none."""
    found = Parsed(path, imports=list(imports_of(text)))
    found.mentions = list(_mentioned(path, text))
    if not is_entry and not _OF_INTEREST.search(text):
        return found
    tree = ast.parse(text)
    if is_entry:
        found.defaults += _assigned(path, tree)
    _visit(tree, _Scope(function=tree), found)
    return found


def _mentioned(path: str, text: str) -> Iterator[Place]:
    """Where names speak of warm-up, clipping or accumulation, the first of each. Comments and texts count too: rather
    nothing is said than that something is missing which is there."""
    for word, pattern in _BY_HAND.items():
        if found := pattern.search(text):
            yield Place(path, text.count("\n", 0, found.start()) + 1, word)


def _visit(node: ast.AST, scope: _Scope, found: Parsed) -> None:
    kind = type(node)
    if kind in _SCOPED:
        scope = _within(node, scope, found)
    elif kind in _TOLD:
        _told(node, scope, found)
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, _SILENT):
            _visit(child, scope, found)


def _within(node: ast.AST, scope: _Scope, found: Parsed) -> _Scope:
    match node:
        case ast.ClassDef(name=name):
            if any(last_word(base).endswith("Module") for base in node.bases):
                found.modules.append(Place(found.path, node.lineno, name))
                found.used += [last_word(base) for base in node.bases]
                if _attends(node):
                    found.calls.setdefault(BY_HAND, []).append(Place(found.path, node.lineno, name))
            maker = next((one for one in node.body if getattr(one, "name", "") == "__init__"), None)
            return replace(scope, owner=(*scope.owner, name), maker=maker)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return replace(scope, owner=(*scope.owner, name), function=node)
        case ast.With():
            off = any(is_off(one.context_expr) for one in node.items)
            return replace(scope, island=scope.island or off)
        case ast.If() | ast.IfExp():
            chosen = "__name__" not in ast.unparse(node.test)
            return replace(scope, choice=scope.choice or chosen)
    return scope


def _attends(node: ast.ClassDef) -> bool:
    """Whether a block multiplies matrices and takes a softmax between: an attention that is written by hand."""
    calls = [one for one in ast.walk(node) if isinstance(one, ast.Call)]
    if not {last_word(one.func) for one in calls} & {"softmax", "Softmax"}:
        return False
    # Queries times transposed keys. A graph's attention adds them, and is trained at rates of its own.
    products: list[ast.AST] = [
        one for one in ast.walk(node) if isinstance(one, ast.BinOp) and isinstance(one.op, ast.MatMult)
    ]
    products += [one for one in calls if last_word(one.func) in ("matmul", "bmm")]
    turned = any(_TURNED.search(ast.unparse(one)) for one in products)
    return turned or any(last_word(one.func) == "einsum" for one in calls)


def _told(node: ast.AST, scope: _Scope, found: Parsed) -> None:
    match node:
        case ast.Call():
            _call(node, scope, found)
        case ast.Assign(targets=[ast.Attribute(attr="requires_grad")], value=ast.Constant(value=False)):
            found.freezes.append(Place(found.path, node.lineno))
        case ast.BinOp(op=ast.Div(), right=right):
            found.epsilons += _epsilons(right, scope, found.path)
    if is_half(node):
        found.half_words.append(Place(found.path, node.lineno, ast.unparse(node)[:MAX_TEXT]))  # type: ignore[attr-defined]


def _call(node: ast.Call, scope: _Scope, found: Parsed) -> None:
    name = last_word(node.func)
    found.used.append(name)
    if name == "autocast" and any(_JUDGES.fullmatch(one) for one in scope.owner[-1:]) and is_surely_half(node):
        found.calls.setdefault(JUDGED_IN_HALF, []).append(Place(found.path, node.lineno, ".".join(scope.owner)))
    if name in BLOCKS:
        # What owns it must be made, and no choice must stand before it: else nobody knows whether it is there.
        owner = scope.owner[0] if scope.owner else ""
        found.calls.setdefault(f"{name}?" if scope.choice else name, []).append(Place(found.path, node.lineno, owner))
    elif name in WORDS:
        found.calls.setdefault(name, []).append(Place(found.path, node.lineno, ast.unparse(node)[:MAX_TEXT]))
    if name in TRANSFORMS and ("fft." in dotted_name(node.func) or name != "fft") and node.args:
        found.transforms.append(_transform(node, scope, found.path))
    if "freeze" in name.lower() or (name == "requires_grad_" and is_false(node)):
        found.freezes.append(Place(found.path, node.lineno))
    if name in ("add_argument", "option", "DEFINE_float", "DEFINE_integer"):
        found.defaults += _declared(node, found.path)
    if name == "CosineAnnealingLR":
        length = constant_of(keyword_of(node, "T_max") or (node.args[1] if len(node.args) > 1 else None))
        found.defaults += [Literal(found.path, node.lineno, "T_max", length, name)] if length is not None else []
    if name in OPTIMIZERS or CONFIGURED.fullmatch(name):
        found.defaults += [
            Literal(found.path, node.lineno, one.arg, value, name)
            for one in node.keywords
            if one.arg and (value := constant_of(one.value)) is not None
        ]
    if name == "exp" and node.args and (pair := _lognormal(node.args[0])):
        found.sigmas.append((found.path, node.lineno, *pair))


def _assigned(path: str, tree: ast.Module) -> Iterator[Literal]:
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        if len(targets) == 1 and isinstance(targets[0], ast.Name):
            literal = constant_of(node.value)  # type: ignore[attr-defined]
            if literal is not None:
                yield Literal(path, node.lineno, targets[0].id, literal)


def _declared(node: ast.Call, path: str) -> Iterator[Literal]:
    names = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    long = next((name for name in names if name.startswith("--")), names[0] if names else "")
    default = constant_of(keyword_of(node, "default"))
    if (
        default is None
        and isinstance(action := keyword_of(node, "action"), ast.Constant)
        and action.value == "store_true"
    ):
        default = False
    if long.lstrip("-") and default is not None:
        yield Literal(path, node.lineno, long.lstrip("-"), default, "option")


# ── numerics ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _transform(node: ast.Call, scope: _Scope, path: str) -> Transform:
    argument = node.args[0]
    around: list[ast.AST] = list(ast.walk(scope.function or node))
    source = argument if isinstance(argument, ast.Call) else _assignment_of(argument, around, node.lineno)
    of_loss = any("loss" in word.lower() for word in (*scope.owner, path.rpartition("/")[2])) or _is_judged(
        node, around
    )
    return Transform(
        path,
        node.lineno,
        ast.unparse(node)[:MAX_TEXT],
        island=scope.island or is_wide(argument) or (source is not None and is_wide(source)),
        half=source is not None and _is_block(source),
        scaled=_normed(node) or any(_scales(one) for one in around),
        loss=of_loss,
    )


def _is_judged(node: ast.Call, around: list[ast.AST]) -> bool:
    """Whether what it gives is handed to a criterion: `criterion(pred_fft, label_fft)`."""
    names = {last_word(t) for one in around if isinstance(one, ast.Assign) and one.value is node for t in one.targets}
    return any(
        re.search(r"loss|criterion|l1|mse", last_word(one.func).lower())
        and any(last_word(arg) in names or arg is node for arg in one.args)
        for one in around
        if isinstance(one, ast.Call)
    )


def _assignment_of(node: ast.AST, around: list[ast.AST], line: int) -> ast.AST | None:
    """What a name was last given above a line, in the same function."""
    if not isinstance(node, ast.Name):
        return None
    given = [
        one
        for one in around
        if isinstance(one, ast.Assign) and one.lineno < line and any(last_word(t) == node.id for t in one.targets)
    ]
    return max(given, key=lambda one: one.lineno).value if given else None


def _is_block(node: ast.AST) -> bool:
    """Whether it is what a layer of the model gives back: `self.project_in(x)`."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "self"
        and any(word in node.func.attr.lower() for word in ("conv", "proj", "linear", "to_", "qkv", "dw"))
    )


def _normed(node: ast.Call) -> bool:
    norm = keyword_of(node, "norm")
    return norm is not None and not (isinstance(norm, ast.Constant) and norm.value in (None, "backward"))


def _scales(node: ast.AST) -> bool:
    """Whether something is divided by a size, or a logarithm or a phase is taken."""
    if isinstance(node, ast.Call) and last_word(node.func) in ("log", "log1p", "log10", "angle", "normalize", "std"):
        return True
    if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
        return True
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) and "** -" in ast.unparse(node)


def _epsilons(right: ast.AST, scope: _Scope, path: str) -> Iterator[Epsilon]:
    """`x / sqrt(variance + eps)`. `rsqrt` is not meant: autocast runs it in 32 bits."""
    root = right.left if isinstance(right, ast.BinOp) and isinstance(right.op, ast.Pow) else None
    inner = root
    if isinstance(right, ast.Call) and last_word(right.func) == "sqrt":
        inner = right.args[0] if right.args else getattr(right.func, "value", None)
    if not isinstance(inner, ast.BinOp) or not isinstance(inner.op, ast.Add):
        return
    words = ast.unparse(inner).lower()
    is_norm = any("norm" in word.lower() for word in scope.owner) or takes_statistics(scope.function)
    if not is_norm and not any(word in words for word in ("var", "sigma", "std", "pow", "** 2", "mean", "square")):
        return
    value = constant_of(inner.right)
    if value is None and scope.function is not None and "eps" in ast.unparse(inner.right).lower():
        places = (scope.function, scope.maker)
        value = next((v for one in places if one and (v := default_of(last_word(inner.right), one)) is not None), None)
    if isinstance(value, float | int) and not isinstance(value, bool) and value > 0:
        # What a loss is computed of is given, and in 32 bits; what a layer gives on is in 16.
        is_cast = isinstance(scope.function, ast.FunctionDef) and is_wide(scope.function)
        island = scope.island or is_wide(inner) or is_cast or any("loss" in word.lower() for word in scope.owner)
        yield Epsilon(path, inner.lineno, ast.unparse(inner)[:MAX_TEXT], float(value), island)


def _lognormal(node: ast.AST) -> tuple[float, float] | None:
    """(mean, deviation) of `randn(…) * deviation + mean`."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Add | ast.Sub):
        return None
    sign, mean, product = 1 if isinstance(node.op, ast.Add) else -1, constant_of(node.right), node.left
    if mean is None and isinstance(node.op, ast.Add):
        mean, product = constant_of(node.left), node.right
    if not isinstance(mean, int | float) or not isinstance(product, ast.BinOp) or not isinstance(product.op, ast.Mult):
        return None
    for factor, other in ((product.left, product.right), (product.right, product.left)):
        deviation = constant_of(factor)
        if isinstance(deviation, int | float) and "randn" in ast.unparse(other):
            return sign * float(mean), float(deviation)
    return None
