"""Talk in a language that nobody here speaks: translated into Chinese, and the answers back.

    heard      a message, before it is understood
    converse   its answers, before they are sent

    beside      answers in English, Japanese or Korean in which the shop has Chinese alone

What is said in Chinese, English, Japanese and Korean never comes here. What was said stays in the
message's metadata as `translation`: {"language", "state", "original", "waiting"}; `waiting` is what
is translated once the shopper allows it. State:

    translated    into Chinese; Rasa and the actions see only that
    asked         may it be sent abroad? Nothing was
    allowed       they said yes, and nothing was waiting
    refused       they said no
    unavailable   no provider, or none that answers

The tracker keeps Chinese answers, which is what a person at the desk reads.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from rasa.core.channels.channel import OutputChannel
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.events import ActionExecuted, BotUttered, UserUttered
from rasa.shared.nlu.constants import ENTITIES, INTENT, INTENT_NAME_KEY
from sqlalchemy.exc import SQLAlchemyError

from cdp import privacy
from connectors.guard import MAX_TEXT, TextRefused, plain_text
from connectors.translation import permission, sentences
from connectors.translation.base import NotAllowed, TranslationError, Unavailable, Unchanged
from connectors.translation.kept import digits, keep
from connectors.translation.translator import Translator
from nlu.language_recogniser import EXTRACTOR, LANGUAGE
from nlu.languages import NATIVE, recognise
from runtime.foreign_output import Held, Passed
from runtime.foreign_texts import texts_of, with_texts

logger = logging.getLogger(__name__)

TRANSLATION = "translation"
TRANSLATED, ASKED, ALLOWED, REFUSED, UNAVAILABLE = (
    "translated",
    "asked",
    "allowed",
    "refused",
    "unavailable",
)
CHINESE = "zh"
# Entities whose texts are names, or say the same in any language.
_NAMES = ("product", "brand", "series", "order_number", "phone_last4", "phone", "size")
# Written in Latin letters, a guess by the words alone.
_GUESSED = frozenset(("fr", "de", "es", "pt", "it", "nl", "id", "ms", "vi", "tr", "tl", "pl"))
_NOT_UNDERSTOOD = ("nlu_fallback", "out_of_scope")
_SURE_WORDS = 5

Understand = Callable[[Any], Awaitable[dict]]
GoOn = Callable[[OutputChannel, Any], Awaitable[None]]


class Foreign:
    """The talk of shoppers whose language is not spoken here.

    names_in: the names of products and brands that stand in a text.
    """

    def __init__(
        self, translator: Translator, names_in: Callable[[str], Iterable[str]] = lambda _: ()
    ) -> None:
        self._translator = translator
        self._names_in = names_in

    # what is heard

    async def heard(self, message, tracker, parsed: dict, understand: Understand) -> dict:
        """What a message means; `message.text` is Chinese afterwards if it was translated.

        parsed: what it means as it stands. understand: asked again about the translation.
        """
        language, guessed = _language(parsed, tracker)
        if language is None or tracker.is_paused() or (message.text or "").startswith("/"):
            return parsed
        heard = _Heard(message, tracker, language, guessed)
        try:
            answered = await self._consented(heard)
        except SQLAlchemyError:
            logger.exception("foreign.consent.not_read")
            answered = UNAVAILABLE
        if answered:
            heard.mark(answered)
            return parsed
        return await self._translated(heard, parsed, understand)

    async def _consented(self, heard: _Heard) -> str | None:
        """The state, where that is all there is to say; None: go on with what is heard."""
        if heard.before.get("state") not in (ASKED, REFUSED):
            return None
        agreed = sentences.agreed(heard.language, heard.text)
        if agreed is None:
            return None
        message = f"{heard.message.sender_id}:{heard.message.message_id}"
        channel = heard.message.input_channel or "unknown"
        await permission.decide(heard.ids, agreed, channel, message)
        if not agreed:
            return REFUSED
        if not heard.waiting:
            return ALLOWED
        heard.text = heard.waiting
        return None

    async def _translated(self, heard: _Heard, parsed: dict, understand: Understand) -> dict:
        # What waited for consent is not what was parsed: its names came with it.
        waited = heard.text == heard.waiting
        names = heard.before.get("names", []) if waited else _named(parsed)
        try:
            told = [heard.text]
            # A number or a name is no secret of a language: nobody needs to be asked.
            if keep(heard.text, names, heard.language).has_words:
                told = await self._told(told, heard.language, CHINESE, heard.ids, names)
            text = plain_text(told[0][:MAX_TEXT])
        except Unchanged as error:
            if heard.guessed:
                # One word that may be anybody's (OK) is taken as it stands.
                return parsed
            return self._not_heard(heard, parsed, error)
        except NotAllowed:
            refused = heard.before.get("state") == REFUSED
            heard.mark(REFUSED if refused else ASKED, waiting=heard.text, names=names)
            return parsed
        except (TranslationError, TextRefused, SQLAlchemyError) as error:
            return self._not_heard(heard, parsed, error)
        if text == heard.message.text:
            return parsed
        heard.mark(TRANSLATED)
        heard.message.text = text
        found = await understand(heard.message)
        return _spoken(found, heard.language, text)

    @staticmethod
    def _not_heard(heard: _Heard, parsed: dict, error: Exception) -> dict:
        logger.warning("foreign.not_heard reason=%s", type(error).__name__)
        heard.mark(UNAVAILABLE)
        return parsed

    # what is told

    async def converse(self, output: OutputChannel, tracker, domain, go_on: GoOn) -> None:
        """Answer the tracker's latest message in its language; `go_on` makes the answers."""
        if tracker.is_paused():
            await go_on(output, tracker)
            return
        language = tracker.get_slot(LANGUAGE)
        said = (tracker.latest_message.metadata or {}).get(TRANSLATION) or {}
        state = said.get("state")
        if state in (ASKED, ALLOWED, REFUSED, UNAVAILABLE):
            answer = _fixed(state, language)
            await output.send_response(tracker.sender_id, answer)
            buttons = {"buttons": answer["buttons"]} if "buttons" in answer else {}
            tracker.update(BotUttered(answer["text"], buttons), domain)
            tracker.update(ActionExecuted(ACTION_LISTEN_NAME), domain)
            return
        held = Held(output)
        # A copy may stand in for the tracker later on: what is asked of it is asked before.
        intent = (tracker.latest_message.intent or {}).get(INTENT_NAME_KEY)
        ids = _ids(tracker.sender_id, tracker.latest_message.metadata)
        await go_on(held, tracker)
        for message in await self._answers(held.messages, language, ids, intent):
            await output.send_response(tracker.sender_id, message)

    async def beside(self, output: OutputChannel, tracker, go_on: GoOn) -> None:
        """Answer in a native language; lines that the shop has in Chinese alone are translated
        where that may be done without asking, and else stay."""
        language = tracker.get_slot(LANGUAGE)
        latest = tracker.latest_message
        ids = _ids(tracker.sender_id, latest.metadata if latest else None)

        async def read(message: dict) -> dict:
            return await self._without_chinese(message, language, ids)

        await go_on(Passed(output, read), tracker)

    def helps(self, language: str | None) -> bool:
        """Whether `beside` has anything to do for readers of that language."""
        return self._translator.on and language in NATIVE and language != CHINESE

    async def _without_chinese(self, message: dict, language: str, ids) -> dict:
        texts = texts_of(message)
        lines = [line for text in texts for line in text.splitlines() if is_chinese(line)]
        if not lines:
            return message
        names = {name for line in lines for name in self._names_in(line)}
        try:
            told = await self._told(lines, CHINESE, language, ids, names)
        except (TranslationError, SQLAlchemyError) as error:
            logger.info("foreign.chinese_stays reason=%s", type(error).__name__)
            return message
        said = dict(zip(lines, told, strict=True))
        whole = {t: "\n".join(said.get(line, line) for line in t.splitlines()) for t in texts}
        return with_texts(message, whole)

    async def _answers(self, messages: list[dict], language: str, ids, intent) -> list[dict]:
        texts = list(dict.fromkeys(text for message in messages for text in texts_of(message)))
        if not texts:
            return messages
        names = {name for text in texts for name in self._names_in(text)}
        try:
            told = await self._told(texts, CHINESE, language, ids, names)
        except (TranslationError, SQLAlchemyError) as error:
            logger.warning("foreign.not_told reason=%s", type(error).__name__)
            key = "called" if intent == "request_human" else "untranslated"
            sorry = {"text": sentences.sentence(language, key)}
            if key != "called":
                sorry["buttons"] = [_person(language)]
            return [sorry, *messages]
        translated = dict(zip(texts, told, strict=True))
        return [with_texts(message, translated) for message in messages]

    async def _told(self, texts, source: str, target: str, ids, names) -> list[str]:
        if not self._translator.on:
            raise Unavailable("no provider")
        abroad = await permission.may_export(ids)
        return await self._translator.translate(texts, source, target, abroad=abroad, names=names)


class _Heard:
    """A message in another language, and what was said before it."""

    def __init__(self, message, tracker, language: str, guessed: bool) -> None:
        self.message, self.language, self.guessed = message, language, guessed
        self.original = message.text
        self.text = digits(message.text)
        self.ids = _ids(message.sender_id, message.metadata)
        self.before = _before(tracker)
        self.waiting: str | None = self.before.get("waiting")

    def mark(self, state: str, waiting: str | None = None, names: Sequence[str] = ()) -> None:
        """Note what became of it; `names`: those that stand in what waits."""
        told = {"language": self.language, "state": state, "original": self.original}
        if not waiting and state == REFUSED:
            waiting, names = self.waiting, self.before.get("names", ())
        if waiting:
            told |= {"waiting": waiting, **({"names": list(names)} if names else {})}
        self.message.metadata = {**(self.message.metadata or {}), TRANSLATION: told}


def is_chinese(line: str) -> bool:
    """Whether a line is surely Chinese, and more than a Chinese name in another language."""
    letters = [c for c in line if c.isalpha()]
    han = sum("\u3400" <= c <= "\u9fff" for c in letters)
    return han * 2 > len(letters) and recognise(line, ()).code == CHINESE


def speaks_foreign(tracker) -> bool:
    """Whether the talk is in a language that is not spoken here."""
    language = tracker.get_slot(LANGUAGE)
    return bool(language) and language not in NATIVE


def _language(parsed: dict, tracker) -> tuple[str | None, bool]:
    """The language to translate from, None for none; and whether that goes by the talk alone.

    A guess that is none is taken out of `parsed`, so that the talk stays in the language it is in.
    """
    talk = tracker.get_slot(LANGUAGE) if speaks_foreign(tracker) else None
    told = next((one for one in parsed[ENTITIES] if one["entity"] == LANGUAGE), None)
    if told is None:
        return talk, True
    if told["value"] in NATIVE:
        return None, False
    moves = not _may_be_either(talk, told["value"], parsed)
    if told["value"] == talk or (moves and _is_foreign(told["value"], parsed, tracker)):
        return told["value"], False
    parsed[ENTITIES] = [one for one in parsed[ENTITIES] if one is not told]
    return talk, True


def _named(parsed: dict) -> list[str]:
    """The names of products and brands that were linked in a text, as they stand there."""
    return [e["text"] for e in parsed[ENTITIES] if e["entity"] in _NAMES and e.get("text")]


def _may_be_either(talk: str | None, code: str, parsed: dict) -> bool:
    """Whether a message taken for a second language in Latin letters is too short to tell."""
    return {talk, code} <= _GUESSED and len((parsed.get("text") or "").split()) < _SURE_WORDS


def _is_foreign(code: str, parsed: dict, tracker) -> bool:
    """Whether a message is surely in that language, and no misspelt English."""
    if code not in _GUESSED:
        return True
    text = parsed.get("text") or ""
    if code not in sentences.languages() or (
        parsed[INTENT].get(INTENT_NAME_KEY) not in _NOT_UNDERSTOOD
    ):
        return False
    accents = any(c.isalpha() and c > "\u007f" for c in text)
    return accents or len(text.split()) >= _SURE_WORDS or not _spoke_native(tracker)


def _spoke_native(tracker) -> bool:
    return any(
        entity.get("entity") == LANGUAGE and entity.get("value") in NATIVE
        for event in tracker.events
        if isinstance(event, UserUttered)
        for entity in event.entities or ()
    )


def _before(tracker) -> dict:
    """What became of the shopper's message before this one."""
    for event in reversed(tracker.events):
        if isinstance(event, UserUttered):
            return (event.metadata or {}).get(TRANSLATION) or {}
    return {}


def _spoken(parsed: dict, language: str, text: str) -> dict:
    """The meaning of a translation, in the language it was translated from."""
    asked = [one for one in parsed[ENTITIES] if one["entity"] == LANGUAGE and one.get("asked")]
    if asked:
        # "English please", whatever the language it is said in.
        return parsed
    said = {
        "entity": LANGUAGE,
        "value": language,
        "native": False,
        "asked": False,
        "start": 0,
        "end": len(text),
        "extractor": EXTRACTOR,
    }
    rest = [one for one in parsed[ENTITIES] if one["entity"] != LANGUAGE]
    return {**parsed, ENTITIES: [*rest, said], LANGUAGE: language}


def _fixed(state: str, language: str) -> dict[str, Any]:
    """The sentence for a state, with its buttons; those of consent mean what they say."""
    if state == ALLOWED:
        return {"text": sentences.sentence(language, "allowed")}
    if state == ASKED:
        titles = [sentences.sentence(language, key) for key in ("agree", "refuse")]
        buttons = [{"title": title, "payload": title} for title in titles]
        return {"text": sentences.sentence(language, "ask"), "buttons": buttons}
    buttons = [
        _person(language),
        {"title": "English", "payload": "English please"},
        {"title": "中文", "payload": "请说中文"},
    ]
    return {"text": sentences.sentence(language, state), "buttons": buttons}


def _person(language: str) -> dict[str, str]:
    return {"title": sentences.sentence(language, "person"), "payload": "/request_human"}


def _ids(conversation: str, metadata: dict | None) -> list[tuple[str, str]]:
    return privacy.ids_of((metadata or {}).get("shopper"), conversation)
