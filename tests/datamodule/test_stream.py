import itertools

import pytest

from farfill.datamodule.stream import Stream, Use, sequence

NUMBERS = {
    "length": 7,
    "batch_size": 3,
    "updates": 2,
    "steps": 6,
    "seed": 1,
    "one_hole_per_batch": False,
}


def flat(stream):
    return list(itertools.chain.from_iterable(stream))


def test_each_epoch_has_every_picture_once_in_another_order():
    draws = flat(Stream(**NUMBERS))
    assert len(draws) == 36
    epochs = [draws[start : start + 7] for start in range(0, 35, 7)]
    for number, epoch in enumerate(epochs):
        assert sorted(draw.index for draw in epoch) == list(range(7))
        assert {draw.epoch for draw in epoch} == {number}
    assert len({tuple(draw.index for draw in epoch) for epoch in epochs}) == 5


def test_it_repeats_and_the_seed_changes_it():
    stream = Stream(**NUMBERS)
    assert flat(stream) == flat(stream) == flat(Stream(**NUMBERS))
    assert flat(stream) != flat(Stream(**NUMBERS | {"seed": 2}))


@pytest.mark.parametrize("one_hole", [False, True])
@pytest.mark.parametrize("start", [0, 1, 3, 5])
def test_from_a_later_start_exactly_the_rest_remains(start, one_hole):
    whole = Stream(**NUMBERS | {"one_hole_per_batch": one_hole})
    resumed = Stream(**NUMBERS | {"one_hole_per_batch": one_hole}, start=lambda: start)
    assert list(resumed) == list(whole)[start:]
    assert len(resumed) == len(whole) == 6


def test_a_second_iteration_goes_on_where_the_first_ended():
    longer = Stream(**NUMBERS | {"steps": 12})
    assert list(Stream(**NUMBERS, start=lambda: 6)) == list(longer)[6:]


def test_holes_differ_between_pictures_and_epochs():
    assert len({draw.hole for draw in flat(Stream(**NUMBERS))}) == 36


def test_one_hole_per_update_even_across_epochs():
    draws = flat(Stream(**NUMBERS | {"one_hole_per_batch": True}))
    updates = [draws[start : start + 3] for start in range(0, 36, 3)]
    assert any(len({draw.epoch for draw in update}) == 2 for update in updates)
    assert [{draw.hole for draw in update} for update in updates] == [{n} for n in range(12)]


def test_batches_larger_than_the_data_set_go_round():
    (batch,) = Stream(2, 5, 1, 1, 0, False)
    assert [draw.epoch for draw in batch] == [0, 0, 1, 1, 2]


def test_equal_addresses_agree_and_all_others_differ():
    addresses = [
        (seed, use, epoch, index)
        for seed in (0, 1)
        for use in Use
        for epoch in (0, 1)
        for index in (0, 1)
    ]
    drawn, again = (
        [tuple(sequence(*address).generate_state(2)) for address in addresses] for _ in range(2)
    )
    assert drawn == again
    assert len(set(drawn)) == len(addresses)
