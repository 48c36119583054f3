"""Writes that survive a crash: a file or folder is seen whole and old, or whole and new, never in between.

The order is always the same: write aside in the same folder, ``fsync`` what was written, rename over the
target in one step, ``fsync`` the folder. A power cut before the rename leaves the old file; after it, the
new one, whose bytes were on the disk before its name was.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import re
import secrets
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from clientcare.exceptions import OutputLockedError, SourceError
from clientcare.places import require_plain_place

PARTIAL = ".partial"
"""How the name of a file ends that is still being written."""

_ASIDE = re.compile(r"\.[0-9a-f]{12}" + re.escape(PARTIAL) + r"\Z")
"""What we write aside is named so; another file that ends in the same word is a stranger's."""

_on_step: Callable[[str], None] | None = None


def reached(step: str) -> None:
    """A named step of a write was reached; tests put faults here (:func:`faults`)."""
    if _on_step is not None:
        _on_step(step)


@contextlib.contextmanager
def faults(on_step: Callable[[str], None]) -> Iterator[None]:
    """While inside, every named step calls ``on_step``, which may raise or end the process. For tests."""
    global _on_step
    before, _on_step = _on_step, on_step
    try:
        yield
    finally:
        _on_step = before


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    if sys.platform == "win32":  # folders cannot be opened there; the rename is journaled by the file system
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_file(path: Path) -> None:
    """Make the bytes of a file survive a power cut."""
    handle = os.open(path, os.O_RDONLY if sys.platform != "win32" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def replacing(path: Path, mode: int = 0o666, prefix: str = ".") -> Iterator[BinaryIO]:
    """Write a file aside; it takes the target's place only when the block ends without an error.

    Parameters
    ----------
    path : Path
        The target: a new name, or a regular file. A symbolic link, pipe, socket, device or folder is refused.
    mode : int
        Permissions of the new file, before the umask.
    prefix : str
        How the name of the file aside begins.

    Raises
    ------
    SourceError
        Where the folder cannot be written to, or the disk is full. The target is then what it was.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "note.txt"
    >>> with replacing(target) as file:
    ...     _ = file.write(b"whole")
    >>> target.read_bytes(), len(list(target.parent.iterdir()))
    (b'whole', 1)
    """
    path = Path(path)
    require_plain_place(path.name, path)
    partial = name_aside(path, prefix)
    try:
        sweep_partials(path, prefix)
        flags = (
            os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        )
        handle = os.open(partial, flags, mode)
    except OSError as cause:
        raise cannot_write(path, cause) from cause
    try:
        with os.fdopen(handle, "wb") as file:
            try_lock(handle)
            reached("file: opened aside")
            yield file
            reached("file: written")
            file.flush()
            os.fsync(handle)
            reached("file: on disk")
            if (
                sys.platform != "win32"
            ):  # while it is locked: another writer's sweep spares it until it has its name
                os.replace(partial, path)
        if sys.platform == "win32":
            os.replace(partial, path)
        reached("file: renamed")
        sync_folder(path.parent)
    except BaseException as cause:
        with contextlib.suppress(OSError):
            os.unlink(partial)
        if isinstance(cause, OSError) and not isinstance(cause, SourceError):
            raise cannot_write(path, cause) from cause
        raise


def name_aside(path: Path, prefix: str = ".") -> Path:
    """A new name beside a target, under which it is written before it takes its place."""
    return path.with_name(f"{prefix}{path.name}.{secrets.token_hex(6)}{PARTIAL}")


def sweep_partials(path: Path, prefix: str = ".") -> int:
    """Remove what killed writers of this file left beside it; one that is still writing holds a lock and is
    spared.
    """
    swept = 0
    for orphan in path.parent.glob(f"{prefix}{_escaped(path.name)}.*{PARTIAL}"):
        if not _ASIDE.search(orphan.name):
            continue
        with contextlib.suppress(OSError):
            handle = os.open(orphan, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
            try:
                idle = try_lock(handle)
            finally:
                os.close(handle)
            if idle:
                orphan.unlink()
                swept += 1
    return swept


def _escaped(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "[]*?" else letter for letter in name)


def cannot_write(path: Path, cause: OSError) -> SourceError:
    """The error of a write that failed: the place, the reason of the operating system, and that nothing
    changed.
    """
    reason = cause.strerror or type(cause).__name__
    return SourceError(
        f"{path.name}: cannot be written ({reason}). What was there before is unchanged.\n"
        "Free space or mend the permissions of its folder, and start again."
    )


def try_lock(handle: int) -> bool:
    """Take the lock of an open file for as long as it is open; False where another process has it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def only_writer(lock: Path, output: str) -> Iterator[None]:
    """Hold an output for one job. The lock ends with the process, however it ends; its file is removed at
    the end.

    Raises
    ------
    OutputLockedError
        Where another job holds it.
    """
    handle = _locked_file(lock, output)
    try:
        yield
    finally:
        if sys.platform == "win32":
            os.close(handle)
        with contextlib.suppress(OSError):
            lock.unlink()
        if sys.platform != "win32":
            os.close(handle)


def _locked_file(lock: Path, output: str) -> int:
    """Open and lock; where the holder removed the file between our two steps, begin again."""
    while True:
        try:
            handle = os.open(
                lock,
                os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0),
                0o600,
            )
        except OSError as cause:
            raise cannot_write(lock, cause) from cause
        _require_own_lock(lock, handle, output)
        if not try_lock(handle):
            holder = os.read(handle, 20).decode("ascii", "replace").strip() or "unknown"
            os.close(handle)
            raise OutputLockedError(
                f"{output}: another job (process {holder}) is writing to it.\n"
                "Wait until it has ended, or write to another place."
            )
        if _is_the_file(handle, lock):
            try:
                os.ftruncate(handle, 0)
                told = str(os.getpid()).encode()
                if os.pwrite(handle, told, 0) < len(told):  # the last free bytes of a disk
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError as cause:
                with contextlib.suppress(OSError):
                    lock.unlink()
                os.close(handle)
                raise cannot_write(lock, cause) from cause
            return handle
        os.close(handle)


def _require_own_lock(lock: Path, handle: int, output: str) -> None:
    """A lock of ours is a regular file that holds a number, or nothing; another file of that name is left alone."""
    about = os.fstat(handle)
    own = stat.S_ISREG(about.st_mode) and about.st_size <= 20
    if not own or (os.pread(handle, 20, 0).strip() or b"0").isdigit() is False:
        os.close(handle)
        raise SourceError(
            f"{output}: {lock.name!r} beside it is no lock of ours, and is in the way.\n"
            "Move it, or name another place."
        )


def _is_the_file(handle: int, path: Path) -> bool:
    """Whether an open file is still the one under a name."""
    try:
        return os.stat(path).st_ino == os.fstat(handle).st_ino
    except FileNotFoundError:
        return False


def put_folder(new: Path, target: Path, aside: Path) -> None:
    """Let a finished folder take the place of the target in one step; the old one, if any, ends up at
    ``aside``.

    Linux and macOS exchange two names atomically. Where the system or the file system cannot, two renames
    follow each other and for that instant there is no target; a job that dies there is put right by
    :func:`mend_folder`.
    """
    if not os.path.lexists(target):
        os.rename(new, target)
    elif _exchanged(new, target):
        os.rename(new, aside)
    else:
        os.rename(target, aside)
        reached("folder: old one aside")
        os.rename(new, target)


def mend_folder(target: Path, aside: Path) -> None:
    """Bring the old folder back where a job died between the two renames of :func:`put_folder`."""
    if not os.path.lexists(target) and aside.is_dir():
        os.rename(aside, target)


def _exchanged(first: Path, second: Path) -> bool:
    """Exchange two names in one step; False where this system cannot."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            return bool(libc.renamex_np(os.fsencode(first), os.fsencode(second), 0x2) == 0)
        here = -100  # AT_FDCWD
        return bool(libc.renameat2(here, os.fsencode(first), here, os.fsencode(second), 0x2) == 0)
    except (OSError, AttributeError, TypeError):
        return False


def remove_folder(folder: Path) -> None:
    """Remove a work folder and all in it; nothing happens where it is gone. A link is only unlinked."""
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)
