"""One line a check, the reasons of a failure below it, and a closing line."""

import time


class Report:
    def __init__(self, log_path):
        self.log = open(log_path, "w", encoding="utf-8")
        self.passed = 0
        self.failed = []
        self.begun = time.monotonic()

    def say(self, text):
        print(text, flush=True)
        print(text, file=self.log, flush=True)

    def check(self, name, faults=(), remark=""):
        """Records a check: `faults` is what is wrong, nothing if it passed."""
        faults = [str(fault) for fault in faults]
        if not faults:
            self.passed += 1
            self.say(f"ok    {name}" + (f" ({remark})" if remark else ""))
            return True
        self.failed.append(name)
        self.say(f"FAIL  {name}")
        for fault in faults:
            for line in fault.splitlines():
                self.say(f"      {line}")
        return False

    def close(self):
        """Prints the closing line and gives the exit code."""
        if self.failed:
            self.say("")
            for name in self.failed:
                self.say(f"failed: {name}")
        minutes, seconds = divmod(round(time.monotonic() - self.begun), 60)
        self.say(f"took {minutes} min {seconds} s")
        self.say(f"{self.passed} passed, {len(self.failed)} failed")
        return 1 if self.failed or not self.passed else 0
