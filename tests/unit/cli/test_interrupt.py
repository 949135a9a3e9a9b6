import signal
import subprocess
import sys
import threading

import pytest

from styler.cli.interrupt import Interrupt


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_waits_until_the_work_asks(number):
    before = signal.getsignal(number)
    with Interrupt() as interrupt:
        interrupt.check()
        signal.raise_signal(number)
        with pytest.raises(KeyboardInterrupt):
            interrupt.check()
    assert signal.getsignal(number) is before


def test_the_second_signal_ends_the_process_at_once():
    code = (
        "import signal\nfrom styler.cli.interrupt import Interrupt\n"
        "with Interrupt():\n    signal.raise_signal(signal.SIGINT)\n    print('one', flush=True)\n"
        "    signal.raise_signal(signal.SIGINT)\n    print('two')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "one\n"
    assert done.returncode == -signal.SIGINT


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
