"""`glasswatch simulate`: labelled defects in clean media."""

from __future__ import annotations

from pathlib import Path

import click

from glasswatch.core.errors import UsageError
from glasswatch.simulator import injectors
from glasswatch.simulator import simulate as run_simulation
from glasswatch.simulator.labels import write_labels


@click.command()
@click.argument("defect", required=False)
@click.argument("input_", metavar="INPUT", type=click.Path(path_type=Path), required=False)
@click.argument("output", type=click.Path(path_type=Path), required=False)
@click.option("--start", "start_s", type=float, help="Where the defect begins, in seconds; default: by the seed.")
@click.option("--duration", "duration_s", type=float, help="How long it lasts, in seconds; default: by the seed.")
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same output.")
@click.option(
    "--set", "settings", metavar="KEY=VALUE", multiple=True, help="A setting of the injector; may be repeated."
)
@click.option("--labels", type=click.Path(path_type=Path), help="Write the ground truth as JSON.")
@click.option("--list", "list_", is_flag=True, help="List the injectors and their settings.")
def simulate(
    defect: str | None,
    input_: Path | None,
    output: Path | None,
    start_s: float | None,
    duration_s: float | None,
    seed: int,
    settings: tuple[str, ...],
    labels: Path | None,
    list_: bool,
) -> None:
    """Put DEFECT into INPUT, and write OUTPUT; its suffix names the container."""
    if list_:
        _list()
        return
    if defect is None or input_ is None or output is None:
        raise UsageError("name a defect, an input and an output; --list shows the defects")
    pairs = [setting.partition("=") for setting in settings]
    for key, mark, _ in pairs:
        if not key or not mark:
            raise UsageError(f"--set takes KEY=VALUE, not {key!r}")
    if labels is not None and labels.resolve() in (input_.resolve(), output.resolve()):
        raise UsageError(
            f"{labels}: the labels would overwrite the {'input' if labels.resolve() == input_.resolve() else 'output'}"
        )
    truth = run_simulation(
        defect,
        input_,
        output,
        start_s=start_s,
        duration_s=duration_s,
        seed=seed,
        settings={key: value for key, _, value in pairs},
    )
    if labels is not None:
        write_labels(truth, labels)


def _list() -> None:
    for name, injector in injectors().items():
        click.echo(f"{name}: {injector.description}")
        for key, info in injector.settings.model_fields.items():
            default = "" if info.is_required() else info.default
            click.echo(f"    {key}={default}  {info.description or ''}")
