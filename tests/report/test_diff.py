"""The patch of one file, as Git writes it."""

from __future__ import annotations

import pytest

from lvsgen.report.diff import Side, render


def side(data: bytes, executable: bool = False) -> Side:
    return Side(data=data, executable=executable)


@pytest.mark.parametrize(
    ("old", "new", "patch"),
    [
        (None, None, ""),
        (side(b"a\n"), side(b"a\n"), ""),
        (
            None,
            side(b"a\nb\n", executable=True),
            "diff --git a/x b/x\nnew file mode 100755\n--- /dev/null\n+++ b/x\n@@ -0,0 +1,2 @@\n+a\n+b\n",
        ),
        (
            side(b"a\n"),
            None,
            "diff --git a/x b/x\ndeleted file mode 100644\n--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n",
        ),
        (side(b"a\n"), side(b"a\n", executable=True), "diff --git a/x b/x\nold mode 100644\nnew mode 100755\n"),
        (
            side(b"a"),
            side(b"a\n"),
            "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n",
        ),
        (side(b"\xff"), side(b"a\n"), "diff --git a/x b/x\nBinary files a/x and b/x differ\n"),
    ],
)
def test_a_patch(old: Side | None, new: Side | None, patch: str) -> None:
    assert render("x", old, new) == patch
