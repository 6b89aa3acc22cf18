"""Harmless sentences that share words with harmful ones, made by template for this project.

They teach the model, for every category, that "kill a process" is no threat. Project-owned text.
"""

from __future__ import annotations

from itertools import product

from . import everyday

_TEMPLATES: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...] = (
    (
        "{} a {} {}",
        (
            ("how do i kill", "what is the best way to kill", "can you show me how to terminate", "how to force kill"),
            ("python", "zombie", "background", "node", "stuck linux"),
            ("process", "process in the terminal?", "task on windows", "thread safely"),
        ),
    ),
    (
        "{} {}",
        (
            ("how do i shoot", "tips to shoot", "where should i shoot", "i want to shoot"),
            (
                "a photo at night",
                "portraits in natural light",
                "a short film with my phone",
                "hoops like a pro",
                "a wedding video",
                "a penalty in football",
                "an email to my boss",
            ),
        ),
    ),
    (
        "my {} is {}, {}",
        (
            ("code", "laptop battery", "phone", "house plant", "car engine", "wifi"),
            ("dying", "dying again", "completely dead", "killing me today"),
            ("what can i do?", "can you help?", "any ideas how to fix it"),
        ),
    ),
    (
        "{} {}?",
        (
            ("what are the symptoms of", "how is it possible to treat", "explain the causes of", "how common is"),
            (
                "breast cancer",
                "a heart attack",
                "depression",
                "diabetes",
                "a sexually transmitted infection",
                "an overdose of vitamin d",
                "a bleeding nose",
                "food poisoning",
            ),
        ),
    ),
    (
        "{} {}",
        (
            ("how do i", "what is the easiest way to", "i need to", "can you explain how to"),
            (
                "attack this maths problem",
                "execute a shell script",
                "abort a git rebase",
                "drop a table in sql",
                "destroy a terraform stack",
                "hack together a quick prototype",
                "blow up a balloon",
                "beat the eggs for an omelette",
                "cut an onion without crying",
                "hang a picture on the wall",
                "kill weeds in my garden",
                "strip the whitespace from a string",
                "ignore a file in git",
                "override the previous settings in css",
                "reset my password",
                "follow the instructions of a knitting pattern",
                "get rid of mice humanely",
                "whip cream by hand",
                "crack a walnut",
                "burn calories quickly",
                "bake bread",
                "learn spanish",
                "convert celsius to fahrenheit",
                "plan a trip to italy",
            ),
        ),
    ),
    (
        "{}",
        (
            (
                "that joke killed me, i am still laughing",
                "you killed it at the presentation yesterday",
                "this workout is going to be the death of me, in a good way",
                "i would kill for a good cup of coffee right now",
                "i am dying to see the new film",
                "my grandmother died last year and i miss her",
                "i feel sad today because it rains",
                "i am so tired after work, how can i sleep better?",
                "the team got destroyed in the final",
                "she has a killer smile",
                "break a leg at your audition tonight!",
                "what does 'bite the bullet' mean?",
                "he stabbed the potato with a fork",
                "what is the capital of france?",
                "what time is it in london?",
                "how tall is mount everest?",
                "who wrote pride and prejudice?",
                "what is 17 times 23?",
                "what is the meaning of life?",
                "recommend me a good book about history",
                "what should i cook for dinner tonight?",
                "i am going to find you a better restaurant",
                "i will find you and give you the keys",
                "i want to end this subscription",
                "i want to end my contract",
                "i want to kill some time at the airport",
                "are there suicide prevention hotlines in canada?",
                "how can i support a friend who feels depressed?",
                "what is the difference between a virus and a bacterium?",
                "explain the plot of romeo and juliet",
                "summarise macbeth in three sentences",
                "sex education curriculum for adults: what does the law say?",
                "what is the sex ratio of the population in sweden?",
                "chicken breast recipe with lemon",
                "the best way to naturally remove weeds from the lawn",
                "please summarise the previous instructions of the manual",
                "what is a system prompt?",
                "how does prompt injection work and how do i defend my app?",
                "translate 'i love you' into german",
                "what is a good gift for my wife?",
                "my boss is difficult, how do i talk to him?",
                "i hate mondays",
                "i hate broccoli",
                "this bug is stupid, why does the test fail?",
                "shut down the computer after one hour",
                "the knife is in the kitchen drawer",
                "is it legal to fly a drone over a park?",
                "how are guns regulated in japan?",
                "how do vaccines work?",
                "what are the side effects of ibuprofen?",
            ),
        ),
    ),
    (
        "{} {}",
        (
            ("i want to", "i don't want to", "i am going to", "i'm going to", "i wish i could", "i plan to"),
            (
                "learn the guitar",
                "be a doctor",
                "eat pizza tonight",
                "move to another city",
                "miss the bus",
                "end my contract",
                "live in spain",
                "write a goodbye card for my colleague",
                "quit my job",
                "find you a better offer",
                "take my dog to the park",
                "cut my own hair",
                "kill some time before the flight",
                "wake up early",
            ),
        ),
    ),
    (
        "{} {}",
        (
            ("i will", "i'll", "i am going to", "we will"),
            (
                "find you and give you the keys",
                "come to your house for dinner",
                "call you tonight",
                "make you a cake",
                "shoot you an email",
                "pay you back tomorrow",
                "pick you and your family up at the station",
                "beat you at chess",
            ),
        ),
    ),
    (
        "my {} hurts, {}",
        (
            ("back", "tooth", "knee", "head", "throat", "left arm"),
            ("what can i do?", "is that normal?", "could it be serious?", "what helps?"),
        ),
    ),
    (
        "{} {}?",
        (
            ("what are the signs of", "where can i read about", "what does research say about", "who can prevent"),
            ("suicide", "self-harm among adults", "domestic violence", "bullying at work", "addiction", "hate crime"),
        ),
    ),
    (
        "{}",
        (
            (
                "cut me some slack",
                "cut yourself a slice of cake",
                "i cut myself while shaving, which plaster is best?",
                "i burnt myself on the oven, how do i cool it?",
                "i hurt my ankle running, when can i train again?",
                "the ending of that film hurt me",
                "how did napoleon die?",
                "how did mozart die?",
                "when did the dinosaurs die out?",
                "how do you do that?",
                "what do you mean?",
                "ok, thanks, bye",
                "yes please",
                "no, not that one",
                "i love this song",
                "i love my wife",
                "i miss you, mum",
                "see you tomorrow at the office",
            ),
        ),
    ),
)


def sentences() -> list[str]:
    """All of them and the everyday ones, some hundreds, each once, in a fixed order."""
    templates = _TEMPLATES + everyday.TEMPLATES
    return list(dict.fromkeys(form.format(*words) for form, parts in templates for words in product(*parts)))
