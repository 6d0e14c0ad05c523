"""Sentences to be spoken: random but pronounceable English, and nonsense syllables that cover rare sound pairs."""

from __future__ import annotations

import random


def _words(text: str) -> list[str]:
    return text.split()


_NOUNS = _words("""
baby boat bread bridge brother butter camera castle chair chicken child church cloud coffee corner cousin
daughter doctor dragon engine father feather finger fish flower forest friend garden giraffe glove grandmother
guitar hammer harbor horse house island jacket judge kitchen knife ladder lamp leopard letter lion machine
mailman market measure mirror monkey moon morning mother mountain mouse mushroom music neighbor nephew newspaper
ocean office onion orange oven package painter paper peach pepper piano picture pilot pirate planet pocket
potato puppy purple rabbit radio railway river robot sailor salmon sandwich school shadow shepherd shoulder
soldier spoon squirrel stomach street summer sweater table teacher telephone thief thumb thunder tiger tomato
tooth tower treasure umbrella uncle valley vegetable village violin voice volcano wagon water weather whale
whistle window winter wizard woman yellow yogurt zebra zipper museum beach bubble cupboard map mob pub job cab
web club lamb problem program system bomb drum gum thumb cup ship soap rope tape group step cliff leaf roof
proof glove wave stove five twelve move love breath bath cloth teeth month path breeze bruise cheese choice
noise nurse glass fence juice spruce rush dish fashion vision pleasure garage beige badge edge cage bench porch
touch batch clock lake duck frog leg bag song ring spring tongue pool wheel hill girl world apple bottle car
star door floor air year fire hour cow sound mouth crowd boy toy coin oil eye sky light fly bay day rain name go
snow road home phone shoe blue moon fruit food book foot wood sugar law dog ball thought caught bird word work
turn sun son blood month cut fun
""")
_ADJECTIVES = _words("""
awful beautiful big blue brave bright broken careful cheap clever clumsy cold common cool curious damp dark deep
different difficult dirty dry dusty early easy empty enormous famous fast fat favorite few foolish free fresh
funny gentle giant golden good gray great green happy heavy high honest huge hungry important large lazy little
lonely long loud lovely lucky massive modern narrow new nice noisy obvious odd old open other patient perfect
poor pretty proud purple quick quiet rare ready red rich rough round sad sharp shiny short shy silly simple slow
smooth soft sour special strange strong sudden super sweet tall thick thin tiny tough useful usual vague
valuable very warm weak weird wet white whole wide wild wise wonderful wooden wrong young
""")
_VERBS = _words("""
bakes believes borrows brings builds buys carries catches chooses climbs covers drives drops enjoys feeds finds
fixes follows forgets gives grabs hates hears helps hides invites joins jumps_over kicks knows laughs_at leaves
likes loves makes measures mixes moves_near needs notices opens orders paints pulls pushes reads remembers
reaches sees sells shares shows smells speaks_about steals supports takes teaches thanks throws touches uses
visits wants washes watches whispers_to wraps improves approves avoids
""")
_PREPOSITIONS = _words("""
above across after against along among around before behind below beneath beside between beyond by for from in
inside near of off on onto over past through toward under until upon with without
""")
_ADVERBS = _words("""
again almost already always carefully easily finally gently happily hardly maybe mostly never nicely nowadays
often perhaps probably quickly quietly really seldom slowly sometimes soon suddenly surely today together
tomorrow tonight usually very well yesterday
""")
_QUESTION_WORDS = _words("""
what where when why how who which
""")
_AUXILIARIES = _words("""
do does did can could will would should must may might have had
""")
_NUMBERS = _words("""
one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen twenty thirty forty
fifty sixty seventy eighty ninety hundred thousand million first second third fourth fifth
""")
_NAMES = _words("""
Adam Alice Bob Bobby Carol David Emma Felix Frank George Hannah Henry Isabel Jack James Julia Kate Laura Leo
Maggie Martha Matthew Michael Molly Nathan Olivia Oscar Pamela Peter Phoebe Robert Ruth Sam Sarah Simon Sophie
Thomas Victor Vivian Wendy William Zoe Beth Keith Mabel Popeye Fiona Philip Wilbur
""")
# Words that differ in their first consonant, mostly: a recogniser hears it least after a pause
_ALIKE = _words("""
bit pit mitt kit knit fit wit hit sit lit big pig dig gig fig wig rig bill pill mill dill till kill gill fill will hill
bat pat mat gnat fat vat rat sat hat cat back pack tack knack rack lack hack sack bad mad dad gad fad lad sad had
bet pet met debt get net vet wet let jet yet bell tell fell well sell shell yell bed dead head read said led
bought taught caught fought thought ball mall tall call fall wall hall shawl bore pour more door tore core gore four
buy pie my die tie guy why lie rye sigh shy thigh by bay pay may day gay way ray say they hay bee pea me tea key knee
beat peat meet deed team keen need feet wheat read seat sheet cheat heat boot moot toot coot newt root suit shoot chew
boat moat dote tote coat goat note vote wrote boom doom tomb room loom zoom bull pull full wool put book took cook look
bug mug dug tug rug hug jug bun pun done ton gun none fun won run sun shun path bath math burn turn kern fern learn
bow pow mow now vow wow how row bout pout doubt gout shout boy toy joy coy bird third word heard nerd
""")
_PHRASES = """
Well, I suppose we could try it one more time before we leave.
You know what I mean, don't you?
Please leave a message after the beep.
My mom bought me a bag of purple plums.
Peter's papa pumped up the big beach ball.
Five fat frogs found five very fine violins.
We will wait while the wild wind whips the water.
She sells smooth shiny shells by the shore.
Thank you very much for coming to the meeting this morning.
I have no idea what happened, but it was absolutely amazing.
Oh no, not again! How could this happen to me?
Wow, that is wonderful news. When do you move?
If you have any questions, just let me know.
The quick brown fox jumps over the lazy dog.
Who would you choose to move the blue moon?
Maybe we should pick up some apples, bananas, and pears.
Both brothers breathe through their mouths.
Mumbling makes people move closer to hear you.
He put a cup of coffee by the lamp and began to work.
Boys and girls, open your books to page forty five.
Five, four, three, two, one, blast off!
My name is Pam and I am from Alabama.
Everybody loves the view from above the village.
Above all, be brave, be bold, and be yourself.
Put the map back in the box before the bus comes.
The judge chose a huge orange jersey with a zigzag edge.
I was wondering whether you would like to go out with us.
Hi, how are you? I'm fine, thanks, and you?
Look at the book. Good. Now push and pull.
Ow, ouch, how loud! Go home, Joe, and don't phone.
Ahh, father's car is far from the palm.
Eat these green peas, please. He sees three bees.
""".strip().split("\n")
_CONSONANTS = _words("""
p b m f v T D t d n s z S Z tS dZ k g l r w j h
""")
_VOWELS = _words("""
A: a aI aU eI oU OI i: I E V U u: O: 3: @
""")
_DETERMINERS = _words("the a this that my your our his her every some")


# Consonants and vowels of languages whose spelling is their sound, ASCII only
SYLLABLES = {
    "italian": (
        _words("p b m f v t d n l r s g c ch gh gn sc z p b m f v br pr tr st mp mb nt rd ll mm pp bb tt ss qu"),
        _words("a a e e i i o o u ia io ai"),
    ),
    "finnish": (
        _words("p t k m n l r s v h j p m v k t mm pp tt kk ll nn mp nt rv lm"),
        _words("a e i o u y aa uu ai oi"),
    ),
    "czech": (_words("p b m f v t d n l r s z k h j c p b m f v pr br st sk vl mr tr"), _words("a e i o u a e o ou")),
}


def sentence(rng: random.Random) -> str:
    """One English sentence, more or less grammatical."""
    kinds = [_phrase, _statement, _question, _listing, _counting, _word_salad, _description, _words_apart]
    return rng.choices(kinds, weights=[7, 23, 15, 10, 7, 23, 15, 15])[0](rng)


def nonsense(rng: random.Random) -> str:
    """Two to five nonsense words in espeak-ng's phoneme notation, `[[...]]`."""
    return "[[" + " ".join(_nonsense_word(rng) for _ in range(rng.randint(2, 5))) + "]]"


def babble(rng: random.Random, language: str) -> str:
    """Four to nine pronounceable words of no meaning in the spelling of `language` (`SYLLABLES`)."""
    onsets, vowels = SYLLABLES[language]

    def word() -> str:
        return "".join(rng.choice(onsets) + rng.choice(vowels) for _ in range(rng.randint(2, 4)))

    words = [word() for _ in range(rng.randint(4, 9))]
    comma = rng.randrange(len(words))
    words[comma] += ","
    return " ".join(words).rstrip(",") + "."


def _phrase(rng: random.Random) -> str:
    return rng.choice(_PHRASES)


def _statement(rng: random.Random) -> str:
    subject = rng.choice(_NAMES) if rng.random() < 0.5 else _noun_phrase(rng)
    words = [subject, _verb_phrase(rng)]
    if rng.random() < 0.4:
        words.append(rng.choice(_ADVERBS))
    if rng.random() < 0.35:
        link = rng.choice([", and", ", but", " because", " while", " until", ", so"])
        words[-1] += f"{link} {rng.choice(['he', 'she', 'it', rng.choice(_NAMES)])} {_verb_phrase(rng)}"
    return _capitalised(" ".join(words)) + "."


def _question(rng: random.Random) -> str:
    who = rng.choice(["you", "they", "we", rng.choice(_NAMES), _noun_phrase(rng)])
    verb = rng.choice(_VERBS).split("_")[0].rstrip("s")
    words = [rng.choice(_QUESTION_WORDS), rng.choice(_AUXILIARIES), who, verb, _noun_phrase(rng)]
    return _capitalised(" ".join(words)) + "?"


def _listing(rng: random.Random) -> str:
    return ", ".join(f"{rng.choice(_ADJECTIVES)} {rng.choice(_NOUNS)}" for _ in range(rng.randint(2, 4))) + "."


def _counting(rng: random.Random) -> str:
    return " ".join(rng.choices(_NUMBERS, k=rng.randint(3, 8))) + "."


def _words_apart(rng: random.Random) -> str:
    return ". ".join(_capitalised(rng.choice(_ALIKE)) for _ in range(rng.randint(2, 5))) + "."


def _word_salad(rng: random.Random) -> str:
    kinds = [_NOUNS, _ADJECTIVES, _VERBS, _PREPOSITIONS, _ADVERBS, _NAMES, _NOUNS, _QUESTION_WORDS, _AUXILIARIES]
    words = [rng.choice(rng.choice(kinds)).replace("_", " ") for _ in range(rng.randint(4, 10))]
    return " ".join(words) + rng.choice("..?!")


def _description(rng: random.Random) -> str:
    verb = rng.choice(["is", "was", "will be", "has been", "could be", "seems"])
    end = rng.choice([".", "!", ", I think.", ", you know."])
    return f"{rng.choice(_ADVERBS).capitalize()}, {_noun_phrase(rng)} {verb} {rng.choice(_ADJECTIVES)}{end}"


def _noun_phrase(rng: random.Random) -> str:
    words = [rng.choice([*_DETERMINERS, rng.choice(_NUMBERS)])]
    if rng.random() < 0.6:
        words.append(rng.choice(_ADJECTIVES))
    if rng.random() < 0.12:
        words += ["and", rng.choice(_ADJECTIVES)]
    words.append(rng.choice(_NOUNS))
    if rng.random() < 0.3:
        words += [rng.choice(_PREPOSITIONS), "the", rng.choice(_NOUNS)]
    return " ".join(words)


def _verb_phrase(rng: random.Random) -> str:
    return f"{rng.choice(_VERBS).replace('_', ' ')} {_noun_phrase(rng)}"


def _nonsense_word(rng: random.Random) -> str:
    syllables = [rng.choice(_CONSONANTS) + rng.choice(_VOWELS) for _ in range(rng.randint(1, 3))]
    coda = rng.choice([c for c in _CONSONANTS if c not in "hwj"]) if rng.random() < 0.6 else ""
    return "'" + "".join(syllables) + coda


def _capitalised(text: str) -> str:
    return text[0].upper() + text[1:]
