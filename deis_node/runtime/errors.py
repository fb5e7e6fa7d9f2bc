"""The root of all errors that this project raises.

DeisError
├── SettingsError          runtime/settings.py: a setting is unknown or has a wrong value
├── DeadlineExceeded       runtime/backoff.py: retries ran out of time
├── EtcdError              cluster/etcd.py
├── SealError              cluster/seal.py: an envelope cannot be opened
├── DockerError            docker/errors.py
└── ControlError           deis_control/errors.py: carries an HTTP status
"""


class DeisError(Exception):
    """Common root; `str()` of it is a sentence that may be shown to an operator."""
