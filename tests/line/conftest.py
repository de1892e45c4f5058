from tests.support.lab import lab, lab_number, lab_root, on_stage

__all__ = ["lab", "lab_number", "lab_root", "on_stage"]
