"""Which signatures a target accepts."""

from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from sim2real.configs.schema.target import TargetConfig
from sim2real.runtime.flash.manifest import FlashError
from sim2real.runtime.signature.detached import Signature
from sim2real.runtime.signature.key_text import SignatureError
from sim2real.runtime.signature.public_key import PublicKey

_KEYS_MAX = 100


class Trust(BaseModel):
    """Trusted keys, and what happens to policies that none of them signed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keys: Annotated[tuple[str, ...], Field(max_length=_KEYS_MAX)] = ()
    """Public keys, a line of minisign's each."""
    unsigned: Literal["refuse", "accept"] = "refuse"

    @classmethod
    def of(cls, config: TargetConfig) -> Self:
        """Return the trust of a target."""
        return cls(keys=config.trusted_keys, unsigned=config.unsigned)

    def check(self, content: bytes, signature: Signature | None) -> str | None:
        """Refuse content that may not be installed, or run.

        Returns:
            The id of the trusted key that signed it; None where it is accepted without.

        Raises:
            FlashError: It is unsigned, signed by another key, or its signature does not fit.
        """
        keys = {key.key_id: key for key in self._known()}
        if signature is not None and signature.key_id in keys:
            try:
                signature.check(content, keys[signature.key_id])
            except SignatureError as error:
                raise FlashError(str(error)) from error
            return signature.key_name
        if self.unsigned == "accept":
            return None
        found = (
            "it is not signed" if signature is None else f"it is signed by key {signature.key_name}, not trusted here"
        )
        if not keys:
            raise FlashError(f"{found}; the target trusts no key: give it trusted_keys, or unsigned: accept")
        raise FlashError(
            f"{found}; trusted: {', '.join(key.name for key in keys.values())}; sign it with: sim2real sign"
        )

    def words(self) -> str:
        """Return the trust in words."""
        keys = ", ".join(key.name for key in self._known()) or "no key"
        return f"trusts {keys}; unsigned policies are {'accepted' if self.unsigned == 'accept' else 'refused'}"

    def _known(self) -> Iterable[PublicKey]:
        try:
            return [PublicKey.of_line(line) for line in self.keys]
        except ValueError as error:
            raise FlashError(f"a trusted key {error}; valid: the line that `sim2real keygen` prints") from error
