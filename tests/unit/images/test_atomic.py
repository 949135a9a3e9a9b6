from __future__ import annotations

import errno
import os
import resource
import signal
import stat

import pytest

from styler.errors import OutputError
from styler.images import atomic
from styler.images.atomic import write_atomically

NOWHERE = atomic.Path("/nowhere")


def write(path, data=b"new", **options):
    write_atomically(path, lambda file: file.write(data), **options)


def test_the_contents_arrive_and_nothing_else(tmp_path):
    write(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.png"]


def test_a_file_that_came_up_meanwhile_is_not_replaced(tmp_path):
    path = tmp_path / "a.png"

    def fill(file):
        path.write_bytes(b"theirs")
        file.write(b"new")

    with pytest.raises(OutputError, match="by another program in the meantime"):
        write_atomically(path, fill)
    assert path.read_bytes() == b"theirs"
    write_atomically(path, fill, overwrite=True)
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.png"]


def test_where_links_cannot_be_made_it_renames(tmp_path, monkeypatch):
    def no_links(*_args, **_settings):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(atomic.os, "link", no_links)
    write(tmp_path / "a.png")
    with pytest.raises(OutputError, match="by another program in the meantime"):
        write(tmp_path / "a.png")
    assert os.listdir(tmp_path) == ["a.png"]


def test_overwriting_a_link_leaves_its_target_alone(tmp_path):
    (tmp_path / "target.png").write_bytes(b"theirs")
    (tmp_path / "a.png").symlink_to("target.png")
    write(tmp_path / "a.png", overwrite=True)
    assert (tmp_path / "target.png").read_bytes() == b"theirs"
    assert (tmp_path / "a.png").read_bytes() == b"new"


@pytest.mark.parametrize("name", ["ü" * 119 + ".png", "\U0001f3a8" * 59 + ".png", " .png", "a\nb.png"])
def test_any_name_will_do(tmp_path, name):
    write(tmp_path / name)
    assert os.listdir(tmp_path) == [name]


def test_a_full_disk_harms_no_previous_file(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"mine")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
        with pytest.raises(OutputError, match=r"cannot write .*a\.png: File too large"):
            write(path, bytes(100_000), overwrite=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == b"mine"
    assert os.listdir(tmp_path) == ["a.png"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, MemoryError])
def test_whatever_stops_it_leaves_nothing_half_done(tmp_path, error):
    def fill(file):
        file.write(b"half")
        raise error

    with pytest.raises(error):
        write_atomically(tmp_path / "a.png", fill)
    assert os.listdir(tmp_path) == []


def test_file_and_folder_are_synced(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(atomic.os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_mode))
    write(tmp_path / "a.png")
    assert [oct(mode >> 12) for mode in synced] == ["0o10", "0o4"]  # a file, then a folder


@pytest.fixture(params=["without a name", "beside"])
def way(request, monkeypatch):
    """Both ways to write: by a file without a name, and by a temporary one beside the target."""
    if request.param == "beside":
        monkeypatch.setattr(atomic, "DESCRIPTORS", NOWHERE)
    return request.param


@pytest.fixture(params=[0o022, 0o077, 0o002])
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode_of(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


@pytest.mark.usefixtures("way")
def test_a_new_file_has_what_the_umask_leaves(tmp_path, umask):
    write(tmp_path / "a.png", overwrite=True)
    assert mode_of(tmp_path / "a.png") == 0o666 & ~umask


@pytest.mark.usefixtures("way", "umask")
@pytest.mark.parametrize("mode", [0o640, 0o600, 0o664, 0o444, 0o755])
def test_a_file_that_is_replaced_hands_on_its_permissions(tmp_path, mode):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    path.chmod(mode)
    write(path, overwrite=True)
    assert path.read_bytes() == b"new"
    assert mode_of(path) == mode


@pytest.mark.usefixtures("way")
def test_rights_beyond_reading_writing_and_running_end_with_the_old_file(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    path.chmod(0o4755)
    write(path, overwrite=True)
    assert mode_of(path) == 0o755


@pytest.mark.usefixtures("way")
def test_a_link_is_replaced_itself_and_has_no_permissions_to_hand_on(tmp_path, umask):
    target = tmp_path / "target.png"
    target.write_bytes(b"theirs")
    target.chmod(0o604)
    (tmp_path / "a.png").symlink_to("target.png")
    write(tmp_path / "a.png", overwrite=True)
    assert not (tmp_path / "a.png").is_symlink()
    assert (target.read_bytes(), mode_of(target)) == (b"theirs", 0o604)
    assert mode_of(tmp_path / "a.png") == 0o666 & ~umask


@pytest.mark.usefixtures("way")
def test_one_of_two_names_of_a_file_gets_the_new_contents(tmp_path):
    (tmp_path / "one.png").write_bytes(b"old")
    os.link(tmp_path / "one.png", tmp_path / "other.png")
    write(tmp_path / "one.png", overwrite=True)
    assert (tmp_path / "other.png").read_bytes() == b"old"


@pytest.mark.usefixtures("way")
def test_a_group_comes_from_the_old_file_or_from_its_folder(tmp_path):
    groups = [group for group in (1, *os.getgroups()) if group != os.getegid()]
    try:
        os.chown(tmp_path, -1, groups[0])
        tmp_path.chmod(0o2775)
    except (IndexError, PermissionError):
        pytest.skip("this user cannot give a folder to another group")
    write(tmp_path / "a.png")
    assert os.stat(tmp_path / "a.png").st_gid == groups[0]
    os.chown(tmp_path / "a.png", -1, os.getegid())
    write(tmp_path / "a.png", overwrite=True)
    assert os.stat(tmp_path / "a.png").st_gid == os.getegid()


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("call", ["fchmod", "fchown"])
def test_a_file_system_without_permissions_or_owners_will_do(tmp_path, monkeypatch, call):
    def refused(*_arguments):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    (tmp_path / "a.png").write_bytes(b"old")
    monkeypatch.setattr(atomic.os, call, refused)
    write(tmp_path / "a.png", overwrite=True)
    assert (tmp_path / "a.png").read_bytes() == b"new"


@pytest.mark.usefixtures("way")
def test_what_the_system_says_after_the_file_is_in_place_is_no_error(tmp_path, monkeypatch):
    def refused(*_arguments, **_settings):
        raise OSError(errno.EBUSY, "Device or resource busy")

    def sync_of_a_folder(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(atomic.os, "fsync", sync_of_a_folder)
    monkeypatch.setattr(atomic.Path, "unlink", refused)
    write(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == b"new"
