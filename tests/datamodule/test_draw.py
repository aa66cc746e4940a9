from farfill.datamodule.draw import Use, sequence


def state(*address):
    return sequence(*address).generate_state(2).tolist()


def test_equal_addresses_agree_and_all_others_differ():
    addresses = [
        (seed, use, epoch, index)
        for seed in (0, 1)
        for use in Use
        for epoch in (0, 1)
        for index in (0, 1)
    ]
    states = [state(*address) for address in addresses]
    assert states == [state(*address) for address in addresses]
    assert len({tuple(s) for s in states}) == len(addresses)
