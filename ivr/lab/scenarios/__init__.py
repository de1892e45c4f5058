"""The calls that are played on the real Asterisk, each a script; `catalogue.py` names them."""
