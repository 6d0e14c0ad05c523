"""Sentences of other languages to be spoken: somebody does something somewhere, in any combination."""

from __future__ import annotations

import random

# Who; does; what; where, when or how
_PARTS = {
    "es": """
La madre de Pablo, Mi vecino, El pequeño pájaro, Nuestra profesora, Un hombre viejo, La chica del abrigo verde, Tu
primo Javier, El médico, Aquella mujer, Quien quiere;
compra, busca siempre, nunca encuentra, ha visto, llevaba, quiere vender, pinta, olvidó, puede abrir, guarda bien;
un vaso de leche, las llaves del coche, el pan blanco, una guitarra azul, muchos libros, la puerta grande, seis huevos
frescos, aquel cuadro famoso, su bufanda, una flor amarilla;
en la plaza, por la mañana, cerca del río, después de la fiesta, con mucho gusto, cuando llueve, sin decir nada, bajo
el puente, en febrero, para su abuela
""",
    "fr": """
Ma mère, Le petit garçon, Notre voisin du dessus, La femme au chapeau bleu, Un vieux pêcheur, Ton ami Philippe, Le
boulanger, Cette dame, Mon oncle Hubert, Celui qui veut;
achète, cherche toujours, ne trouve jamais, a vu, portait, veut vendre, peint, oublie, peut ouvrir, garde bien;
un verre de lait, les clés de la voiture, du pain frais, une guitare rouge, beaucoup de livres, la grande porte, six
œufs, ce tableau fameux, son parapluie, une fleur jaune;
sur la place, le matin, près du fleuve, après la fête, avec plaisir, quand il pleut, sans un mot, sous le pont, en
février, pour sa grand-mère
""",
    "it": """
Mia madre, Il bambino, Il nostro vicino, La donna con il cappello blu, Un vecchio pescatore, Il tuo amico Beppe, Il
fornaio, Quella signora, Mio zio Umberto, Chi vuole;
compra, cerca sempre, non trova mai, ha visto, portava, vuole vendere, dipinge, dimentica, può aprire, conserva bene;
un bicchiere di latte, le chiavi della macchina, il pane bianco, una chitarra blu, molti libri, la grande porta, sei
uova fresche, quel quadro famoso, il suo ombrello, un fiore giallo;
in piazza, la mattina, vicino al fiume, dopo la festa, molto volentieri, quando piove, senza dire niente, sotto il
ponte, a febbraio, per sua nonna
""",
    "pt": """
Minha mãe, O menino, Nosso vizinho, A mulher de chapéu azul, Um velho pescador, Seu amigo Felipe, O padeiro, Aquela
senhora, Meu tio Humberto, Quem quiser;
compra, procura sempre, nunca encontra, viu, levava, quer vender, pinta, esquece, pode abrir, guarda bem;
um copo de leite, as chaves do carro, o pão branco, um violão vermelho, muitos livros, a porta grande, seis ovos
frescos, aquele quadro famoso, seu guarda-chuva, uma flor amarela;
na praça, de manhã, perto do rio, depois da festa, com prazer, quando chove, sem dizer nada, debaixo da ponte, em
fevereiro, para sua avó
""",
}
LANGUAGES = tuple(_PARTS)


def foreign_sentence(rng: random.Random, language: str) -> str:
    """One sentence of `LANGUAGES`."""
    parts = [rng.choice(part.split(",")) for part in _PARTS[language].split(";")]
    return " ".join(" ".join(parts).split()) + rng.choice(".....?!")
