from tests.support.web import desk

__all__ = ["desk"]
