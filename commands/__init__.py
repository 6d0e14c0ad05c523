"""What a person types: one module per command or group of commands. Each parses, calls one room, prints."""

HELP = {"help_option_names": ["-h", "--help"]}  # context settings of every group
