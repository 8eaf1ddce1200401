"""Long calls without a hypervisor: who hears of steps, who can stop them."""

import _thread
import contextvars
import ctypes
import gc
import json
import os
import signal
import threading
import time
import weakref
from typing import Any, List

import virtsev
from support import Case
from virtsev import _library
from virtsev.cancel import waited


class Stopped(virtsev.CancelledError):
    pass


class Call:
    """Plays a call of the library: takes steps until it is stopped, or has taken `steps` of them."""

    def __init__(self, steps: int, ends: bool = True) -> None:
        self.steps, self.ends, self.undone = steps, ends, False
        self.thread = 0

    def __call__(self, stop: virtsev.Cancel, heard: Any) -> str:
        self.thread = threading.get_ident()
        asked = threading.Event()
        # What the library sees of the handle is not to be seen from here.
        self.asked, stop.ask = asked, asked.set  # type: ignore[method-assign]
        for number in range(self.steps):
            if not heard:
                continue
            heard(None, json.dumps({"step": f"step {number}", "text": ""}).encode())
            if asked.is_set():
                break
        if not self.ends:
            asked.wait(20)
        if asked.is_set():
            time.sleep(0.2)
            self.undone = True
            raise Stopped("cancelled")
        return "{}"


class Waiting(Case):
    def test_steps_are_heard_on_another_thread_in_the_same_context(self) -> None:
        heard: List[Any] = []
        variable = contextvars.ContextVar("variable", default=0)
        variable.set(7)
        call = Call(3)
        self.assertEqual(waited(call, lambda step: heard.append((step["step"], variable.get())), None), {})
        self.assertEqual(heard, [("step 0", 7), ("step 1", 7), ("step 2", 7)])
        self.assertNotEqual(call.thread, threading.get_ident())
        self.assertEqual(waited(Call(0), None, None), {})

    def test_what_progress_raises_stops_the_call_and_is_raised_after_it(self) -> None:
        for objection in (ZeroDivisionError("no more"), KeyboardInterrupt(), SystemExit(3)):
            heard: List[Any] = []

            def progress(step: Any) -> None:
                heard.append(step)
                raise objection

            call = Call(5)
            with self.assertRaises(type(objection)) as raised:
                waited(call, progress, None)
            self.assertIs(raised.exception, objection)
            self.assertIsInstance(objection.__cause__, Stopped)
            self.assertEqual((len(heard), call.undone), (1, True))

    def test_an_error_of_the_call_is_raised(self) -> None:
        def call(stop: Any, heard: Any) -> str:
            raise virtsev.StateError("the guest is active already")

        with self.assertRaises(virtsev.StateError):
            waited(call, None, None)

    def test_sigint_stops_the_call_and_waits_for_its_end(self) -> None:
        call = Call(1, ends=False)
        # Whoever started the tests in a shell's background had them ignore it.
        self.addCleanup(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, signal.default_int_handler))
        threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGINT]).start()
        with self.assertRaises(KeyboardInterrupt) as raised:
            waited(call, None, None)
        self.assertTrue(call.undone)
        self.assertIsInstance(raised.exception.__cause__, Stopped)

    def test_sigint_again_and_again_waits_all_the_same(self) -> None:
        call = Call(0, ends=False)
        ended = threading.Event()

        def interrupt() -> None:
            time.sleep(0.2)
            while not ended.wait(0.01):
                os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        handler = signal.getsignal(signal.SIGINT)
        count = 0

        def raising(*_: Any) -> None:
            nonlocal count
            if not ended.is_set() and not call.undone:
                count += 1
                raise KeyboardInterrupt(str(count))

        signal.signal(signal.SIGINT, raising)
        try:
            thread.start()
            with self.assertRaises(KeyboardInterrupt) as raised:
                waited(call, None, None)
        finally:
            ended.set()
            thread.join()
            signal.signal(signal.SIGINT, handler)
        self.assertEqual((str(raised.exception), call.undone), ("1", True))
        self.assertGreater(count, 2)

    def test_another_signal_whose_handler_raises(self) -> None:
        def handler(number: int, frame: Any) -> None:
            raise SystemExit(number)

        before = signal.signal(signal.SIGUSR1, handler)
        try:
            call = Call(0, ends=False)
            threading.Timer(0.2, signal.raise_signal, [signal.SIGUSR1]).start()
            with self.assertRaises(SystemExit):
                waited(call, None, None)
            self.assertTrue(call.undone)
        finally:
            signal.signal(signal.SIGUSR1, before)

    def test_another_thread_can_wait_and_cancel_too(self) -> None:
        cancel, call, raised = virtsev.Cancel(), Call(0, ends=False), []

        def wait() -> None:
            try:
                waited(call, None, cancel)
            except virtsev.CancelledError as e:
                raised.append(e)

        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(0.1)
        cancel.ask()
        thread.join()
        self.assertEqual((len(raised), call.undone), (1, True))
        # The caller's own stays the caller's.
        del cancel.ask
        cancel.ask()
        with virtsev.Cancel() as other:
            other.ask()
            other.ask()

    def test_nothing_is_kept_after_a_failure(self) -> None:
        gc.collect()
        gc.disable()
        try:
            for progress in (None, lambda step: 1 / 0):
                witness = Call(1, ends=progress is not None)
                gone = weakref.ref(witness)
                if progress is None:
                    threading.Timer(0.1, _thread.interrupt_main).start()
                try:
                    waited(witness, progress, None)
                except (KeyboardInterrupt, ZeroDivisionError):
                    pass
                del witness
                time.sleep(0.05)
                self.assertIsNone(gone())
                self.assertEqual(virtsev.handle_count(), self.before)
        finally:
            gc.enable()

    def test_a_thread_that_cannot_be_had(self) -> None:
        start = _thread.start_new_thread

        def refuse(*_: Any) -> int:
            raise RuntimeError("can't start new thread")

        _thread.start_new_thread = refuse
        try:
            with self.assertRaisesRegex(RuntimeError, "can't start"):
                waited(Call(0), None, None)
        finally:
            _thread.start_new_thread = start


class Release(Case):
    def test_no_call_holds_the_lock_of_the_interpreter(self) -> None:
        for function in _library._FUNCTIONS.values():
            self.assertFalse(function._flags_ & ctypes._FUNCFLAG_PYTHONAPI)  # type: ignore[attr-defined]
