"""Run the examples of one page in order, as a reader would in a fresh interpreter: ``python run_page.py PAGE``.

A ``python`` block is run, or is a session with ``>>>`` whose results are compared. An ``output`` block is what the
blocks since the last one have printed. In both, ``...`` stands for what differs from run to run.
"""

from __future__ import annotations

import doctest
import io
import sys
from contextlib import redirect_stdout
from pathlib import Path

from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Page:
    """Runs the examples of a page and keeps what they print."""

    def __init__(self, path: Path) -> None:
        self.printed = io.StringIO()
        outputs = CodeBlockParser(language="output", evaluator=self.compare)
        sybil = Sybil([PythonCodeBlockParser(doctest_optionflags=FLAGS), outputs, SkipParser()], pattern="*.md")
        self.document = sybil.parse(path)

    def run(self) -> int:
        """Run all examples and give their number."""
        count = 0
        for count, example in enumerate(self.document.examples(), 1):  # noqa: B007 -- the number of the last one
            with redirect_stdout(self.printed):
                example.evaluate()
        return count

    def compare(self, example: Example) -> str:
        """Compare what was printed with the block; gives what is wrong."""
        printed = self.printed.getvalue()
        self.printed.seek(0)
        self.printed.truncate()
        wanted = str(example.parsed)
        if doctest.OutputChecker().check_output(wanted, printed, FLAGS):
            return ""
        return f"shown:\n{wanted}\nprinted:\n{printed}"


if __name__ == "__main__":
    print(Page(Path(sys.argv[1])).run(), "examples")
