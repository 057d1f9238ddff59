"""Laws of replacing a file: old or new and never a part, with the old one's rights, and nothing left behind."""

import os
import stat

import pytest

from runaudit.system.files import remember, replace_file, replacing


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("durable", [True, False])
def test_the_new_content_stands_and_nothing_beside_it(tmp_path, durable):
    place = tmp_path / "ä page.html"
    place.write_bytes(b"old and longer")

    replace_file(place, b"new", durable=durable)

    assert place.read_bytes() == b"new"
    assert names(tmp_path) == [place.name]


def test_until_the_end_of_the_block_the_old_file_is_what_others_see(tmp_path):
    place = tmp_path / "a"
    place.write_bytes(b"old")

    with replacing(place) as new:
        new.write_bytes(b"half")
        assert place.read_bytes() == b"old"
        assert new.parent == place.parent

    assert place.read_bytes() == b"half"


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), KeyboardInterrupt(), ValueError("x")])
def test_a_failure_leaves_the_old_file_and_no_other(tmp_path, fault):
    place = tmp_path / "a"
    place.write_bytes(b"old")

    with pytest.raises(type(fault)), replacing(place) as new:
        new.write_bytes(b"half")
        raise fault

    assert place.read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_a_place_that_cannot_be_taken_leaves_nothing(tmp_path):
    (tmp_path / "a").mkdir()

    with pytest.raises(OSError, match="directory"):
        replace_file(tmp_path / "a", b"new")

    assert names(tmp_path) == ["a"]


def test_the_rights_of_the_old_file_stay_and_a_new_one_gets_the_usual(tmp_path):
    for mode in (0o600, 0o664, 0o755):
        place = tmp_path / f"{mode:o}"
        place.write_bytes(b"old")
        place.chmod(mode)
        replace_file(place, b"new")
        assert stat.S_IMODE(place.stat().st_mode) == mode

    usual = os.umask(0o027)
    try:
        replace_file(tmp_path / "new", b"new")
    finally:
        os.umask(usual)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


@pytest.mark.parametrize("target", ["elsewhere", "nowhere"])
def test_a_link_is_replaced_and_what_it_points_to_is_left_alone(tmp_path, target):
    (tmp_path / "elsewhere").write_bytes(b"theirs")
    (tmp_path / "elsewhere").chmod(0o600)
    place = tmp_path / "link"
    place.symlink_to(tmp_path / target)

    replace_file(place, b"new")

    assert not place.is_symlink()
    assert place.read_bytes() == b"new"
    assert (tmp_path / "elsewhere").read_bytes() == b"theirs"
    assert not (tmp_path / "nowhere").exists()


def test_two_writers_at_once_do_not_meet(tmp_path):
    place = tmp_path / "a"

    with replacing(place) as one, replacing(place) as other:
        one.write_bytes(b"one")
        other.write_bytes(b"other")

    assert place.read_bytes() == b"one"
    assert names(tmp_path) == ["a"]


def test_the_longest_name_that_the_system_takes_can_be_replaced(tmp_path):
    place = tmp_path / ("ü" * 125 + ".txt")

    replace_file(place, b"new")

    assert place.read_bytes() == b"new"


def test_a_cache_makes_its_folder_and_one_that_cannot_be_written_is_no_fault(tmp_path):
    remember(tmp_path / "cache" / "x" / "a.json", b"{}")
    (tmp_path / "file").write_bytes(b"")
    remember(tmp_path / "file" / "a.json", b"{}")

    assert (tmp_path / "cache" / "x" / "a.json").read_bytes() == b"{}"
    assert names(tmp_path) == ["cache", "file"]
