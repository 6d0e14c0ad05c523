"""What a person types: one module per command or group of commands. Each parses, calls one room, prints."""
