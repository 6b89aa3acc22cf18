"""Texts written for tests of what reads whole texts: prose of some length, in English and not."""

from __future__ import annotations

ENGLISH = (
    "The garden was quiet in the morning, and I walked down to the old gate where my brother had left his bicycle. "
    "We hadn't spoken since March; it rained then, hard, and nobody wanted to say what everyone was thinking. "
    "There is a kind of silence that fills a house after an argument, like cold water rising in a cellar. "
    "Grandmother used to call it weather. She kept hens, swore at the postman and read Russian novels by candle. "
    "What would she have made of us, two grown men sulking over a bill from the plumber? Probably soup. "
    "Anyway, the latch was broken again, so I went back for a screwdriver, found none, came across a tin of buttons "
    "instead and lost an hour. Some were horn, others brass; one had an anchor on it, from whose coat I can't say. "
    "By noon the sun had reached the kitchen floor. He rang me at four, and for once it wasn't to complain. "
    "Neither of us mentioned money. He asked if the pears were ripe, which they weren't, and whether the dog still "
    "limped. Later, with the lamp lit, I wrote him a postcard about nothing much, and walked out to post it."
)
"""More than 1,000 characters, and of every hundred words most are different."""

FRENCH = (
    "Le jardin \u00e9tait calme ce matin, et je suis descendu jusqu'\u00e0 la vieille porte o\u00f9 mon fr\u00e8re avait laiss\u00e9 son "
    "v\u00e9lo. Nous ne nous \u00e9tions pas parl\u00e9 depuis mars; il pleuvait alors, et personne ne voulait dire ce que tout le "
    "monde pensait. "
) * 5

CODE = (
    "def area(width, height):\n    total = width * height\n    return total\n\nfor side in sides:\n    print(area(side, 2))\n"
    * 12
)
