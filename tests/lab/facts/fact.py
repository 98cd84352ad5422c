"""What a fact about the kernel is: an experiment with assertions, and who relies on it.

A function that `fact` marks is a test, but it is called in the guest, on the kernel that it is about: with a `Cluster`
that several facts share, or with a `Lab` of its own, as its parameter says. pytest, outside, reports what came of it.
Nothing here, nor in the modules of facts, knows pytest, which the guest's Python may not have.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

Experiment: TypeAlias = Callable[[Any], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """`relied_on` are codes of rules and names of files of the project, those that it `shows` among them: rules whose
    predicted failure happens in the experiment. It `shares` a cluster with others.
    """

    name: str
    module: str
    says: str
    relied_on: tuple[str, ...]
    shows: tuple[str, ...]
    experiment: Experiment
    shares: bool


FACTS: dict[str, Fact] = {}


def fact(*relied_on: str, shows: tuple[str, ...] = ()) -> Callable[[Experiment], Experiment]:
    """Mark a test as a fact that these rules and files rely on, and `shows` more rules right: what they say goes wrong
    does go wrong in it. The first paragraph of its text says what is seen.
    """

    def note(experiment: Experiment) -> Experiment:
        says = (inspect.getdoc(experiment) or "").partition("\n\n")[0].replace("\n", " ")
        assert says, experiment.__name__
        assert experiment.__name__ not in FACTS, experiment.__name__
        FACTS[experiment.__name__] = Fact(
            name=experiment.__name__,
            module=experiment.__module__,
            says=says,
            relied_on=(*shows, *relied_on),
            shows=shows,
            experiment=experiment,
            shares="cluster" in inspect.signature(experiment).parameters,
        )
        return experiment

    return note
