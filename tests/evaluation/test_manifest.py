"""What the manifest's hash sees and does not see, and how differences are told."""

import json
from pathlib import Path

import pytest
import torch

from farfill.evaluation.manifest import build, digest, read, require_same, write


def change(batches, part, index):
    """Spoil one value of one sample."""
    changed = [batch._replace(**{part: getattr(batch, part).clone()}) for batch in batches]
    values = getattr(changed[index // 2], part)[index % 2]
    values.view(-1)[7] = 1 - values.view(-1)[7]
    return changed


def test_entries_say_what_was_scored(manifest, clusters):
    entry = manifest.entries[3]
    assert (entry.index, entry.name, entry.folder) == (3, "picture3.jpg", "b")
    assert entry.box == [3, 6, 8, 8]
    assert (manifest.seed, manifest.image_size, manifest.mask) == (3, [16, 24], "box 8 x 8")
    assert [entry.cluster for entry in manifest.entries] == clusters
    assert len({entry.image for entry in manifest.entries}) == 5
    assert len({entry.hole for entry in manifest.entries}) == 5


def test_a_picture_with_several_holes_has_a_name_for_each(batches, paths, clusters):
    twice = build(batches, [*paths[:2], *paths[:2], paths[2]], clusters, seed=3, mask="")
    names = [entry.name for entry in twice.entries]
    first, second, third = (path.name for path in paths[:3])
    assert names == [first, second, f"{first}#2", f"{second}#2", third]


def test_hash_ignores_place_and_batching_but_not_names(manifest, batches, paths, clusters):
    names = [path.name for path in paths]
    moved = [Path("/elsewhere") / path.name for path in paths]
    assert build(batches[::-1], moved, names, seed=3, mask="").hash == manifest.hash
    renamed = [*paths[:4], Path("/data/set/a/other.jpg")]
    assert build(batches, renamed, clusters, seed=3, mask="box 8 x 8").hash != manifest.hash


@pytest.mark.parametrize("part", ["image", "hole"])
def test_one_changed_value_is_found_and_named(part, manifest, batches, paths, clusters):
    found = build(change(batches, part, 3), paths, clusters, seed=3, mask="box 8 x 8")
    assert found.hash != manifest.hash
    with pytest.raises(ValueError, match="in 1 of 5 pictures") as error:
        require_same(found, manifest)
    assert f"picture3.jpg (other {part})" in str(error.value)
    assert "picture2.jpg" not in str(error.value)


def test_missing_new_and_renamed_pictures_are_named(manifest, batches, paths, clusters):
    fewer = build(batches[:2], [*paths[:3], Path("/data/set/a/new.jpg")], clusters, seed=3, mask="")
    with pytest.raises(ValueError, match=r"new.jpg \(was picture3.jpg\); picture4.jpg \(missing\)"):
        require_same(fewer, manifest)
    with pytest.raises(ValueError, match=r"picture4.jpg \(new\)"):
        require_same(manifest, fewer)


def test_long_lists_of_differences_are_cut_and_counted(
    manifest, batches, paths, monkeypatch, clusters
):
    monkeypatch.setattr("farfill.evaluation.manifest.NAMED", 2)
    spoilt = [batch._replace(image=-batch.image) for batch in batches]
    with pytest.raises(ValueError, match=r"in 5 of 5 pictures.*and 3 more"):
        require_same(build(spoilt, paths, clusters, seed=3, mask=""), manifest)


def test_written_and_read_is_the_same(manifest, tmp_path):
    write(tmp_path / "manifest.json", manifest)
    again = read(tmp_path / "manifest.json")
    assert again == manifest
    require_same(again, manifest)
    assert json.loads((tmp_path / "manifest.json").read_text())["hash"] == manifest.hash


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"hash": "", "entries": [1]}'])
def test_other_files_are_refused(text, tmp_path):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ValueError, match="expected a manifest as Farfill writes it"):
        read(tmp_path / "x.json")


def test_edited_or_newer_or_absent_manifests_are_refused(manifest, tmp_path):
    path = tmp_path / "manifest.json"
    write(path, manifest)
    whole = path.read_text()
    path.write_text(whole.replace("picture2", "picture9"))
    with pytest.raises(ValueError, match=f"do not have its hash {manifest.hash}"):
        read(path)
    path.write_text(whole.replace('"version": 2', '"version": 3'))
    with pytest.raises(ValueError, match="expected version 2, got 3"):
        read(path)
    with pytest.raises(FileNotFoundError, match=r"absent\.json"):
        read(tmp_path / "absent.json")


def test_nothing_to_evaluate_is_an_error():
    with pytest.raises(ValueError, match="at least one picture"):
        build([], [], [], seed=0, mask="")


def test_digest_sees_shape_and_levels_but_not_float_noise():
    levels = torch.arange(12.0).view(1, 3, 4)
    assert digest(levels + 1e-3) == digest(levels)
    assert digest(levels + 1) != digest(levels)
    assert digest(levels.view(1, 4, 3)) != digest(levels)
