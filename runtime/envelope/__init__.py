"""The parts of the safety envelope, one noun each; pure, and part of the trusted core."""
