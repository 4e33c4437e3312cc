"""Drafts as screens say them: their states, and what each step did."""

from dataclasses import dataclass
from typing import Any

from api.web import words
from api.web.words import LEVELS, Language
from geo.faults import Fault
from layers.catalogue import SPECS
from layers.tables import DraftStep

STATUSES: dict[str, tuple[str, str]] = {
    "open": ("编辑中", "Open"),
    "submitted": ("待审核", "Submitted"),
    "approved": ("已批准", "Approved"),
    "scheduled": ("待定时发布", "Scheduled"),
    "published": ("已发布", "Published"),
    "discarded": ("已作废", "Discarded"),
}

KINDS: dict[str, tuple[str, str]] = {
    "edit": ("编辑", "Edit"),
    "feature": ("要素写入", "Features written"),
    "transaction": ("批量写入", "Transaction"),
    "import": ("导入文件", "File imported"),
    "rebase": ("换到新基准", "Rebased"),
}

#: Writes of single features, as :mod:`layers.features.writing` records them.
WRITES: dict[str, tuple[str, str]] = {
    "create": ("新增要素", "Feature created"),
    "change": ("修改要素", "Feature changed"),
    "remove": ("删除要素", "Feature removed"),
}

EDITS: dict[str, tuple[str, str]] = {
    "move_vertices": ("移动界点", "Move vertices"),
    "redraw": ("重划界线", "Redraw a border"),
    "split": ("分割", "Split"),
    "merge": ("合并", "Merge"),
    "transfer": ("划转", "Transfer a piece"),
    "fill_gap": ("填补缝隙", "Fill a gap"),
    "trim_overlap": ("消除重叠", "Trim an overlap"),
    "snap": ("贴合界线", "Snap"),
    "insert_node": ("插入节点", "Insert a node"),
}


@dataclass(frozen=True, slots=True)
class Deed:
    """What can be done with a draft as a whole: its name, what it means, and what is to be said about it.

    ``said`` is None where nothing is asked; ``required`` tells whether it may be left empty.
    """

    name: tuple[str, str]
    means: tuple[str, str]
    said: tuple[str, str] | None = None
    required: bool = False

    def in_language(self, language: Language) -> dict[str, object]:
        """Return what the browser asks with."""
        return {
            "name": words.choose(self.name, language),
            "means": words.choose(self.means, language),
            "said": None if self.said is None else words.choose(self.said, language),
            "required": self.required,
        }


DEEDS: dict[str, Deed] = {
    "submit": Deed(
        ("提交审核", "Submit"),
        (
            "提交后不能再改，须先撤回。由另一人审核。",
            "It cannot be changed any more unless it is withdrawn. Another person reviews it.",
        ),
    ),
    "withdraw": Deed(
        ("撤回编辑", "Withdraw"),
        (
            "退回编辑状态；已有的批准与定时随之失效。",
            "It is open again; an approval and a stated time lapse.",
        ),
    ),
    "approve": Deed(
        ("批准", "Approve"),
        ("批准后即可发布。", "It may be published then."),
        ("审核意见（可空）", "What you say about it (optional)"),
    ),
    "reject": Deed(
        ("退回", "Reject"),
        ("草稿退回编辑，作者会看到原因。", "The draft is open again, and its author reads why."),
        ("原因（必填）", "Why (required)"),
        required=True,
    ),
    "publish": Deed(
        ("发布", "Publish"),
        (
            "作为一个修订发布：新增或变大的缺陷会使发布被拒绝；未办结的事件随新界线改属。",
            "It is published as one revision. A defect that is new or larger refuses it; open incidents follow the new borders.",
        ),
        ("修订说明（可空）", "Note of the revision (optional)"),
    ),
    "rebase": Deed(
        ("换到最新基准", "Rebase"),
        (
            "把草稿的改动合并到最新修订上；双方都改过的地方会逐一列出，由您选择。此前的步骤不能再撤销。",
            "Its changes are merged onto the newest revision. What both sides changed is listed, for you to choose. Steps before cannot be undone any more.",
        ),
    ),
    "discard": Deed(
        ("作废", "Discard"),
        ("草稿仍可查看，但不能再编辑或发布。", "It can still be read, and neither changed nor published."),
    ),
}


def told(step: DraftStep) -> tuple[str, str]:
    """Return what a step was, in Chinese and English: the edit or write with its codes, else its kind."""
    said = step.said
    if "write" in said:
        write, layer = WRITES[said["write"]], SPECS[said["layer"]]
        return f"{write[0]} · {layer.zh} {said['code']}", f"{write[1]} · {layer.en} {said['code']}"
    if step.kind != "edit":
        return KINDS[step.kind]
    edit, level = EDITS[said["edit"]], LEVELS[said["level"]]
    single = (said[field] for field in ("code", "other", "to") if field in said)
    codes = " ".join([*single, *said.get("codes", ())])
    return f"{edit[0]} · {level[0]} {codes}".rstrip(), f"{edit[1]} · {level[1].lower()} {codes}".rstrip()


def counted(step: DraftStep) -> list[tuple[str, str, int, int]]:
    """Return by layer how many features a step wrote and removed: names in Chinese and English, and both numbers."""
    return [
        (SPECS[layer].zh, SPECS[layer].en, counts["upserts"], counts["removed"])
        for layer, counts in step.counts.items()
    ]


def refused(refusal: dict[str, Any]) -> list[tuple[str, str]]:
    """Return why a publication at a stated time was refused, fault by fault, in Chinese and English."""
    faults = [Fault(**fault) for fault in refusal["faults"]]
    if not faults:
        return [(refusal["detail"], refusal["detail"])]
    return [(f"{fault.title[0]}：{fault.message}", f"{fault.title[1]}: {fault.message}") for fault in faults]
