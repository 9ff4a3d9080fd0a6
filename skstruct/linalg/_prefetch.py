"""Read ahead: the next item is made by another thread while the current one is used."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextvars import copy_context
from queue import SimpleQueue
from typing import TypeVar

Item = TypeVar("Item")


def read_ahead(read: Callable[[], Generator[Item, None, None]]) -> Iterator[Item]:
    """Yield what ``read()`` yields, which runs in a thread of its own, one item ahead.

    At most two items exist at a time: the next one is begun when the caller has taken the
    current one, and so has given up the one before. An exception of the reader is raised here.
    The thread ends with this iterator, also if it is closed early.
    """
    taken = threading.Semaphore(1)
    stopped = threading.Event()
    delivered: SimpleQueue[tuple[Item | None, BaseException | None, bool]] = SimpleQueue()

    def work() -> None:
        items = read()
        try:
            while taken.acquire() and not stopped.is_set():
                delivered.put((next(items), None, False))
        except StopIteration:
            delivered.put((None, None, True))
        except BaseException as error:  # whatever it is, the caller must not wait for ever
            delivered.put((None, error, True))
        finally:
            items.close()  # in the thread that opened what it reads from

    # In the caller's context: settings and numpy's error state are variables of it.
    thread = threading.Thread(
        target=copy_context().run, args=(work,), name="skstruct-reader", daemon=True
    )
    thread.start()
    try:
        while True:
            item, error, is_end = delivered.get()
            if error is not None:
                raise error
            if is_end:
                return
            taken.release()
            yield item
    finally:
        stopped.set()
        taken.release()
        thread.join()
