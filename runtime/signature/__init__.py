"""Signatures of policies: keys and detached signatures in minisign's format."""
