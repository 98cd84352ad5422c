"""What clients met, judged."""

from __future__ import annotations

from lvsgen.lab.guest.judge import judge
from lvsgen.lab.guest.steps.asking import Ask
from lvsgen.lab.guest.wire import Subject, Target


def ask(**more: object) -> Ask:
    fields: dict[str, object] = {
        "subject": Subject(property="traffic"),
        "target": Target(client="client", ip="192.0.2.100", port=80),
        "count": 4,
        "sources": ("192.0.2.50", "192.0.2.51"),
        "wants": ("rs1", "rs2"),
    }
    return Ask(**{**fields, **more})  # type: ignore[arg-type]  # [fields that differ from test to test]


def answer(name: str, source: str = "192.0.2.50", seen: str | None = None) -> list[str]:
    return [name, source if seen is None else seen, source, "80"]


def test_all_is_well() -> None:
    judgement = judge(ask(share={"rs1": 1, "rs2": 1}), [answer("rs1"), answer("rs2")])
    assert (judgement.problems, judgement.missing, judgement.seen) == ((), (), "1 rs1, 1 rs2")


def test_errors_and_those_who_are_missing() -> None:
    judgement = judge(ask(), [answer("rs1"), answer("no answer", seen="")])
    assert judgement.problems == ("1 of 2 got nothing", "nothing from rs2")
    assert judgement.missing == ("rs2",)


def test_nobody_at_all() -> None:
    assert judge(ask(subset=True), [answer("refused", seen="")]).missing == ("rs1", "rs2")


def test_strangers() -> None:
    assert judge(ask(subset=True), [answer("rs1"), answer("rs3")]).problems == ("rs3 must get nothing",)


def test_shares() -> None:
    answers = [answer("rs1"), answer("rs1"), answer("rs1"), answer("rs2")]
    assert judge(ask(share={"rs1": 2, "rs2": 2}), answers).problems == ("the shares must be 2 rs1, 2 rs2",)
    assert judge(ask(share={"rs1": 2, "rs2": 2}, tolerance=1), answers).problems == ()


def test_affinity() -> None:
    answers = [answer("rs1"), answer("rs2"), answer("rs2", "192.0.2.51")]
    (problem,) = judge(ask(affinity=True), answers).problems
    assert problem == "1 of 2 clients met several realservers (192.0.2.50: rs1, rs2)"


def test_the_client_s_address() -> None:
    answers = [answer("rs1", seen="192.0.2.2"), answer("rs2", seen="192.0.2.2")]
    assert judge(ask(), answers).problems == ("rs1 sees 192.0.2.2 where 192.0.2.50 is asking",)
    assert judge(ask(sees=("192.0.2.2",)), answers).problems == ()


def test_one_for_all() -> None:
    assert judge(ask(one=True), [answer("rs2"), answer("rs2")]).problems == ()
    assert judge(ask(one=True), [answer("rs1"), answer("rs2")]).problems == ("one realserver must answer them all",)


def test_what_a_transparent_proxy_is_asked_for() -> None:
    told = [[*answer("rs1"), "203.0.113.80"], [*answer("rs2"), "192.0.2.12"]]
    assert judge(ask(original="203.0.113.80"), told).problems == (
        "rs2 is asked for 192.0.2.12, where the client asks for 203.0.113.80",
    )
