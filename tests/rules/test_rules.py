"""Every rule on its cases: the files of `cases/NAME`, and the examples of its documentation.

`fires*.yaml` marks the line at fault with `# <- CODE`, and nothing else may be found in it. `clean*.yaml` has no
finding at all, or those of other rules that it marks likewise. What a case leaves out is completed as in the
documentation.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from lvsgen import rules, schema
from lvsgen.bind import bind
from lvsgen.bind.context import SECTIONS
from lvsgen.diagnostics import Place
from lvsgen.rules.documentation import complete, documentation
from lvsgen.rules.page import page
from lvsgen.rules.rule import Rule
from lvsgen.source import read_text

CASES = Path(__file__).parent / "cases"
PAGE = Path(__file__).parents[2] / "docs" / "rules.md"
MARK = re.compile(r"# <- (LVS\d+(?:, LVS\d+)*)$")


def found(text: str) -> Counter[tuple[int, str]]:
    """Line and code of everything that schema, bind and rules say of a text, which may be several clusters."""
    parts = parted(text)
    clusters, located, descriptions = [], [], []
    for number, part in enumerate(parts):
        # A part keeps its lines: what is before it is left empty.
        before = "\n".join(parts[:number]).count("\n") + number
        description, diagnostics = read_text("\n" * before + part, f"{number}.yaml")
        assert not diagnostics, diagnostics
        findings = list(schema.check(description))
        cluster, unbound = bind(((d.name, d.data) for d in description.documents), (f.place for f in findings))
        assert cluster is not None, (findings, unbound)
        located += [description.locate(finding) for finding in (*findings, *unbound)]
        clusters.append(cluster)
        descriptions.append(description)
    for description, findings_of in zip(descriptions, rules.check_all(clusters), strict=True):
        located += [description.locate(finding) for finding in findings_of]
    for one in located:
        assert not one.message.endswith("."), one.message
        assert one.help, one
    return Counter((one.location.span.line, one.code) for one in located)


def parted(text: str) -> list[str]:
    """The clusters of a text."""
    return re.split(r"^---\n", text, flags=re.MULTILINE)


def expected(text: str) -> Counter[tuple[int, str]]:
    """Line and code of every mark."""
    return Counter(
        (number, code)
        for number, line in enumerate(text.splitlines(), 1)
        if (mark := MARK.search(line))
        for code in mark[1].split(", ")
    )


def cases(kind: str) -> list[object]:
    return [
        pytest.param(rule, path, id=f"{rule.name}/{path.stem}")
        for rule in rules.RULES
        for path in sorted((CASES / rule.name).glob(f"{kind}*.yaml"))
    ]


@pytest.mark.parametrize(("rule", "path"), cases("fires"))
def test_fires(rule: Rule, path: Path) -> None:
    text = complete(path.read_text())
    assert rule.code in {code for _, code in expected(text)}, "the case marks no line with its own code"
    assert found(text) == expected(text)


@pytest.mark.parametrize(("rule", "path"), cases("clean"))
def test_is_clean(rule: Rule, path: Path) -> None:
    text = complete(path.read_text())
    assert rule.code not in {code for _, code in expected(text)}
    assert found(text) == expected(text)


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.code)
def test_documentation_is_true(rule: Rule) -> None:
    text = documentation(rule)
    example, instead = complete(text.example), complete(text.instead)
    assert set(expected(example)) == {next(iter(expected(example)))}
    assert {code for _, code in expected(example)} == {rule.code}
    assert found(example) == expected(example)
    assert not found(instead)


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.code)
def test_every_rule_has_cases(rule: Rule) -> None:
    assert list((CASES / rule.name).glob("fires*.yaml")), f"write tests/rules/cases/{rule.name}/fires.yaml"
    assert list((CASES / rule.name).glob("clean*.yaml")), f"write tests/rules/cases/{rule.name}/clean.yaml"


@pytest.mark.parametrize("path", sorted(CASES.glob("*/*.yaml")), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_what_is_left_out_is_not_missed(path: Path) -> None:
    """One cause, one finding: an object with a mistake of its own is left out, and no rule may stumble over the gap."""
    text = complete(path.read_text())
    if len(parted(text)) > 1:
        return
    description, _ = read_text(text)
    (root,) = description.documents
    documents = [(root.name, root.data)]
    whole, _ = bind(documents)
    assert whole is not None
    known = {finding.code for finding in rules.check(whole)}
    for section in SECTIONS:
        for name in root.data.get(section) or ():
            partial, _ = bind(documents, [Place(root.name, (section, name))])
            if partial is not None:
                assert {finding.code for finding in rules.check(partial)} <= known, (section, name)


def test_every_case_has_a_rule() -> None:
    assert {path.name for path in CASES.iterdir()} == {rule.name for rule in rules.RULES}


def test_table_is_in_order_and_unambiguous() -> None:
    codes = [rule.code for rule in rules.RULES]
    assert codes == sorted(set(codes))
    assert len({rule.name for rule in rules.RULES}) == len(codes)


def test_page_is_not_stale() -> None:
    assert PAGE.read_text() == page(), "run python -m lvsgen.rules.page docs/rules.md"
