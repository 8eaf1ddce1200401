"""Long calls. In: a call, who hears of its steps. Out: its answer. Never: a launch that goes on when its caller has gone."""

import _thread
import contextlib
import contextvars
import json
import threading
from typing import Any, Callable, List, Optional

from . import _library
from ._handle import Handle
from .answers import Step
from .errors import Error

#: Hears of each step that is done. Called on another thread than the caller's, which waits.
Progress = Callable[[Step], object]


class Cancel(Handle):
    """Stops a long call from another thread. Once asked it stays so: make a new one for the next call."""

    _KIND = "cancel"

    def ask(self) -> None:
        """Asks the calls that were given this to stop: each undoes what it did and raises `CancelledError`."""
        _library.done("cancel_ask", self._at)


def waited(call: Callable[[Cancel, Any], str], progress: Optional[Progress], cancel: Optional[Cancel]) -> Any:
    """Runs a call that can be stopped on a thread of its own, so that the caller's hears signals meanwhile.

    What a signal's handler raises here, such as KeyboardInterrupt, and what `progress` raises, cancels the call; it is
    raised when the call has put everything in order, with the call's own error as its cause, or none where the call had
    come to its end.
    """
    own = cancel is None
    stop = Cancel() if cancel is None else cancel
    # Each holds one at most. Lists, because the other thread writes them.
    answers: List[str] = []
    failures: List[BaseException] = []
    objections: List[BaseException] = []
    begun, ended = threading.Lock(), threading.Event()

    def hear(_opaque: object, step: bytes) -> None:
        if progress is not None and not objections:
            try:
                progress(json.loads(step))
            except BaseException as e:  # Nothing may be raised through C.
                objections.append(e)
                with contextlib.suppress(Error):
                    stop.ask()

    heard = _library.PROGRESS() if progress is None else _library.PROGRESS(hear)

    def work() -> None:
        if not begun.acquire(blocking=False):
            return
        try:
            answers.append(call(stop, heard))
        except BaseException as e:
            failures.append(e)
        finally:
            ended.set()

    raised: Optional[BaseException] = None
    try:
        try:
            _thread.start_new_thread(contextvars.copy_context().run, (work,))
        except BaseException as e:
            if begun.acquire(blocking=False):
                raise  # It had not begun, and does not any more.
            raised = e
        while True:
            try:
                while not ended.is_set():
                    if raised is not None:
                        with contextlib.suppress(Error):
                            stop.ask()
                    # A signal that the system gives to another thread does not wake this one.
                    ended.wait(0.2)
                break
            except BaseException as e:
                raised = raised or e
        raised = raised or (objections[0] if objections else None)
        if raised is not None:
            raise raised from (failures[0] if failures else raised.__cause__)
        if failures:
            raise failures[0]
        return json.loads(answers[0])
    finally:
        # An error holds this frame: the frame must not hold the error, or both stay until the next garbage collection.
        raised = None
        failures.clear()
        objections.clear()
        if own:
            stop.close()
