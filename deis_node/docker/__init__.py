"""The one wrapper of aiodocker: what the platform asks of a Docker Engine, and its typed answers.

Nobody else imports aiodocker. Errors of the library and of the engine leave this room as the
classes of `errors.py`; the engine's JSON leaves it as the records of `model.py` and `events.py`.
"""
