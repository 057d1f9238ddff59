"""How the jobs of a campaign stand: arms x seeds, and each job without a result with its reason."""

from dataclasses import dataclass

from runaudit.campaign.answer import CampaignAnswer
from runaudit.report.inputs import ArmInput
from runaudit.report.views.arm import letter
from runaudit.report.words import Text, clean, sentence, shown
from runaudit.text.verdicts import verdict_words

_OPEN = ("stopped",)
"""Verdicts behind which a command runs the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignView:
    """A campaign in words, those of the terminal. arms: each arm of its file with its letter on the page, empty where
    no job was launched, its seeds, and how its jobs stand; notes: what is to be known of single jobs; goes_on: the
    command that runs the rest, empty where nothing is left to run."""

    name: Text
    tone: str
    badge: str
    headline: str
    arms: tuple[tuple[str, Text, str, str], ...]
    notes: tuple[str, ...]
    goes_on: str


def campaign_view(answer: CampaignAnswer, arms: tuple[ArmInput, ...]) -> CampaignView:
    """The jobs of `answer` beside the arms of the page."""
    word, _, said = answer.headline.partition(": ")
    letters = {run.id: letter(place) for place, arm in enumerate(arms) for run in arm.runs}
    rows = []
    for arm in answer.plan.arms:
        label, seeds, jobs = answer.row(arm)
        launched = answer.history.of_arm(arm.id)
        at = next((letters[run.id] for run in launched if run.id in letters), "")
        rows.append((at, shown(label, 56), clean(seeds), clean(jobs)))
    return CampaignView(
        name=shown(answer.plan.name, 90),
        tone=verdict_words("campaign", answer.verdict).tone,
        badge=clean(word),
        headline=sentence(clean(said)),
        arms=tuple(rows),
        notes=tuple(clean(note) for note in answer.notes(None, missing=False)),
        goes_on=clean(answer.next_command) if answer.verdict in _OPEN else "",
    )
