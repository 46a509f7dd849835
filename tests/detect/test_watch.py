# SPDX-License-Identifier: Apache-2.0
"""The watch over many streams: the same findings however arrivals are cut, and from a kept memory."""

import numpy as np

from cheoyong.detect.watch import Watch
from cheoyong.domain.observation import ObservationBatch

MINUTES_5_US = 300_000_000


def batch(number, first, columns):
    """Rows (datastream, place in time, value) as a batch; ids rise from ``first``."""
    stream, place, value = (np.array(column) for column in zip(*columns, strict=True))
    ids = np.arange(first, first + len(value), dtype=np.int64)
    return ObservationBatch(
        number,
        number,
        ids,
        stream.astype(np.int64),
        place.astype(np.int64) * MINUTES_5_US,
        value.astype(float),
    )


def arrivals(count=1200, seed=1):
    draw = np.random.default_rng(seed).normal(size=(count, 2))
    draw[800:806, 1] += 50.0
    return [(stream, i, draw[i, stream - 7]) for i in range(count) for stream in (7, 8)]


def found(watch, rows, size, known=None):
    seen = []
    for start in range(0, len(rows), size):
        one = batch(start, start + 1, rows[start : start + size])
        missing = watch.missing(one)
        watch.add(missing, known or {})
        seen += [(int(one.id[u.index]), u.p) for u in watch.look(one, 1.0)]
    return seen


def test_a_burst_is_unusual_for_its_stream_and_for_no_other():
    rows = arrivals()
    streams = {rows[i - 1][:2] for i, _ in found(Watch(), rows, 100)}
    assert any(stream == 8 and 800 <= place <= 806 for stream, place in streams)
    assert not any(stream == 7 and 800 <= place <= 806 for stream, place in streams)


def test_however_arrivals_are_cut_the_findings_are_the_same():
    rows = arrivals()
    assert found(Watch(), rows, 7) == found(Watch(), rows, 100) == found(Watch(), rows, len(rows))


def test_from_a_kept_memory_it_goes_on_as_if_nothing_had_been():
    rows = arrivals()
    whole = found(Watch(), rows, 100)
    before = Watch()
    first = found(before, rows[:1000], 100)
    kept = before.taken()
    assert before.taken() == {}
    after = Watch()
    second = []
    for start in range(1000, len(rows), 100):
        one = batch(start, start + 1, rows[start : start + 100])
        after.add(after.missing(one), kept)
        second += [(int(one.id[u.index]), u.p) for u in after.look(one, 1.0)]
    assert first + second == whole


def test_a_memory_of_another_version_is_of_no_use():
    watch = Watch()
    watch.add([7], {7: b"short"})
    assert watch.streams["seen"][0] == 0


def test_a_memory_kept_before_memories_were_packed_is_read_and_broken_ones_are_of_no_use():
    before, after = Watch(), Watch()
    found(before, arrivals(300), 100)
    kept = before.taken()
    assert max(map(len, kept.values())) < before.streams.itemsize
    row = before.row_of[7]
    after.add([7, 8], {7: before.streams[row].tobytes(), 8: kept[8][:-20]})
    assert after.streams[after.row_of[7]] == before.streams[row]
    assert after.streams[after.row_of[8]]["seen"] == 0


def test_F10_what_is_older_than_the_newest_is_left_out_and_counted():
    rows = arrivals(300)
    straight, late = Watch(), Watch()
    expected = found(straight, rows, 600)
    assert found(late, [*rows, (7, 3, 999.0)], 600) == expected
    assert late.late == 1


def test_F11_what_is_no_number_teaches_nothing():
    watch = Watch()
    assert found(watch, [(7, i, np.nan) for i in range(300)], 50) == []
    assert watch.streams["seen"][0] == 0
