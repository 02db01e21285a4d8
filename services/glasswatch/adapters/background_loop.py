"""An asyncio loop in a thread of its own, for adapters whose client is asynchronous and whose callers are not."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class ClosedError(Exception):
    """The loop is closed, or was while the coroutine ran."""


class BackgroundLoop:
    """Runs coroutines for any number of threads; `close` cancels those that are still under way."""

    def __init__(self, name: str) -> None:
        """Start the thread, called `name`."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._closing = threading.Lock()
        self._closed = False
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Result of the coroutine; it is cancelled where the wait for it is interrupted.

        Raises:
            ClosedError: The loop is closed, or was closed meanwhile.
        """
        with self._closing:
            if self._closed:
                coroutine.close()
                raise ClosedError
            future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise ClosedError from None
        finally:
            future.cancel()

    def close(self, last: Coroutine[Any, Any, None]) -> None:
        """Cancel everything, run `last`, end the thread. Closing again does nothing."""
        with self._closing:
            if self._closed:
                last.close()
                return
            self._closed = True
        try:
            asyncio.run_coroutine_threadsafe(_wind_up(last), self._loop).result()
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()


async def _wind_up(last: Coroutine[Any, Any, None]) -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await last
    await asyncio.get_running_loop().shutdown_asyncgens()
