import signal
import subprocess
import sys
import threading
import time

import pytest

from styler.cli.interrupt import SOON, Interrupt

# hashlib leaves Python alone until it is done, as TensorFlow does for a call of the compiled program
BUSY = "import hashlib\nprint('busy', flush=True)\nhashlib.pbkdf2_hmac('sha256', b'', b'', 200_000_000)\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_waits_until_the_work_asks(number):
    before, pipe = signal.getsignal(number), signal.set_wakeup_fd(-1)
    with Interrupt() as interrupt:
        interrupt.check()
        signal.raise_signal(number)
        assert interrupt.requested
        with pytest.raises(KeyboardInterrupt):
            interrupt.check()
    assert signal.getsignal(number) is before
    assert signal.set_wakeup_fd(-1) == pipe == -1


def test_it_says_once_what_happens_now():
    said = []
    with Interrupt(said.append):
        signal.raise_signal(signal.SIGTERM)
        waited = time.monotonic() + 10
        while not said and time.monotonic() < waited:
            time.sleep(0.01)
    assert said == [SOON]


def test_the_second_signal_ends_the_process_at_once():
    code = (
        "import signal\nfrom styler.cli.interrupt import Interrupt\n"
        "with Interrupt():\n    signal.raise_signal(signal.SIGINT)\n    print('one', flush=True)\n"
        "    signal.raise_signal(signal.SIGINT)\n    print('two')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "one\n"
    assert done.returncode == 130


@pytest.mark.parametrize("numbers", [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGINT)])
def test_also_in_a_long_call_during_which_python_calls_no_handlers(numbers):
    code = "from styler.cli.interrupt import Interrupt\nwith Interrupt(lambda text: print(text, flush=True)):\n    "
    code += BUSY.replace("\n", "\n    ")
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "busy\n"
        process.send_signal(numbers[0])
        assert process.stdout.readline() == f"{SOON}\n"
        assert process.poll() is None
        sent = time.monotonic()
        process.send_signal(numbers[1])
        assert process.wait(30) == 130
        assert time.monotonic() - sent < 10  # the call itself takes a minute


def test_a_signal_that_is_to_be_ignored_is():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupt() as interrupt:
            signal.raise_signal(signal.SIGHUP)
            assert not interrupt.requested
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_outside_the_main_thread_it_does_nothing():
    problems = []

    def work():
        try:
            with Interrupt() as interrupt:
                interrupt.check()
        except BaseException as problem:
            problems.append(problem)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert problems == []
