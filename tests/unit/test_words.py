from crm_bridge.commands.words import Lang, step_marks
from ivr.calls.call import Call, Evidence, Transfer, TransferKind, TransferOutcome
from ivr.steps.timing import StepTiming


def marks(outcome: TransferOutcome | None) -> str:
    asked = Transfer(TransferKind.BLIND, "1001", "2001", "dit", 5, None, 9, outcome)
    call = Call("pbx1-1.1", "pbx1", ["1.1"], "1203", 1, transfers=[asked])
    step = StepTiming("transfer", "information", 5, 9, 60, "within", Evidence.OBSERVED, elapsed=4)
    return step_marks(call, [step], Lang.EN).plain


def test_a_transfer_in_time_that_reached_nobody_does_not_look_like_one_that_did():
    assert marks(TransferOutcome.ANSWERED) == "transfer✓"
    assert marks(TransferOutcome.BUSY) == "transfer✓↩"
    assert marks(TransferOutcome.ABANDONED) == "transfer✓↩"
    assert marks(None) == "transfer✓"
