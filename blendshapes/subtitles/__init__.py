"""Motion subtitles: what parts of a face do, and when, as a subtitle file that people read and write."""
