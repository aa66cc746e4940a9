"""Every measure beside plain loops, and where the answer is known beforehand."""

import math
from pathlib import Path

import pytest
import torch

from farfill.data.known_source import KnownSource
from farfill.metric import attention as measure
from helpers.holes import hole_of

GRID = 8


def box(*sides, size=GRID):
    return torch.from_numpy(hole_of(size, size, sides))


def constant(row, column, size=GRID):
    return torch.tensor([row, column])[:, None, None].expand(2, size, size).clone()


def random_offsets(pictures, seed=0, reach=GRID):
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(1 - reach, reach, (pictures, 2, GRID, GRID), generator=rng)


CELLS = (torch.arange(4, 64, 8),) * 2  # pixels that the positions stand for


def content(kind, period=32):
    source = KnownSource([kind], 1, 1, 64, [period, period], 8, 1)
    return torch.from_numpy(source.content(Path(f"{kind}-000000"), 64))


def hit_rates(offsets, hole, content, tolerance, pixels=CELLS):
    return measure.hit_rates(offsets, hole, content, pixels, tolerance)


def test_a_position_stands_for_the_middle_of_the_cell_of_its_feature():
    assert measure.pixel_index(16, 16, 64).tolist() == list(range(2, 64, 4))
    # 16 features reduced to 8: 0 2 4 6 9 11 13 15, as TensorFlow aligns corners
    assert measure.pixel_index(8, 16, 64).tolist() == [2, 10, 18, 26, 38, 46, 54, 62]
    assert measure.pixel_index(4, 4, 4).tolist() == [0, 1, 2, 3]


def plain_hits(offsets, hole, content, tolerance):
    content = content[:, 4::8, 4::8]
    h, w = hole.shape
    hits, chances, count, reachable = [], [], 0, 0
    for y in range(h):
        for x in range(w):
            if not hole[y, x]:
                continue
            count += 1
            right = {
                (v, u)
                for v in range(h)
                for u in range(w)
                if not hole[v, u]
                and math.dist(content[:, y, x].tolist(), content[:, v, u].tolist()) <= tolerance
                and math.hypot(8 * (v - y), 8 * (u - x)) > tolerance
            }
            moved = bool(offsets[:, y, x].any())
            reachable += bool(right)
            if right and moved:
                chosen = (y + int(offsets[0, y, x]), x + int(offsets[1, y, x]))
                hits.append(chosen in right)
                chances.append(len(right) / int((~hole).sum()))
    return sum(hits) / len(hits), sum(chances) / len(chances), reachable / count


def test_a_map_that_does_not_move_neither_hits_nor_misses():
    shown, hole = content("periodic"), box(0, 0, 8, 4)
    still = hit_rates(constant(0, 0), hole, shown, 5.7)
    assert still["hit_reachable"] == 1
    assert still["hit_rate"].isnan()
    assert still["hit_chance"].isnan()
    half = constant(0, 4)
    half[:, :4] = 0
    assert hit_rates(half, hole, shown, 5.7)["hit_rate"] == 1


@pytest.mark.parametrize("tolerance", [5.7, 9.0])
@pytest.mark.parametrize("kind", ["periodic", "mirrored", "two_textures"])
def test_hit_rates_are_those_of_plain_loops(kind, tolerance):
    hole, shown = box(1, 2, 4, 5), content(kind, period=24)
    for offsets in random_offsets(5) * (random_offsets(5, seed=1) > -3):
        expected = plain_hits(offsets, hole, shown, tolerance)
        found = hit_rates(offsets, hole, shown, tolerance)
        assert [float(found[f"hit_{n}"]) for n in ("rate", "chance", "reachable")] == (
            pytest.approx(expected)
        )
    assert 0 < expected[1] < 1


def test_a_whole_period_hits_and_half_a_period_misses():
    """Period 32, cells of 8 pixels: four positions further on the same is shown."""
    shown, hole = content("periodic"), box(0, 0, 8, 4)
    for column, rate in ((4, 1), (2, 0), (3, 0), (5, 0)):
        assert hit_rates(constant(0, column), hole, shown, 5.7)["hit_rate"] == rate
    near = constant(0, 3), box(0, 0, 8, 3), shown  # 8 pixels short, and known
    assert [hit_rates(*near, t)["hit_rate"] for t in (5.7, 8.0)] == [0, 1]


def test_the_right_content_inside_the_hole_or_off_the_picture_is_no_hit():
    shown = content("periodic")
    assert hit_rates(constant(4, 0), box(0, 0, 8, 4), shown, 5.7)["hit_rate"] == 0.0
    assert hit_rates(constant(0, -4), box(0, 0, 8, 4), shown, 5.7)["hit_rate"] == 0
    # One step off the right edge must not be taken for the next row's first position.
    wrapped = hit_rates(constant(-1, 8), box(0, 0, 4, 1), content("mirrored"), 5.7)
    assert wrapped["hit_rate"] == 0


def test_a_neighbour_is_no_hit_however_alike():
    """On a grid of 4 pixels, all that copies the border inwards by one lies within 5.7 pixels."""
    fine = (torch.arange(2, 64, 4),) * 2
    hole = box(4, 4, 8, 1, size=16)
    for column, rate in ((-1, 0), (8, 1)):
        found = hit_rates(constant(0, column, 16), hole, content("periodic"), 5.7, fine)
        assert found["hit_rate"] == rate


def test_only_differences_of_content_count_even_in_float32():
    hole, shown, offsets = box(1, 2, 4, 5), content("periodic").float(), random_offsets(1)[0]
    far = shown.round() + 1e4
    assert hit_rates(offsets, hole, far, 5.7) == hit_rates(offsets, hole, shown.round(), 5.7)


def test_the_mirror_place_hits():
    columns = torch.arange(GRID).expand(GRID, GRID)
    offsets = torch.stack([torch.zeros_like(columns), GRID - 1 - 2 * columns])
    found = hit_rates(offsets, box(2, 0, 4, 3), content("mirrored"), 2.0)
    assert found["hit_rate"] == found["hit_reachable"] == 1
    moved = hit_rates(constant(0, 4), box(2, 0, 4, 3), content("mirrored"), 2.0)
    assert moved["hit_rate"] == 0


def test_the_other_texture_misses():
    """The seam is near the middle; columns 0 and 7 lie in different textures."""
    shown, hole = content("two_textures"), box(0, 0, 4, 1)
    assert hit_rates(constant(4, 0), hole, shown, 5.7)["hit_rate"] == 1
    for row in range(5):
        assert hit_rates(constant(row, 7), hole, shown, 5.7)["hit_rate"] == 0


def test_what_is_shown_nowhere_else_does_not_count():
    shown = torch.arange(64.0**2).view(1, 64, 64) * 100
    shown[0, 4, 4] = shown[0, 60, 60]  # one of the two hole positions has a twin
    found = hit_rates(constant(7, 7), box(0, 0, 1, 2), shown, 1.0)
    assert (found["hit_rate"], found["hit_reachable"]) == (1, 0.5)
    assert found["hit_chance"] == pytest.approx(1 / 62)


def test_a_perfect_attention_always_hits():
    shown, hole = content("periodic", period=24), box(2, 3, 4, 4)
    flat, missing = shown[:, 4::8, 4::8].flatten(1).T, hole.flatten()
    apart = torch.cdist(flat, flat).masked_fill(missing, math.inf)
    best = apart.argmin(1).view(8, 8)
    own = torch.arange(8)
    perfect = torch.stack([best // 8 - own[:, None], best % 8 - own])
    assert hit_rates(perfect, hole, shown, 5.7)["hit_rate"] == 1


def test_distances_are_in_sides_and_the_histogram_is_a_share():
    """Features 16, grid 8: seven steps are 15 of 16 sixteenths of a side."""
    hole = box(0, 0, 1, 4)
    offsets = constant(0, 0)
    offsets[:, 0, :4] = torch.tensor([[0, 3, 0, 5], [0, 0, 7, 5]])
    found = {n: float(v) for n, v in measure.distances(offsets, hole, (16, 16)).items()}
    expected = [0, 3 / 7 * 15 / 16, 15 / 16, 5 / 7 * 15 / 16 * math.sqrt(2)]
    assert found.pop("distance") == pytest.approx(sum(expected) / 4)
    assert found.pop("moved") == 0.75
    assert found == {
        "distance_to_0.125": 0.25,
        "distance_to_0.25": 0,
        "distance_to_0.5": 0.25,
        "distance_to_0.75": 0,
        "distance_beyond": 0.5,
    }


def test_an_edge_belongs_to_the_bin_above():
    """Sixteen features as they are: two steps are 0.125 of a side."""
    found = measure.distances(constant(0, 2, 16), box(0, 0, 4, 4, size=16), (16, 16))
    assert (found["distance_to_0.125"], found["distance_to_0.25"]) == (0, 1)


def test_sources_in_the_hole_and_off_the_picture_are_counted():
    hole = box(0, 0, 2, 2)
    assert measure.source_in_hole(constant(0, 0), hole) == 1
    assert measure.source_in_hole(constant(0, 1), hole) == 0.5
    assert measure.source_in_hole(constant(0, 2), hole) == 0
    assert measure.source_in_hole(constant(-1, 2), hole) == 0.5


@pytest.mark.parametrize("stride", [1, 2])
def test_entropy_is_that_of_plain_loops(stride):
    hole = box(1, 1, 4, 3)
    known = ~hole[::stride, ::stride]
    weights = torch.rand(8, 8, *known.shape)
    weights = weights / weights.sum((2, 3), keepdim=True)
    entropies, lost = [], []
    for y, x in hole.nonzero().tolist():
        one = [float(w) for w, k in zip(weights[y, x].flatten(), known.flatten(), strict=True) if k]
        total = sum(one)
        entropies.append(-sum(w / total * math.log(w / total) for w in one))
        lost.append(1 - total)
    found = measure.weight_measures(weights, hole, stride)
    assert float(found["entropy"]) == pytest.approx(sum(entropies) / len(entropies), rel=1e-5)
    assert float(found["hole_weight"]) == pytest.approx(sum(lost) / len(lost), rel=1e-5)
    assert float(found["relative_entropy"]) == pytest.approx(
        float(found["entropy"]) / math.log(int(known.sum()))
    )


def test_entropy_is_least_when_one_source_has_all_and_most_when_all_have_the_same():
    hole = box(2, 2, 4, 4)
    one_hot = torch.zeros(8, 8, 8, 8)
    one_hot[..., 0, 0] = 1
    found = measure.weight_measures(one_hot, hole, 1)
    assert (found["entropy"], found["relative_entropy"], found["hole_weight"]) == (0, 0, 0)
    # A softmax over all 64 that drops the hole's 16: the rest is uniform over 48.
    uniform = torch.where(hole, 0, 1 / 64).expand(8, 8, 8, 8)
    found = measure.weight_measures(uniform, hole, 1)
    assert float(found["entropy"]) == pytest.approx(math.log(48))
    assert float(found["relative_entropy"]) == pytest.approx(1)
    assert float(found["hole_weight"]) == pytest.approx(0.25)
    kept = torch.full((8, 8, 8, 8), 1 / 64)  # nor is it known if it was not dropped
    assert {n: float(v) for n, v in measure.weight_measures(kept, hole, 1).items()} == (
        pytest.approx({n: float(v) for n, v in found.items()})
    )


def test_positions_without_any_weight_have_no_entropy():
    hole = box(0, 0, 1, 2)
    weights = torch.zeros(8, 8, 8, 8)
    weights[0, 0, 7] = 1 / 8
    found = measure.weight_measures(weights, hole, 1)
    assert float(found["entropy"]) == pytest.approx(math.log(8))
    assert found["hole_weight"] == 0.5


def test_similarity_is_that_of_plain_loops():
    offsets, hole = random_offsets(4, reach=3), box(2, 1, 4, 5)
    offsets[0, :, 3, 3] = 0
    cosines, equal, apart = [], [], []
    for i in range(4):
        for j in range(i):
            for y, x in hole.nonzero().tolist():
                (a, b), (c, d) = offsets[i, :, y, x].tolist(), offsets[j, :, y, x].tolist()
                apart.append(math.hypot(a - c, b - d) / 8)
                if lengths := math.hypot(a, b) * math.hypot(c, d):
                    cosines.append((a * c + b * d) / lengths)
                    equal.append((a, b) == (c, d))
    found = measure.map_similarity(offsets, hole, (8, 8))
    assert len(cosines) < len(apart)
    assert float(found["variation"]) == pytest.approx(sum(apart) / len(apart))
    assert float(found["similarity"]) == pytest.approx(sum(cosines) / len(cosines))
    assert float(found["same_source"]) == pytest.approx(sum(equal) / len(equal))
    assert any(equal)


def test_equal_maps_are_similar_and_opposite_ones_are_not():
    for same in (constant(3, -2), random_offsets(1)[0]):
        assert similarity(same, same, same) == pytest.approx([1, 1, 0])
    assert similarity(constant(3, -2), constant(-3, 2))[0] == pytest.approx(-1)
    assert similarity(constant(0, 2), constant(0, 4)) == pytest.approx([1, 0, 0.25])


def test_a_map_that_does_not_move_is_like_no_other_but_does_not_vary():
    """As every warp's before training: that says nothing of where maps look."""
    still = constant(0, 0)
    assert similarity(still, still) == pytest.approx([math.nan, math.nan, 0], nan_ok=True)
    moved = similarity(still, constant(0, 4))
    assert moved == pytest.approx([math.nan, math.nan, 0.5], nan_ok=True)
    # Of three maps one does not move: the pair of the others counts.
    assert similarity(still, constant(0, 2), constant(0, 2))[:2] == pytest.approx([1, 1])


def test_variation_is_in_sides_as_distances_are():
    """Features 16, grid 8: seven steps are 15 of 16 sixteenths of a side."""
    maps = torch.stack([constant(0, 0), constant(0, 7)])
    found = measure.map_similarity(maps, box(2, 2, 4, 4), (16, 16))
    assert float(found["variation"]) == pytest.approx(15 / 16)


def similarity(*maps):
    """Similarity, equal sources and variation, in a hole of 4 x 4."""
    found = measure.map_similarity(torch.stack(maps), box(2, 2, 4, 4), (8, 8))
    return [float(value) for value in found.values()]


def test_outside_the_hole_nothing_counts():
    hole, offsets = box(2, 2, 3, 3), random_offsets(3)
    elsewhere = torch.where(hole, offsets, random_offsets(3, seed=1))
    assert not torch.equal(offsets, elsewhere)
    maps = [measure.map_similarity(one, hole, (8, 8)) for one in (offsets, elsewhere)]
    assert maps[0] == maps[1]
    for function, rest in (
        (measure.distances, ((16, 16),)),
        (hit_rates, (content("mirrored"), 5.7)),
    ):
        assert function(offsets[0], hole, *rest) == function(elsewhere[0], hole, *rest)


def test_without_a_hole_there_is_nothing_to_measure():
    hole = box(0, 0, 0, 0)
    weights = torch.full((8, 8, 8, 8), 1 / 64)
    values = {
        **hit_rates(constant(0, 1), hole, content("mirrored"), 5.7),
        **measure.distances(constant(0, 1), hole, (16, 16)),
        **measure.weight_measures(weights, hole, 1),
        "in_hole": measure.source_in_hole(constant(0, 1), hole),
    }
    assert [name for name, value in values.items() if not value.isnan()] == []
