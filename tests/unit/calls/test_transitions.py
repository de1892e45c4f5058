from ivr.calls.transitions import TRANSITIONS, Phase, Trigger


def test_every_state_but_the_end_can_be_hung_up_and_lost():
    for phase in Phase:
        if phase is Phase.ENDED:
            continue
        assert TRANSITIONS[phase, Trigger.HUNG_UP] is Phase.ENDED
        assert TRANSITIONS[phase, Trigger.LOST] is Phase.ENDED


def test_nothing_leads_out_of_the_end():
    assert {t for (p, _), t in TRANSITIONS.items() if p is Phase.ENDED} == {Phase.ENDED}


def test_every_state_is_reached_and_every_trigger_does_something():
    assert {*TRANSITIONS.values(), Phase.ENTERED} == set(Phase)
    assert {trigger for _, trigger in TRANSITIONS} == set(Trigger)
