"""Pictures and video files of MuJoCo models, rendered without a display."""
