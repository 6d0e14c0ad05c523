"""`render serve`: clips and live curves for programs elsewhere, over HTTP and WebSocket."""
