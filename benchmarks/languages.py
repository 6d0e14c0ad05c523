"""Are the sounds of other languages found where they are? Spoken by espeak-ng, whose own times are the truth.

    python benchmarks/languages.py                          ten sentences in two voices, per language
    python benchmarks/languages.py --read FOLDER de         recordings of people: manifest.jsonl with file and text

A synthetic voice is easier to follow than people; recordings tell only how many are found, and how many are
refused with the text of another recording of about the same length.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr

from emosplat.blendshapes.speech.phones import Segment
from emosplat.blendshapes.speech.transcript import Aligner
from emosplat.blendshapes.training.espeak import Espeak
from emosplat.core.errors import InputError

VOICES = ("f3", "m3")
RATE = 16_000
SENTENCES = {  # our own
    "de": (
        "Morgen fahren wir mit dem Zug nach Hamburg.", "Der Hund schläft unter dem alten Küchentisch.",
        "Bitte mach das Fenster zu, es zieht hier.", "Im Herbst fallen die bunten Blätter von den Bäumen.",
        "Meine Schwester spielt jeden Abend eine Stunde Klavier.", "Das Brot vom Bäcker war noch warm.",
        "Wir haben gestern einen langen Spaziergang gemacht.", "Pass auf, die Treppe ist frisch gewischt.",
        "Er wollte eigentlich pünktlich kommen, aber der Bus hatte Verspätung.", "Heute kocht mein Vater eine Suppe.",
    ),
    "fr": (
        "Demain nous prenons le train pour Marseille.", "Le chien dort sous la vieille table de la cuisine.",
        "Ferme la fenêtre, il y a un courant d'air.", "En automne les feuilles tombent des arbres.",
        "Ma sœur joue du piano une heure chaque soir.", "Le pain du boulanger était encore chaud.",
        "Hier nous avons fait une longue promenade.", "Attention, l'escalier vient d'être lavé.",
        "Il voulait arriver à l'heure, mais le bus était en retard.", "Aujourd'hui mon père prépare une soupe.",
    ),
    "es": (
        "Mañana vamos en tren a Sevilla.", "El perro duerme debajo de la vieja mesa de la cocina.",
        "Cierra la ventana, por favor, hay corriente.", "En otoño las hojas caen de los árboles.",
        "Mi hermana toca el piano una hora cada noche.", "El pan de la panadería todavía estaba caliente.",
        "Ayer dimos un largo paseo por el parque.", "Cuidado, la escalera está recién fregada.",
        "Quería llegar a tiempo, pero el autobús venía con retraso.", "Hoy mi padre prepara una sopa.",
    ),
    "it": (
        "Domani andiamo a Napoli in treno.", "Il cane dorme sotto il vecchio tavolo della cucina.",
        "Chiudi la finestra, per favore, c'è corrente.", "In autunno le foglie cadono dagli alberi.",
        "Mia sorella suona il pianoforte un'ora ogni sera.", "Il pane del fornaio era ancora caldo.",
        "Ieri abbiamo fatto una lunga passeggiata.", "Attenzione, la scala è appena stata lavata.",
        "Voleva arrivare in tempo, ma l'autobus era in ritardo.", "Oggi mio padre prepara una zuppa.",
    ),
    "pl": (
        "Jutro jedziemy pociągiem do Krakowa.", "Pies śpi pod starym stołem w kuchni.",
        "Zamknij okno, proszę, bo wieje.", "Jesienią liście spadają z drzew.",
        "Moja siostra gra codziennie wieczorem na fortepianie.", "Chleb z piekarni był jeszcze ciepły.",
        "Wczoraj byliśmy na długim spacerze.", "Uważaj, schody są świeżo umyte.",
        "Chciał przyjść punktualnie, ale autobus się spóźnił.", "Dzisiaj mój tata gotuje zupę.",
    ),
    "nl": (
        "Morgen gaan we met de trein naar Utrecht.", "De hond slaapt onder de oude keukentafel.",
        "Doe het raam dicht, alsjeblieft, het tocht hier.", "In de herfst vallen de bladeren van de bomen.",
        "Mijn zus speelt elke avond een uur piano.", "Het brood van de bakker was nog warm.",
        "Gisteren hebben we een lange wandeling gemaakt.", "Pas op, de trap is net gedweild.",
        "Hij wilde op tijd komen, maar de bus had vertraging.", "Vandaag kookt mijn vader soep.",
    ),
    "pt": (
        "Amanhã vamos de comboio para o Porto.", "O cão dorme debaixo da velha mesa da cozinha.",
        "Fecha a janela, por favor, há corrente de ar.", "No outono as folhas caem das árvores.",
        "A minha irmã toca piano uma hora todas as noites.", "O pão da padaria ainda estava quente.",
        "Ontem demos um longo passeio.", "Cuidado, a escada acabou de ser lavada.",
        "Ele queria chegar a horas, mas o autocarro estava atrasado.", "Hoje o meu pai faz uma sopa.",
    ),
    "sv": (
        "I morgon åker vi tåg till Göteborg.", "Hunden sover under det gamla köksbordet.",
        "Stäng fönstret, är du snäll, det drar här.", "På hösten faller löven från träden.",
        "Min syster spelar piano en timme varje kväll.", "Brödet från bageriet var fortfarande varmt.",
        "I går tog vi en lång promenad.", "Se upp, trappan är nytvättad.",
        "Han ville komma i tid, men bussen var försenad.", "I dag lagar min pappa soppa.",
    ),
}  # fmt: skip


def main() -> None:
    """Print a row of a table."""
    parser = argparse.ArgumentParser(description="Are the sounds of other languages found where they are?")
    parser.add_argument("--read", nargs=2, metavar=("FOLDER", "LANGUAGE"), help="recordings of people instead")
    parser.add_argument("--most", type=int, default=150, help="of the recordings")
    options = parser.parse_args()
    if options.read:
        recordings(Path(options.read[0]), options.read[1], options.most)
        return
    library = Espeak()
    print(f"espeak-ng {library.version()}; {len(VOICES)} voices, {len(SENTENCES['de'])} sentences each")
    for language, texts in SENTENCES.items():
        spoken = [(text, *library.say(text, f"{language}+{voice}", speed=140)) for voice in VOICES for text in texts]
        offs: list[float] = []
        found = alike = others = 0
        for n, (text, wave, made) in enumerate(spoken):
            heard = soxr.resample(wave, library.rate, RATE)
            others += not aligned(language, heard, spoken[(n + 1) % len(texts)][0])
            phones = aligned(language, heard, text)
            found += bool(phones)
            told, placed = ([s for s in p if s.phone != "SIL"] for p in (made, phones))
            if [s.phone for s in told] == [s.phone for s in placed]:
                alike += 1
                offs += [abs(a.start - b.start) for a, b in zip(told, placed, strict=True)]
        off = 1000 * np.array(offs)
        print(
            f"{language}: {found} of {len(spoken)} found, starts of the phones {np.median(off):.0f} ms off "
            f"({np.mean(off < 50):.0%} within 50 ms; {alike} clips of the same phones); "
            f"{others} of {len(spoken)} other texts refused"
        )


def aligned(language: str, wave: np.ndarray, text: str) -> list[Segment]:
    """The phones; none where the text is refused."""
    try:
        return Aligner(language).align([wave.astype(np.float32)], text).phones
    except InputError:
        return []


def recordings(folder: Path, language: str, most: int) -> None:
    """How many recordings are found with their text, and refused with that of the one next in length."""
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text("utf-8").splitlines()]
    rows = sorted(rows, key=lambda row: len(row["text"]))[:: max(1, len(rows) // most)][:most]
    waves = list(_waves(folder, rows))
    found = sum(bool(aligned(language, wave, row["text"])) for wave, row in zip(waves, rows, strict=True))
    texts = [row["text"] for row in [*rows[1:], rows[0]]]
    refused = sum(not aligned(language, wave, text) for wave, text in zip(waves, texts, strict=True))
    print(f"{language}, {folder.name}: {found} of {len(rows)} found; {refused} of {len(rows)} other texts refused")


def _waves(folder: Path, rows: list[dict[str, str]]) -> Iterator[np.ndarray]:
    for row in rows:
        wave, rate = soundfile.read(folder / row["file"], dtype="float32", always_2d=True)
        yield soxr.resample(wave.mean(axis=1), rate, RATE)


if __name__ == "__main__":
    main()
