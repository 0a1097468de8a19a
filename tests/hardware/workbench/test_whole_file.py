"""Laws of files that are there whole or not at all."""

import errno
import os

import pytest

from sim2real.hardware.workbench.whole_file import replace_file, write_new


def only(folder, name):
    return [path.name for path in folder.iterdir()] == [name]


@pytest.mark.parametrize("links", [True, False])
def test_a_new_file_never_takes_the_place_of_another(tmp_path, monkeypatch, links):
    if not links:  # a USB stick

        def refuse(*_):
            raise OSError(errno.EPERM, "no links here")

        monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "arm.yaml"
    write_new(path, "first")
    with pytest.raises(FileExistsError):
        write_new(path, "second")
    assert path.read_text() == "first"
    assert only(tmp_path, "arm.yaml")


def test_what_a_killed_program_has_left_is_no_hindrance(tmp_path):
    (tmp_path / ".arm.part.yaml").write_text("half")
    write_new(tmp_path / "arm.yaml", "whole")
    assert (tmp_path / "arm.yaml").read_text() == "whole"
    assert only(tmp_path, "arm.yaml")


def test_a_file_that_does_not_pass_its_check_changes_nothing(tmp_path):
    path = tmp_path / "arm.yaml"
    path.write_text("old")

    def check(partial):
        assert partial.read_text() == "new"
        assert partial.suffix == path.suffix
        raise ValueError("not as it should be")

    with pytest.raises(ValueError, match="not as it should be"):
        replace_file(path, "new", check)
    assert path.read_text() == "old"
    assert only(tmp_path, "arm.yaml")


def test_permissions_and_links_stay(tmp_path):
    path, link = tmp_path / "arm.yaml", tmp_path / "mine.yaml"
    path.write_text("old")
    path.chmod(0o640)
    link.symlink_to(path)
    replace_file(link, "new")
    assert link.is_symlink()
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640
