"""`render doctor`: what is installed and what will be used."""

from __future__ import annotations

import typer

from .console import Debug, complaints


def doctor(debug: Debug = False) -> None:
    """Show what is installed, which rasterizer will be used and why, and how to mend what is broken."""
    with complaints(debug):
        from ..pipeline.doctor import examine

        findings = examine()
        from rich.console import Console
        from rich.table import Table

        table = Table("", "what", "found", "what to do", box=None, pad_edge=False)
        for finding in findings:
            mark = "[green]ok[/]" if finding.ok else "[red]no[/]"
            table.add_row(mark, finding.what, finding.found, finding.fix)
        Console().print(table)
        raise typer.Exit(0 if all(f.ok for f in findings) else 1)
