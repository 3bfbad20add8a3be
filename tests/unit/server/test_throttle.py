"""Rates, places and what was used once: all bounded, and none forgets what it has to remember."""

from __future__ import annotations

from envoi_server.replay import ReplayCache
from envoi_server.throttle import Places, TokenBuckets


class Clock:
    """A clock that a test turns."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    clock = Clock()
    buckets = TokenBuckets(2.0, 3, clock=clock)
    assert [buckets.take("FR") for _ in range(3)] == [0.0, 0.0, 0.0]
    assert buckets.take("FR") == 0.5
    assert buckets.wait("FR") == 0.5
    assert buckets.take("DE") == 0.0
    clock.now += 0.5
    assert buckets.take("FR") == 0.0
    clock.now += 3600
    assert [buckets.take("FR") for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]


def test_what_costs_more_takes_more_or_nothing() -> None:
    clock = Clock()
    buckets = TokenBuckets(1.0, 10, clock=clock)
    assert buckets.take("FR", 8.0) == 0.0
    assert buckets.take("FR", 8.0) == 6.0
    assert buckets.take("FR", 2.0) == 0.0
    assert buckets.take("DE", 99.0) == 0.0


def test_looking_takes_nothing() -> None:
    buckets = TokenBuckets(1.0, 1, clock=Clock())
    assert buckets.wait("FR") == buckets.wait("FR") == 0.0
    assert buckets.take("FR") == 0.0


def test_only_so_many_names_are_remembered_and_the_idlest_is_forgotten() -> None:
    buckets = TokenBuckets(0.001, 1, capacity=3, clock=Clock())
    for name in ("a", "b", "c", "a", "d"):
        buckets.take(name)
    assert buckets.take("a") > 0
    assert buckets.take("c") > 0
    assert buckets.take("b") == 0.0


def test_places_are_given_back_also_after_an_error() -> None:
    places = Places(1)
    for _ in range(2):
        try:
            with places.hold("FR") as held:
                assert held
                with places.hold("FR") as another, places.hold("DE") as others:
                    assert (another, others) == (False, True)
                assert places.total == 1
                raise KeyError
        except KeyError:
            pass
    assert places.total == 0


def test_what_was_used_is_remembered_for_the_whole_window() -> None:
    cache = ReplayCache(10.0, 100)
    assert cache.use("FR", "x", 0.0) is True
    for now in (0.0, 5.0, 9.9, 10.0):
        assert cache.use("FR", "x", now) is False
    assert cache.use("DE", "x", 10.0) is True


def test_a_generation_is_dropped_only_when_all_of_it_is_too_old() -> None:
    cache = ReplayCache(10.0, 100)
    cache.use("FR", "first", 0.0)
    cache.use("FR", "late", 9.0)
    assert cache.use("FR", "other", 12.0) is True
    assert cache.use("FR", "late", 18.9) is False
    assert cache.use("FR", "first", 23.0) is True


def test_an_owner_without_room_is_refused_and_nothing_is_forgotten() -> None:
    cache = ReplayCache(10.0, 3)
    assert [cache.use("FR", str(number), 0.0) for number in range(5)] == [True, True, True, None, None]
    assert cache.use("FR", "0", 1.0) is False
    assert cache.use("DE", "0", 1.0) is True
    assert cache.use("FR", "9", 10.0) is True


def test_a_clock_that_goes_back_forgets_nothing() -> None:
    cache = ReplayCache(10.0, 100)
    cache.use("FR", "x", 1000.0)
    assert cache.use("FR", "x", 400.0) is False
