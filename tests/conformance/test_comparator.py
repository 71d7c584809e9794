"""The comparator: what it calls the same, what it lets pass, and what it measures."""

import pytest

from anytel.testing.conformance import Claim, Fidelity, Measured, Observed, ObservedSpan, compare, measure

EXACT = Fidelity({"*": "exact"})
SPAN = ObservedSpan(ids=(1, 2), name="pay", parent_id=0, status="unset", status_message="", attributes={"n": 1})


def features(found):
    return sorted({one.feature for one in found})


def spread(*values, **more):
    return Observed(metrics=[Measured(name="d", kind="distribution", unit="s", samples=values, **more)])


def test_the_same_has_no_differences():
    """Of anything with itself."""
    both = Observed(spans=[SPAN], metrics=[Measured(name="a", kind="count", value=2, unit="")])
    assert compare(both, both, EXACT) == []


def test_increments_are_added_up_and_order_does_not_matter():
    """One wire sends two increments, the other their sum."""
    one = Observed(metrics=[Measured(name="a", kind="count", value=value, unit="") for value in (1, 2)])
    other = Observed(metrics=[Measured(name="a", kind="count", value=3, unit="")])
    assert compare(one, other, EXACT) == []


def test_another_type_of_an_attribute_is_not_the_same():
    """A 1 that arrives as 1.0 or true has changed."""
    for changed in (1.0, True, "1"):
        got = Observed(spans=[ObservedSpan(ids=(1, 2), attributes={"n": changed})])
        assert measure(Observed(spans=[SPAN]), got)["span.attributes"] == "approximate"


def test_attributes_of_the_vendor_s_own_do_not_matter():
    """It may add what it likes."""
    got = Observed(spans=[ObservedSpan(ids=(1, 2), attributes={"n": 1, "sdk": "x"})])
    assert measure(Observed(spans=[SPAN]), got)["span.attributes"] == "exact"


def test_a_span_that_is_lost_or_doubled_or_invented_is_a_difference():
    """Each counts once."""
    want = Observed(spans=[SPAN])
    invented = ObservedSpan(ids=(1, 3))
    assert "span.id" in features(compare(want, Observed(), EXACT))
    assert features(compare(want, Observed(spans=[SPAN, SPAN]), EXACT)) == ["span.id"]
    assert features(compare(want, Observed(spans=[SPAN, invented]), EXACT)) == ["span.id"]


def test_values_are_compared_in_the_same_unit():
    """A wire may have milliseconds."""
    got = Observed(metrics=[Measured(name="d", kind="distribution", unit="ms", samples=(100, 200))])
    assert features(compare(spread(0.1, 0.2), got, EXACT)) == ["metric.unit"]


def test_a_claimed_error_is_the_largest_that_passes():
    """Quantiles of a hundred values; of a few, their number."""
    want = spread(*(number / 100 for number in range(1, 201)))
    rough = Fidelity({"*": "exact", "metric.distribution": "approximate: rounded (within 5 %)"})
    assert compare(want, spread(*(number / 100 * 1.04 for number in range(1, 201))), rough) == []
    assert features(compare(want, spread(*(number / 100 * 1.06 for number in range(1, 201))), rough)) == [
        "metric.distribution"
    ]
    assert features(compare(spread(1.0, 2.0), spread(1.0), rough)) == ["metric.distribution"]


def test_what_is_claimed_as_unsupported_must_not_arrive():
    """Claiming too little is a mistake too."""
    shy = Fidelity({"*": "exact", "span.name": "unsupported: who knows"})
    assert features(compare(Observed(spans=[SPAN]), Observed(spans=[SPAN]), shy)) == ["span.name"]


def test_a_series_with_other_tags_than_were_recorded_is_a_difference():
    """A tag that is dropped makes one series of two."""
    want = Observed(metrics=[Measured(name="a", kind="count", value=1, tags={"x": value}) for value in "12"])
    assert "metric.tags" in features(
        compare(want, Observed(metrics=[Measured(name="a", kind="count", value=2)]), EXACT)
    )


def test_a_claim_names_how_and_how_far():
    """As it is stated in one string."""
    assert Claim.parse("approximate: in buckets (within 2.5 %)") == Claim(
        "approximate", "in buckets (within 2.5 %)", 0.025
    )
    assert str(Claim.parse("unsupported: why")) == "unsupported: why"
    for wrong in ("perfect", "approximate", "unsupported:", ""):
        with pytest.raises(ValueError, match=r"begins with none of|does not say"):
            Claim.parse(wrong)


def test_a_feature_without_a_claim_has_that_of_its_signal():
    """And else that of all."""
    some = Fidelity({"span": "exact", "span.kind": "unsupported: x", "metric.cuont": "exact"})
    assert some["span.kind"].word == "unsupported"
    assert some["span.name"].word == "exact"
    assert "log.level" not in some
    assert some.unknown() == ["metric.cuont (nearest: metric.count)"]
