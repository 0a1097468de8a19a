"""Serial IMUs by WitMotion: WT901, JY901, HWT901 and others with its standard protocol."""
