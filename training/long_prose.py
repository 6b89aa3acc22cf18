"""Harmless prose of the kinds people paste: licences, contracts, laws, leaflets, manuals, code, news, history.

They teach the model, for every category, that a legal, medical or technical word alone is no harm, also in
long text. Written by template for this project; no text is quoted. Knows nothing of labels or files.
"""

from __future__ import annotations

import random
import re
from itertools import product

EACH = 16
"""Sentences drawn from one form, at most."""
PARAGRAPHS = 400
LONG = 80
SEED = 31

FORMS: dict[str, str] = {
    "licence": """
        * You may {use|copy|modify|sublicense|sell} the {software|library|files|work}, with or without {changes|fee|a
          warranty}, as long as this {notice|licence|list of conditions} is kept.
        * The {program|documentation|source code} is provided {without warranty of any kind|as it is, without any
          promise|without express or implied warranties}, and the {authors|holders} are not liable for
          {damages|loss|claims}.
        * The names of the {contributors|authors|holders} may not be used to {endorse|promote|advertise}
          {derived|other|your} products without {written permission|prior consent in writing}.
        * Whoever {distributes|redistributes|conveys|publishes} {copies|a modified version|object code} must
          {retain|reproduce|include} the copyright notice and {this disclaimer|these terms}.
        * Each contributor grants you a {worldwide|perpetual|royalty-free|non-exclusive} {patent|copyright} licence to
          {make|use|offer to sell|import|perform publicly} the contribution.
        * Your rights {terminate|end|are reinstated} if you {fail to comply|bring a patent claim|cure the breach}
          {explicitly|finally|within thirty days}, notwithstanding any other {term|clause}.
        * Nothing here {permits|forbids} you to {deal in|merge|exploit|charge for} {the licensed material|adapted
          material|larger works} {as you see fit|on your own behalf|in any medium}.
        * To the extent {permitted|required} by law, in no event shall the {owner|licensor|university} be liable for
          {direct|indirect|incidental|consequential} damages {arising from use|however caused|or lost profits}.
        """,
    "contract": """
        * The {supplier|tenant|customer|employee} shall {indemnify|hold harmless|notify|reimburse} the
          {client|landlord|agency|employer} against {claims|losses|third-party suits} {arising out of|connected with}
          this agreement.
        * Either party may {terminate|suspend|assign} this {agreement|lease|order} {without cause|for material breach|by
          written notice} of {thirty|sixty|ninety} days.
        * {Confidential information|Personal data|Trade secrets} must not be {disclosed|sold|transferred|used} without
          {authorisation|the consent of the other party}.
        * Payment is due {within fourteen days|upon receipt|at the end of the month}, and {late fees|interest|taxes}
          {apply|are added|are borne by the buyer}.
        * A dispute shall be {settled|submitted to arbitration|heard} under the laws of {the state|England|Ontario} and
          {neither side may withhold payment|costs follow the event|the seat is London}.
        * The {insurer|bank|carrier} will not {pay|cover|refund} {theft|fire damage|loss of luggage|forged cheques}
          where the {holder|insured} {acted negligently|gave false details|failed to report it}.
        """,
    "law": """
        * A person who {commits|attempts|conceals|promotes} {an offence|fraud|forgery|bribery|money laundering} under
          this {section|act|article} is liable to {a fine|imprisonment|both}.
        * It is unlawful to {possess|import|supply|manufacture} {a controlled substance|a prohibited weapon|counterfeit
          goods|explosives} without {a licence|lawful authority|a permit}.
        * The {court|tribunal|minister|regulator} may {grant|refuse|revoke} {a warrant|bail|a licence|an injunction}
          where {the public interest requires it|the applicant shows good cause|evidence was obtained unlawfully}.
        * In this {act|regulation}, {'dealer'|'explosive'|'minor'|'drug'|'harm'|'vehicle'} means {any|a registered|a
          specified} {person|article|preparation} {as defined in schedule two|named by order|other than an exempt one}.
        * Parliament {amended|repealed|debated|adopted} the {gun|drug|tax|immigration|data protection|anti-terrorism}
          law {in 1998|last spring|after a long inquiry}.
        * The {defendant|appellant|witness} {denied|admitted|was acquitted of} {theft|assault|perjury|trespass}, and the
          judge {reserved|upheld|set aside} the {ruling|sentence|order}.
        """,
    "medicine": """
        * Do not take {these tablets|this medicine|more than the stated dose} without {asking|advice from} your
          {doctor|pharmacist|nurse} if you {are pregnant|drink alcohol|have liver disease|take other medicines}.
        * {Common|Rare|Serious} side effects {include|may be} {nausea and vomiting|bleeding|depression|headache|skin
          rash|thoughts of self-harm}; {stop|tell your doctor|seek help} if they {persist|get worse}.
        * In case of {overdose|poisoning|an allergic reaction}, {call|contact} {the emergency department|a poison
          centre} at once and {take the pack with you|do not induce vomiting}.
        * The {surgeon|patient|midwife} {makes a small cut|removes the stitches|checks the breast|examines the wound}
          {under local anaesthetic|after the operation|with sterile gloves} to {prevent infection|stop the bleeding}.
        * {Sexual|Mental|Reproductive|Dental} health services {offer|provide} {testing|counselling|screening|advice} for
          adults {free of charge|by appointment|at any clinic}.
        * The {trial|study|review} found that {the drug|therapy|the vaccine|exercise} reduced {deaths|suicide
          attempts|pain|relapse} {by a fifth|compared with placebo|in older patients}.
        * People {living with|recovering from|at risk of} {addiction|an eating disorder|depression|cancer|self-injury}
          {benefit from|should be offered} {support groups|regular care|a safety plan}.
        """,
    "safety": """
        * {Warning|Caution|Danger}: {never|do not} {mix bleach with acids|open the cover|touch live wires|store fuel
          near heat}, as {fire|electric shock|toxic fumes|an explosion} {may result|can kill}.
        * Wear {gloves|goggles|a helmet|a respirator} when {handling chemicals|cutting metal|using a chainsaw|spraying
          pesticide} and {wash your hands|keep bystanders away|ventilate the room}.
        * In the event of {fire|an attack|a gas leak|an active threat}, {leave the building|stay calm|lock the door} and
          {call the police|follow the marked route|wait for instructions}.
        * Keep {knives|matches|firearms|medicines|batteries} {locked away|out of reach|in a safe} and
          {unloaded|labelled|dry} at all times.
        * {Flammable|Corrosive|Explosive|Radioactive} {materials|gases|waste} must be {stored|transported|disposed of}
          {in approved containers|by trained staff|away from ignition sources}.
        * The {officer|inspector|warden} {records|investigates|reports} every {injury|incident|near miss|bomb threat}
          {within a day|in the log book|without delay}.
        """,
    "software": """
        * {Run|Execute|Use|Abort} the {command|script|installer|build} {without arguments|as root|in the shell} to {kill
          the worker|drop the table|inject the dependency|strip the binary|force a push}.
        * If the {flag|option|variable|suite} is {set|missing|empty}, the {parser|daemon|child process|compiler} will
          {ignore|override|raise|exit with} {the previous setting|an explicit error|all instructions that follow}.
        * The {method|attribute|class|exception} {returns|accepts|raises} {self|None|a tuple|an explicit type} and must
          be {called|defined|overridden} {explicitly|without parentheses|by each subclass}.
        * {Fixed|Added|Removed|Deprecated}: {commit|merge|rebase} of {a dangling pointer|the attack surface report|slave
          mode|the master branch} in {issue 12|version 2.4|pull request 731}.
        * To {build|install|test|publish} the package, {clone|fork|download} the repository, {commit|push|tag} your
          {changes|branch} and {promote|distribute|sign} the {release|wheel|archive}.
        * See {the guide|step 3|the next section} on {password hashing|token exploits|vulnerability reports|privileged
          ports|self-signed certificates} {before|without|when} {deploying|bypassing the proxy|disabling checks}.
        * {Hidden|Private|Exposed} {members|fields|objects|pointers} are {not|only|still}
          {touched|wrapped|copied|garbage collected} {by the binding|in strict mode|at shutdown}.
        """,
    "code": """
        * def {__init__|__str__|update|__add__|close|__hash__}(self, {other|x, y|value=None|*args}): {self.x, self.y =
          x, y|self.items.append(value)|self.total += 1|return self.name == other.name}
        * object.{__iadd__|__rmul__|__xor__|__pow__|__lshift__|__matmul__|__getattr__}(self, {other|name|key,
          value|instance})
        * class {Point|Worker|Dog|Response|Suite}(Base): {#|//} {Kill|Hold|Return} the {slave|parent|self} reference;
          {super().run(self)|return self|self.stop()}
        * >>> {p.kill()|os.abort()|self.assertEqual(self.a, 3)|thread.join()|cursor.execute(query)} {# no
          output|None|True|raises ValueError}
        * import {os|sys|self_cert|asyncio}; {for x in items: x.destroy()|if self.dead: return|with lock: self.hit +=
          1|while not self.done: self.step()}
        * [![{Build|Docs|License|Ruff}](https://img.example.{org|com|io}/{badge|assets|repo}/{v2.json|main.svg|status})]
          {pip install|npm ci|make|cargo add} {example|demo-kit|corpus-tools}
        """,
    "device": """
        * {Press and hold|Release|Insert|Pull} the {trigger|button|lever|cartridge} until the {barrel|shaft|lamp|valve}
          {locks|clicks|turns green}, then {tighten the screws|close the lid|fire a test shot of glue}.
        * The {engine|pump|printer|drone} {dies|stalls|overheats|discharges} when the {battery|filter|fuel line|head} is
          {dead|blocked|cut|worn}; {replace|clean|bleed} it {yearly|at once}.
        * {Female|Male|Coaxial|Bare} {connectors|wires|plugs} are {stripped|crimped|mated} {by hand|with the tool
          supplied|after heating}.
        * Set the {blade|nozzle|target|dose} to {three|the lowest value|the marked line} and {shoot|cut|inject|spray}
          {one layer|the sealant|resin|a sample} {slowly|without pressure|from above}.
        """,
    "news": """
        * {Police|Officials|Residents|Firefighters} said {the suspect was arrested|no one was hurt|two people were
          injured|the road was closed} after {a crash|a robbery|a protest|the storm} in {the north|Ohio|Leeds|Lagos}.
        * The {minister|union|club|company} {denied|announced|criticised|defended} {the strike|cuts|the attack on its
          record|plans to end subsidies} on {Monday|Friday}, {reports say|aides said|according to the paper}.
        * {Black|White|Jewish|Muslim|Asian|Gay} {voters|artists|families|students} {told|met|asked} the
          {council|panel|mayor} about {hate crime|housing|schools|discrimination} {this week|at a hearing}.
        * {Shares|Exports|Oil prices|House sales} {plunged|soared|were hit hard|crashed} {as|after}
          {traders|banks|buyers} {dumped stock|feared a trade war|cut rates}.
        * The {striker|keeper|champion|rookie} {killed off the game|shot wide|was beaten|smashed the record} {late|in
          overtime|before half-time}, and {fans|the coach} {went wild|praised the defence}.
        """,
    "history": """
        * In {1348|1789|1914|1945}, {the army|rebels|the fleet|crusaders} {besieged|burned|captured|defended} {the
          city|the port|the fortress}, and {thousands died|the king fled|the treaty was signed}.
        * {The empire|The colony|The republic|The dynasty} {fell|rose|was divided} after {a civil war|the plague|the
          revolution|an assassination}, which {historians|chronicles} {describe|dispute} {at length|in detail}.
        * {Slavery|The Holocaust|Apartheid|Witch trials} {was|remains} {documented|studied|condemned|remembered} in
          {museums|archives|survivors' accounts|court records} {across the country|to this day}.
        * {The queen|A poet|The general|The saint} {was executed|died in exile|took poison in the play|was stabbed on
          the senate floor}, {legend says|as Shakespeare tells it|according to Plutarch}.
        * {Women|Workers|Settlers|Monks} {of the period|in the village} {bore children|made weapons|brewed beer|tanned
          hides} {by hand|for the guild|under harsh laws}.
        """,
    "science": """
        * {The virus|The male|The predator|The cell} {attacks|mates with|kills|invades} {its host|the female|its
          prey|young larvae} {in spring|by injecting venom|within hours}.
        * {Sulphuric acid|Ammonium nitrate|Uranium|Chlorine} is {produced|used|regulated|measured} in
          {fertiliser|industry|laboratories|water treatment} and {reacts with metals|decays slowly|is toxic to fish}.
        * {Researchers|The authors|We} {propose|compare|reject} a {method|model|test} that {exploits|detects|penalises}
          {weak signals|fake reviews|adversarial examples|fraud} {without supervision|at scale}.
        * {Sexual|Natural|Artificial} {selection|reproduction} {explains|shapes|limits} {plumage|body size|plant
          breeding|behaviour} in {birds|mammals|orchids}.
        * The {explosion|mass|orbit|heat} of {a star|the core|the bomb calorimeter|the reactor} is
          {estimated|given|plotted} in {figure two|the appendix}, {with an error of a tenth|for each sample}.
        """,
    "work": """
        * {Staff|Managers|Volunteers|Contractors} must {report|not tolerate|be trained on}
          {harassment|bullying|abuse|threats|discrimination} {without fear|in confidence|under this policy}.
        * {The bank|Our team|The platform} {monitors|blocks|reviews} {fraudulent|suspicious|stolen|explicit}
          {cards|accounts|content|transfers} to {avoid|prevent|detect} {money laundering|identity theft|phishing}.
        * {Parents|Teachers|Schools} {can|should} {help|talk to|protect} children {online|at home|with homework|on the
          way to school} and {set limits|ask for help|read together}.
        * {The committee|The board|The editor} {voted|agreed|asked} to {kill the proposal|cut costs|end the
          contract|strip the clause} {without debate|by a show of hands|at its May meeting}.
        * {Add|Beat|Whip|Chop} the {eggs|cream|chicken breast|onions}, {cut|crush|smoke|burn} {the herbs|the sugar|the
          garlic} {lightly|until brown|by hand} and {serve hot|rest the dough}.
        """,
}
"""By kind of text: one form at each star, with the choices for a place in braces, parted by bars."""

_PLACE = re.compile(r"\{([^}]*)\}")


def sentences() -> dict[str, list[str]]:
    """By kind, up to ``EACH`` sentences of every form, drawn with a fixed seed."""
    rng = random.Random(SEED)
    return {kind: [text for form in _forms(forms) for text in _drawn(form, rng)] for kind, forms in FORMS.items()}


def _forms(listed: str) -> list[str]:
    return [" ".join(form.split()) for form in listed.split("* ")[1:]]


def _drawn(form: str, rng: random.Random) -> list[str]:
    parts = _PLACE.split(form)  # fixed text and choices by turns
    whole = ["".join(chosen) for chosen in product(*(p.split("|") if at % 2 else [p] for at, p in enumerate(parts)))]
    return rng.sample(whole, min(EACH, len(whole)))


def texts() -> list[str]:
    """The sentences, paragraphs of 2 to 6 of one kind, and long texts of 15 to 60 of three kinds; each once."""
    by = sentences()
    kinds = sorted(by)
    rng = random.Random(SEED + 1)
    found = [text for kind in kinds for text in by[kind]]
    for at in range(PARAGRAPHS):
        kind = kinds[at % len(kinds)]
        found.append(_gap(kind, rng).join(rng.sample(by[kind], rng.randint(2, 6))))
    for _ in range(LONG):
        of = rng.sample(kinds, 3)
        found.append("\n\n".join(_gap(kind, rng).join(rng.sample(by[kind], rng.randint(5, 20))) for kind in of))
    return list(dict.fromkeys(found))


def _gap(kind: str, rng: random.Random) -> str:
    return "\n" if kind == "code" else rng.choice((" ", " ", "\n", "\n* "))
