"""What the README says is so: its example runs, its links lead somewhere, its options exist."""

import re
from pathlib import Path

import pytest

from tinygan.commands import parser

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_trains_and_plots(tmp_path, monkeypatch, capsys):
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.S)
    assert len(code.strip().splitlines()) <= 15
    assert "range(10_000)" in code
    monkeypatch.chdir(tmp_path)
    exec(compile(code.replace("range(10_000)", "range(12)"), "README.md", "exec"), {})
    assert (tmp_path / "digits.png").stat().st_size > 1000
    (line,) = capsys.readouterr().out.splitlines()
    d_loss, g_loss = re.fullmatch(r"round 0: loss of D (\S+), loss of G (\S+)", line).groups()
    assert 1 < float(d_loss) < 2 and 0 < float(g_loss) < 2


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)\)", TEXT))))
def test_links_lead_somewhere(link):
    assert (ROOT / link).exists()


COMMANDS = re.findall(r"^(tinygan \w+.*?)(?:\s{2,}#.*)?$", TEXT, re.M)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_options_of_each_command_exist(command, monkeypatch):
    """Parsed, not run: an unknown option would leave with status 2 before `run` is asked for."""
    asked = []
    for module in parser.commands():
        monkeypatch.setattr(module, "run", lambda args: asked.append(args) or 0)
    assert parser.main(command.split()[1:]) == 0 and len(asked) == 1


def test_the_korean_readme_has_the_same_code_and_examples():
    korean = (ROOT / "README.ko.md").read_text(encoding="utf-8")
    blocks, table = re.compile(r"```.*?```", re.S), re.compile(r'href="(examples/\w+\.py)"')
    assert blocks.findall(korean) == blocks.findall(TEXT)
    assert table.findall(korean) == table.findall(TEXT)
    for link in re.findall(r"\]\(([^)#]+)\)", korean):
        assert (ROOT / link).exists()
