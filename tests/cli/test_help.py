"""Help comes at once, and says of each verb what its module says."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from clientcare.cli import main
from clientcare.cli.program import VERBS


def test_help_loads_no_library():
    code = (
        "import sys\n"
        "from clientcare.cli import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit as end:\n    assert not end.code\n"
        "heavy = [m for m in ('numpy', 'pandas', 'pyarrow', 'sklearn') if m in sys.modules]\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("verb", VERBS)
def test_the_summary_of_a_verb_is_the_first_line_of_its_module(verb, capsys):
    module = import_module(f"clientcare.cli.{verb}")
    assert module.__doc__.splitlines()[0] == VERBS[verb]
    with pytest.raises(SystemExit) as end:
        main([verb, "--help"])
    assert end.value.code == 0
    assert VERBS[verb] in capsys.readouterr().out
