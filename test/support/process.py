"""Processes and ports of the test suite: free ports, polling instead of sleeping, children that are stopped by their id."""

import collections.abc
import os
import pathlib
import signal
import socket
import subprocess
import time


def free_port() -> int:
    """A port nobody listens on now. Another process may take it before its user does: start-up is retried with a new one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(what: str, condition: collections.abc.Callable, seconds: float = 30, pause: float = 0.02):
    """Polls until condition() is true and answers what it said. Fails naming what did not come."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not happen within {seconds} s")
        time.sleep(pause)


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class Child:
    """One child process whose output goes to a file."""

    def __init__(self, command: list[str], log: pathlib.Path, environment: dict[str, str] | None = None):
        self.log = log
        self._out = open(log, "ab")
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self._out, stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})}, start_new_session=True)

    @property
    def pid(self) -> int:
        return self.process.pid

    def alive(self) -> bool:
        return self.process.poll() is None

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def stop(self, how: signal.Signals = signal.SIGTERM, seconds: float = 30) -> int:
        """Signals the process and answers its exit code; kills it when it does not end in time, and says so."""
        if self.alive():
            self.process.send_signal(how)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"process {self.pid} did not end within {seconds} s of {how.name}; its last output:\n" +
                                 self.output()[-4000:]) from None
        finally:
            self._out.close()


def children_of(pid: int) -> list[int]:
    """All living descendants of a process."""
    found, queue = [], [pid]
    parents: dict[int, list[int]] = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
    while queue:
        for child in parents.get(queue.pop(), []):
            found.append(child)
            queue.append(child)
    return found


def memory_kib(pid: int, field: str = "Pss") -> int:
    """Proportional (Pss) or resident (Rss) memory of a process."""
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise ValueError(field)


def thread_count(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/task"))
