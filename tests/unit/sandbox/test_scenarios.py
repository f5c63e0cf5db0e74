from yuanlu.sandbox.faults import FAULTS
from yuanlu.sandbox.scenarios import PROFILES, scenarios


def table() -> dict[tuple[str, str], tuple[str, int]]:
    return {(s.fault.name, s.profile): (s.end, s.net_minor) for s in scenarios()}


def test_every_fault_has_one_expected_end_at_every_profile():
    assert len(table()) == len(FAULTS) * len(PROFILES) == len(list(scenarios()))


def test_where_returns_are_automatic_only_a_refusal_for_good_needs_a_person():
    for (fault, profile), (end, net_minor) in table().items():
        if profile in ("P1", "P2", "P3") and fault != "reversal_refused":
            assert end in ("APPROVED", "RETURNED", "NO_EFFECT")
            assert (net_minor < 0) == (end == "APPROVED")


def test_the_rows_that_most_gateways_get_wrong_are_as_the_algorithm_says():
    rows = table()
    assert rows["late_commit_silent", "P1"] == ("NO_EFFECT", 0)
    assert rows["late_commit_silent", "P2"] == ("RETURNED", 0)
    assert rows["reversal_lost_after", "P3"] == ("RETURNED", 0)
    assert rows["reversal_lost_after", "P5"] == ("ESCALATED", 0)
    assert rows["reversal_lost_before", "P5"] == ("ESCALATED", -880031)
    assert rows["drop_before_commit", "P4"] == ("RETURNED", 0)
