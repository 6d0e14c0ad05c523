"""The columns of a batch's tables."""

from ..settings import COLUMNS as TOLD

INPUTS = ("id", "audio", *TOLD, "out")
SETTINGS = ("fps", "width", "height", "background", "blink", "head_motion")
OUTCOME = ("status", "reason", "key")
STAGES = ("motion", "curves", "pose", "rasterize", "write", "check")  # processor seconds
RESULTS = {  # of a finished item, and their Arrow types
    "frames": "int64",
    "duration_s": "float64",
    "pictures": "string",
    "bytes": "int64",
    "fps_achieved": "float64",
    "seconds": "float64",
    **{f"seconds_{stage}": "float64" for stage in STAGES},
    "av_offset_ms": "float64",
    "loudness_lufs": "float64",
    "warnings": "string",
}
COLUMNS = (*INPUTS, *SETTINGS, *OUTCOME, *RESULTS)
MANIFEST = ("status", "key", "frames", "duration_s", "pictures")  # results that do not depend on time or machine
TYPES = {  # else strings
    "intensity": "float64",
    "style_strength": "float64",
    "variety": "float64",
    "seed": "int64",
    "track": "int64",
    "width": "int64",
    "height": "int64",
    "blink": "bool_",
    **RESULTS,
}
