"""The only writer: takes the artifacts of a cluster and a folder, returns a Changeset, and brings it to the disk.

`compare` reads and decides everything, for all hosts, and writes nothing. `apply` writes what it found:

1. every new file is written completely beside the old one, so a full disk is found before anything is replaced;
2. each folder's lvsgen.sum is replaced by the bridge, which lists old and new hashes;
3. the files are renamed into place, what is no longer generated is deleted, and the final lvsgen.sum comes last.

The output folder itself may be reached through a symbolic link; below it none is followed: every file is opened and
renamed relative to the descriptor of its folder (openat(2) with O_NOFOLLOW).

Nothing is forced to the disk (fsync would take longer than everything else together): a killed process loses nothing
that it wrote, and what a power failure tore is no longer what lvsgen.sum says, so the next build names it.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from lvsgen import sums
from lvsgen.sums import SUM_NAME, Artifact, Change, Folder, Found, Listing, Request, Status

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_UNABLE = (errno.ENOLCK, errno.EBADF, errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EISDIR)
"""What network and shared file systems say that cannot lock a folder: not a reason to give up."""
_KINDS = {stat.S_IFLNK: "is a symbolic link", stat.S_IFDIR: "is a folder", stat.S_IFIFO: "is a named pipe"}
_WRITES = (Status.CREATE, Status.UPDATE, Status.MISSING, Status.STALE, Status.DAMAGED)
_VICTIMS = (Status.EDITED, Status.FOREIGN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changeset:
    """How the output folder differs from a request: every path, sorted, the unchanged ones, too.

    `bridges` are the sum files that stand while files are replaced.
    """

    request: Request
    changes: tuple[Change, ...]
    bridges: tuple[Artifact, ...]

    @property
    def in_sync(self) -> bool:
        """Whether a build would have nothing to do and nothing to remark."""
        return all(change.status is Status.UNCHANGED for change in self.changes)

    @property
    def blocking(self) -> tuple[Change, ...]:
        """What stops the whole build."""
        return self._with(Status.REFUSED) if self.request.force else self._with(Status.REFUSED, *_VICTIMS)

    @property
    def victims(self) -> tuple[Change, ...]:
        """Files with somebody's own work in them that are lost, because force was asked for."""
        return self._with(*self._given_up)

    @property
    def written(self) -> tuple[Change, ...]:
        """What is created or replaced."""
        return tuple(change for change in self._with(*_WRITES, *self._given_up) if change.artifact)

    @property
    def deleted(self) -> tuple[Change, ...]:
        """What is removed."""
        return tuple(change for change in self._with(Status.DELETE, *self._given_up) if not change.artifact)

    @property
    def _given_up(self) -> tuple[Status, ...]:
        return _VICTIMS if self.request.force else ()

    def _with(self, *statuses: Status) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.status in statuses)


@dataclass(frozen=True, slots=True)
class TreeFailure:
    """The output folder cannot be read or written. `path` begins with that folder as the user wrote it."""

    path: str
    reason: str


def compare(request: Request) -> Changeset | TreeFailure:
    """What would have to change on the disk. Reads only."""
    try:
        with _open(os.path.realpath(request.output)) as root:
            return _survey(root, request)
    except FileNotFoundError:
        return _survey(None, request)
    except OSError as error:
        return TreeFailure(request.output, _why(error))


def apply(changeset: Changeset) -> TreeFailure | None:
    """Write it, if the disk is still as it was compared. After a failure, no file is less than whole."""
    if changeset.blocking:
        raise ValueError("a changeset with something in the way must not be applied")
    if not changeset.written and not changeset.deleted:
        return None
    output = changeset.request.output
    folder = os.path.realpath(output)
    writer = _Writer(output)
    new = not os.path.lexists(folder)
    try:
        os.makedirs(folder, exist_ok=True)
        with _open(folder) as writer.root:
            try:
                fcntl.flock(writer.root, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno not in _UNABLE:
                    raise
            if _survey(writer.root, changeset.request) != changeset:
                return TreeFailure(output, "has changed since it was read; nothing was written")
            writer.run(changeset)
    except BlockingIOError:
        return TreeFailure(output, "another build is writing there")
    except OSError as error:
        with suppress(OSError):
            if new:
                os.rmdir(folder)
        return TreeFailure(writer.at, _why(error))
    return None


def _survey(root: int | None, request: Request) -> Changeset:
    """Compare with the folder open as `root` (None: it does not exist)."""
    ours = {host for host in request.hosts if not request.only or host in request.only}
    wanted: dict[str, dict[str, Artifact]] = {host: {} for host in ours}
    if root is not None and not request.only:
        wanted |= {name: {} for name in os.listdir(root) if sums.is_safe(name) and name not in ours}
    for artifact in request.artifacts:
        if artifact.host in ours:
            wanted[artifact.host][artifact.name] = artifact
    changes: list[Change] = []
    bridges: list[Artifact] = []
    for host, files in sorted(wanted.items()):
        try:
            folder = Folder() if root is None else _read(root, host, files)
        except OSError as error:
            if host in ours:
                changes.append(Change(status=Status.REFUSED, host=host, name="", reason=_why(error)))
            continue
        found, bridge = sums.decide(host, folder, files, request.cluster, in_cluster=host in ours)
        changes += found
        bridges += [bridge] if bridge else []
    return Changeset(request=request, changes=tuple(changes), bridges=tuple(bridges))


def _read(root: int, host: str, wanted: Container[str]) -> Folder:
    """What is in a host's folder; an OSError says why that cannot be told."""
    try:
        kind = stat.S_IFMT(os.stat(host, dir_fd=root, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return Folder()
    if kind != stat.S_IFDIR:
        raise OSError(_KINDS.get(kind, "is not a folder"))
    with _open(host, root) as folder:
        names = frozenset(os.listdir(folder))
        found = {SUM_NAME: _look(folder, SUM_NAME)} if SUM_NAME in names else {}
        listing = sums.parse(found[SUM_NAME].data) if found and not found[SUM_NAME].obstacle else Listing()
        for name in names - {SUM_NAME}:
            if name in wanted or name in listing.hashes or sums.is_temporary(name):
                found[name] = _look(folder, name)
    return Folder(names=names, found=found, listing=listing)


def _look(folder: int, name: str) -> Found:
    """One file, which may be anything: not followed if it is a link, not waited for if it is a pipe."""
    try:
        kind = stat.S_IFMT(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
        if kind != stat.S_IFREG:
            return Found(obstacle=_KINDS.get(kind, "is not a regular file"))
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with open(os.open(name, flags, dir_fd=folder), "rb") as file:
            data = file.read(sums.SIZE_LIMIT + 1) if name == SUM_NAME else b""
            digest = "" if name == SUM_NAME else hashlib.file_digest(file, "sha256").hexdigest()
            return Found(digest=digest, executable=bool(os.fstat(file.fileno()).st_mode & 0o100), data=data)
    except OSError as error:
        return Found(obstacle=f"cannot be read: {_why(error)}")


def _why(error: OSError) -> str:
    """The system's words, in the style of ours."""
    reason = error.strerror or str(error)
    return reason[:1].lower() + reason[1:]


@contextmanager
def _open(name: str, root: int | None = None) -> Iterator[int]:
    """A folder, never through a symbolic link."""
    descriptor = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=root)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


class _Writer:
    """One run of `apply`. `at` is what it is working on, for the message if that fails."""

    def __init__(self, output: str) -> None:
        self.output = self.at = output
        self.root = -1
        self.staged: dict[str, str] = {}
        self.made: list[str] = []

    def run(self, changeset: Changeset) -> None:
        """All phases. A failure takes back what was only prepared; what is replaced by then stays, and is whole."""
        written = [change.artifact for change in changeset.written if change.artifact]
        gone = [(change.host, change.name) for change in changeset.deleted]
        emptied = sorted({host for host, _ in gone} - {artifact.host for artifact in changeset.request.artifacts})
        try:
            for host in emptied:
                self.at = f"{self.output}/{host}"
                if not os.access(host, os.W_OK | os.X_OK, dir_fd=self.root, effective_ids=True):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            self.delete([path for path in gone if sums.is_temporary(path[1])])
            bridges = [self.stage(artifact) for artifact in changeset.bridges]
            files = [self.stage(artifact) for artifact in written if artifact.name != SUM_NAME]
            finals = [self.stage(artifact) for artifact in written if artifact.name == SUM_NAME]
            self.publish(bridges)
            self.publish(files)
            self.delete([path for path in gone if sums.is_plain(path[1])])
            self.publish(finals)
            self.delete([path for path in gone if path[1] == SUM_NAME])
            for host in emptied:
                self.at = f"{self.output}/{host}"
                try:
                    os.rmdir(host, dir_fd=self.root)
                except OSError as error:
                    if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                        raise
        except BaseException:
            self.take_back()
            raise

    def stage(self, artifact: Artifact) -> tuple[str, str, str]:
        """Write a file completely, beside the place where it belongs; returns host, temporary name and name."""
        self.at = f"{self.output}/{artifact.host}/{artifact.name}"
        with suppress(FileExistsError):
            os.mkdir(artifact.host, dir_fd=self.root)
            self.made.append(artifact.host)
        temporary = f".lvsgen-{len(self.staged)}.tmp"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with _open(artifact.host, self.root) as folder:
            descriptor = os.open(temporary, flags, 0o600, dir_fd=folder)
            self.staged[temporary] = artifact.host
            with open(descriptor, "wb") as file:
                file.write(artifact.text.encode())
                file.flush()
                os.fchmod(descriptor, artifact.mode)
        return artifact.host, temporary, artifact.name

    def publish(self, staged: list[tuple[str, str, str]]) -> None:
        """Rename into place."""
        for host, group in groupby(staged, key=itemgetter(0)):
            with _open(host, self.root) as folder:
                for _, temporary, name in group:
                    self.at = f"{self.output}/{host}/{name}"
                    os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)

    def delete(self, paths: list[tuple[str, str]]) -> None:
        """The same for what goes."""
        for host, group in groupby(paths, key=itemgetter(0)):
            with _open(host, self.root) as folder:
                for _, name in group:
                    self.at = f"{self.output}/{host}/{name}"
                    os.unlink(name, dir_fd=folder)

    def take_back(self) -> None:
        """Remove the temporary files, and the folders that were made for them."""
        for temporary, host in self.staged.items():
            with suppress(OSError), _open(host, self.root) as folder:
                os.unlink(temporary, dir_fd=folder)
        for host in self.made:
            with suppress(OSError):
                os.rmdir(host, dir_fd=self.root)
