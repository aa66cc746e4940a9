"""Each thin config on a tiny tree of the shape that its comments describe."""

import pytest
from hydra.utils import instantiate

from helpers.compose import composed


def split(root, *overrides):
    """Relative names of both sides, as the command line would get them."""
    source = instantiate(composed(f"data.root={root}", *overrides).data)
    return tuple([p.relative_to(root).as_posix() for p in side] for side in source.split())


def test_places2(save):
    small = ("data_large/a/airfield/00000001.jpg", "data_large/b/bar/00000002.jpg")
    val = "val_large/Places365_val_00000001.jpg"
    root = save(*small, val)
    assert split(root, "data=places2") == (list(small), [val])
    (root / "places365_train_standard.txt").write_text("/b/bar/00000002.jpg 39\n")
    (root / "places365_val.txt").write_text("Places365_val_00000001.jpg 165\n")
    lists = ("data.train_list=places365_train_standard.txt", "data.val_list=places365_val.txt")
    assert split(root, "data=places2", *lists) == ([small[1]], [val])


def test_celeba(save):
    names = [f"img_align_celeba/00000{number}.jpg" for number in range(1, 5)]
    root = save(*names)
    (root / "list_eval_partition.txt").write_text(
        "000001.jpg 0\n000002.jpg 0\n000003.jpg 1\n000004.jpg 2\n"
    )
    assert split(root, "data=celeba") == (names[:2], names[2:3])
    assert split(root, "data=celeba", "data.val_label=2")[1] == names[3:]


def test_celeba_hq(save):
    names = [f"CelebA-HQ-img/{number}.jpg" for number in range(3)]
    root = save(*names)
    (root / "CelebA-HQ-to-CelebA-mapping.txt").write_text(
        "idx        orig_idx   orig_file\n"
        "0          4          000005.jpg\n"
        "1          1          000002.jpg\n"
        "2          2          000003.jpg\n"
    )
    (root / "list_eval_partition.txt").write_text(
        "000001.jpg 0\n000002.jpg 0\n000003.jpg 2\n000004.jpg 1\n000005.jpg 1\n"
    )
    assert split(root, "data=celeba_hq") == ([names[1]], [names[0]])
    assert split(root, "data=celeba_hq", "data.val_label=2")[1] == [names[2]]


def test_celeba_hq_with_lists_of_its_own(save):
    root = save("CelebA-HQ-img/0.jpg", "CelebA-HQ-img/1.jpg")
    (root / "t.txt").write_text("0.jpg\n")
    (root / "v.txt").write_text("1.jpg\n")
    plain = [f"data.{key}=null" for key in ("renamed", "train_label", "val_label")]
    lists = ["data.train_list=t.txt", "data.val_list=v.txt"]
    sides = split(root, "data=celeba_hq", *plain, *lists)
    assert sides == (["CelebA-HQ-img/0.jpg"], ["CelebA-HQ-img/1.jpg"])


@pytest.mark.parametrize("val", ["val/ILSVRC2012_val_00000001.JPEG", "val/n01440764/1.JPEG"])
def test_imagenet(save, val):
    train = ["train/n01440764/n01440764_10026.JPEG", "train/n01443537/n01443537_2.JPEG"]
    assert split(save(*train, val), "data=imagenet") == (train, [val])


def test_dtd(save):
    banded, dotted = "banded/banded_0002.jpg", "dotted/dotted_0001.jpg"
    root = save(f"images/{banded}", f"images/{dotted}", "images/banded/banded_0004.jpg")
    (root / "labels").mkdir()
    for name, line in (("train1", banded), ("val1", dotted), ("train2", dotted), ("val2", banded)):
        (root / "labels" / f"{name}.txt").write_text(f"{line}\n")
    assert split(root, "data=dtd") == ([f"images/{banded}"], [f"images/{dotted}"])
    second = ("data.train_list=labels/train2.txt", "data.val_list=labels/val2.txt")
    assert split(root, "data=dtd", *second) == ([f"images/{dotted}"], [f"images/{banded}"])
