"""Serial IMUs by WitMotion: WT901, JY901, HWT901 and others that speak its standard protocol."""
