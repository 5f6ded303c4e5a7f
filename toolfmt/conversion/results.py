"""Tool results from one spelling to another, each linked with the call that it answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from toolfmt.api import Written, prove, render, write
from toolfmt.conversion.links import Link, Links
from toolfmt.errors import UnrepresentableError
from toolfmt.format import Format
from toolfmt.ir import ToolResult, build_message, build_result
from toolfmt.layouts.base import Places, Turn
from toolfmt.report import Loss

__all__ = ["ResultRewriter", "at_turn"]


@dataclass(slots=True)
class ResultRewriter:
    """Rewrites the turns of one row that hold results, and notes what it lost."""

    source: Format | None
    """The format of calls in text; None where no text holds calls."""
    target: Format | None
    """The format to write; None to set calls in fields."""
    places: Places = field(default=Places(), kw_only=True)
    """What the layout to write has a place for, where calls stand in fields."""
    losses: list[Loss] = field(default_factory=list, kw_only=True)
    notices: list[Loss] = field(default_factory=list, kw_only=True)
    links: Links = field(default_factory=Links, kw_only=True)

    _unproved: list[tuple[str, Written]] = field(default_factory=list, kw_only=True)

    def lose(self, kind: str, path: str, detail: str) -> None:
        self.losses.append(Loss(kind, path, detail=detail))

    def notice(self, kind: str, path: str, detail: str) -> None:
        self.notices.append(Loss(kind, path, detail=detail))

    def written(self, turn: Turn, written: Written) -> str:
        """The text, whose proof is to come: see `prove`."""
        self._unproved.append((turn.path, written))
        return written.text

    def prove(self) -> None:
        """Read back what was written; UnrepresentableError says where it is not read as it was meant."""
        for path, written in self._unproved:
            try:
                prove(written)
            except UnrepresentableError as error:
                raise at_turn(path, error) from None

    def holds_results(self, turn: Turn) -> bool:
        """Whether a user's text is nothing but marked tool results."""
        return self.source is not None and bool(self.source.result_opens) and bool(self._read_results(turn))

    def _read_results(self, turn: Turn) -> list[ToolResult] | None:
        if turn.structured:
            return [build_result(turn.text or "", turn.name, turn.call_id)]
        if self.source is None or turn.text is None:
            return None
        return self.source.read_results(turn.text)

    def results(self, turns: Sequence[Turn]) -> list[Turn]:
        """Results that follow one another; one that cannot be read stays as it is, in its place."""
        made: list[Turn] = []
        links: list[Link] = []
        for turn in turns:
            results = self._read_results(turn)
            if results is None and self.target is None and turn.text is not None:
                results = [build_result(turn.text, turn.name)]
            if results is None:
                made += self._written(links)
                links = []
                self.links.skip()
                made.append(turn)
            else:
                links += [self._link(turn, result) for result in results]
        return made + self._written(links)

    def _link(self, turn: Turn, result: ToolResult) -> Link:
        """The result and its call, and what the target cannot say of it."""
        link = self.links.link(turn, result)
        call, target = link.call, self.target
        if result.call_id and (call is None or call.id != result.call_id) and not (target is None and self.places.ids):
            self.lose("id", turn.path, f"'{result.call_id}' is the id of no call before this result, and dropped")
        if result.name is not None and call is not None and result.name != call.name and target is not None and not target.limits.result_names:
            self.lose("name", turn.path, f"the result's name `{result.name}` is dropped, and the call it follows is to `{call.name}`")
        return link

    def _written(self, links: list[Link]) -> list[Turn]:
        """The results as the target writes them, those of one message together."""
        target = self.target
        if not (self.places.ids if target is None else target.limits.ids):
            named = self.places.result_names if target is None else target.limits.result_names
            given = target is None and self.places.given_names
            links = self.links.tell_apart(links, "all" if named else "given" if given else "none", self.notice, self.lose)
        if target is None:
            return [self._structured_result(link) for link in links]
        if len(links) == 1:
            return self._texts(links, target)
        made: list[Turn] = []
        for _, group in groupby(links, key=lambda link: id(link.turn)):
            made += self._texts(list(group), target)
        return made

    def _texts(self, links: Sequence[Link], target: Format) -> list[Turn]:
        turn = links[0].turn
        texts = list(self._write_results(turn, links, target))
        role = turn.role
        if role == "user" and not target.result_opens:
            role = "tool"
            self.notice("role", turn.path, f"a tool result has role `tool` now: {target.name} does not mark results in the text")
        made = [turn, *(turn.copy() for _ in texts[1:])]
        for one, text in zip(made, texts, strict=True):
            one.role, one.text, one.call_id, one.structured, one.changed = role, text, None, False, True
        return made

    def _write_results(self, turn: Turn, linked: Sequence[Link], target: Format) -> Iterator[str]:
        named, with_ids = target.limits.result_names, bool(target.limits.ids)
        results = [build_result(link.result.content, link.name if named else None, link.new_id if with_ids else None) for link in linked]
        if named and None in [result.name for result in results]:
            raise UnrepresentableError(turn.path, f"{target.name} writes the tool's name with a result, and no call stands before this one")
        together = [results] if target.result_opens else [[result] for result in results]
        try:
            for group in together:
                if len(group) == 1:
                    yield self.written(turn, write(build_message(group, "tool"), target))
                    continue
                try:
                    written = [render(group, target)]
                except UnrepresentableError:
                    written = [render([result], target) for result in group]  # a message each
                yield from written
        except UnrepresentableError as error:
            raise at_turn(turn.path, error) from None

    def _structured_result(self, link: Link) -> Turn:
        turn, call_id = link.turn, link.result.call_id or link.new_id
        if call_id is None and self.places.ids and self.places.new_ids:
            self.notice("id", turn.path, "a tool result without an id: no call stands before it")
        said = self.places.result_names or turn.name is not None or link.call is None or link.name != link.call.name
        guessed = self.places.ids and link.result.call_id and link.call is not None and link.call.id != link.result.call_id
        name = link.result.name if guessed else link.name if said else None
        call_id = call_id if self.places.ids else None
        made = turn if turn.structured else turn.copy()  # a text may hold several results
        made.changed = not turn.structured or call_id != turn.call_id or name != turn.name or bool(turn.notes)
        made.role, made.text, made.call_id, made.name, made.structured = "tool", link.result.content, call_id, name, True
        return made


def at_turn(path: str, error: UnrepresentableError) -> UnrepresentableError:
    """The error of a message, said of its turn."""
    return UnrepresentableError(path + error.path.removeprefix("$"), error.reason)
