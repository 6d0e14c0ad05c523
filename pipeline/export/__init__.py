"""An avatar for other programs: splat files of a pose, a PLY per frame, an animated glTF head."""
