"""Many files side by side, each in a process of its own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress

Given = TypeVar("Given")
Made = TypeVar("Made")


def each(function: Callable[[Given], Made], items: Sequence[Given], processes: int) -> Iterator[tuple[int, Made]]:
    """The number of each item with what the function makes of it, in the order of completion."""
    # Spawned, since a fork would copy the locks of the decoder's threads in whatever state they are.
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = {pool.submit(function, item): number for number, item in enumerate(items)}
        for future in as_completed(futures):
            yield futures[future], future.result()


def examined(
    function: Callable[[Given], Made | str],
    items: Sequence[Given],
    name: Callable[[Given], str],
    processes: int,
    console: Console,
) -> tuple[list[Made], list[dict[str, str]]]:
    """What the function makes of the items, in their order, and those of which it only says why it makes nothing."""
    done: dict[int, Made] = {}
    unmade = []
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("files", total=len(items))
        for number, result in each(function, items, processes):
            bar.advance(task)
            if isinstance(result, str):
                unmade.append({"file": name(items[number]), "reason": result})
            else:
                done[number] = result
    return [done[n] for n in sorted(done)], unmade
