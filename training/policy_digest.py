"""Digests by which a policy is known again."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np


def policy_digest(policy: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a policy's tensors in the order of their names, as hex digits."""
    digest = hashlib.sha256()
    for name in sorted(policy):
        digest.update(np.ascontiguousarray(policy[name].cpu().numpy()).tobytes())
    return digest.hexdigest()
