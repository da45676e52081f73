"""Rules over several fields, asked of those that are valid alone (``sound``): what is wrong, and what would mend it."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final

from pydantic import BaseModel

from llm_explorer import hardware as hardware_table
from llm_explorer.config.problems import Problem, limits, nearest_divisors, shown

_DEVICE: Final = re.compile(r"cpu|meta|mps|cuda(:[0-9]{1,3})?")


def model_problems(config: type[BaseModel], sound: Mapping[str, Any]) -> Iterable[Problem]:
    """What of a model's fields does not go together; ``config`` has their limits and defaults."""
    yield from _head_problems(config, sound)
    yield from _position_problems(sound)
    yield from _expert_problems(config, sound)
    yield from _norm_problems(sound)
    yield from _window_problems(sound)


def run_problems(sound: Mapping[str, Any]) -> Iterable[Problem]:
    """Devices and hardware that are not known."""
    device, hardware = sound.get("device"), sound.get("hardware")
    if device is not None and not _DEVICE.fullmatch(device):
        message = f"device={shown(device)} is not a device; write cpu, meta, mps, cuda or cuda:0"
        yield Problem("device", device, message, (("device", "cpu"),))
    if hardware is not None and hardware_table.find(hardware) is None:
        near = get_close_matches(hardware[:40], hardware_table.names(), n=3, cutoff=0.4)
        message = (
            f"hardware={shown(hardware)} is not known; write {hardware_table.THIS_MACHINE!r}, a size such as "
            f"24GiB, or a name such as {', '.join(near or hardware_table.names()[:3])}"
        )
        yield Problem("hardware", hardware, message, (("hardware", hardware_table.THIS_MACHINE),))


def _head_problems(config: type[BaseModel], sound: Mapping[str, Any]) -> Iterable[Problem]:
    width, heads, kv_heads = sound.get("emb_dim"), sound.get("n_heads"), sound.get("n_kv_heads")
    if width and heads and sound.get("head_dim", 0) is None and width % heads:
        nearest = nearest_divisors(width, heads, limits(config, "n_heads")["le"])
        message = (
            f"n_heads={heads} does not divide emb_dim={width}: {width} / {heads} = {width / heads:.4g}; "
            f"nearest that do: {', '.join(map(str, nearest))}"
        )
        wider = max(1, round(width / heads)) * heads
        fixes = tuple(("n_heads", value) for value in nearest)
        if wider <= limits(config, "emb_dim")["le"]:
            fixes = (*fixes, ("emb_dim", wider))
        yield Problem("n_heads", heads, message, fixes)
    if heads and kv_heads and heads % kv_heads:
        nearest = nearest_divisors(heads, kv_heads, heads)
        message = (
            f"n_kv_heads={kv_heads} does not divide n_heads={heads}: {heads} / {kv_heads} = {heads / kv_heads:.4g}, "
            f"but as many heads of queries must share each; nearest that do: {', '.join(map(str, nearest))}"
        )
        yield Problem("n_kv_heads", kv_heads, message, tuple(("n_kv_heads", value) for value in nearest))


def _position_problems(sound: Mapping[str, Any]) -> Iterable[Problem]:
    needed = "emb_dim", "n_heads", "head_dim", "positions", "rope_share"
    if not all(name in sound for name in needed) or sound["positions"] != "rope":
        return
    head = sound["head_dim"] or sound["emb_dim"] // sound["n_heads"]
    share = sound["rope_share"]
    if not _can_rotate(head, share):
        rotated = int(head * share)
        message = (
            f"positions=rope turns pairs of a head's values, but {rotated} of {head} is no even number of at least 2: "
            f"choose heads of an even width, or another rope_share"
        )
        even = max(2, head + head % 2)
        fixes: list[tuple[str, Any]] = [("head_dim", even)] if _can_rotate(even, share) else []
        fixes += [("rope_share", 1.0)] if _can_rotate(head, 1.0) else []
        yield Problem("positions", "rope", message, (*fixes, ("positions", "learned")))


def _can_rotate(head: int, share: float) -> bool:
    return int(head * share) >= 2 and int(head * share) % 2 == 0


def _norm_problems(sound: Mapping[str, Any]) -> Iterable[Problem]:
    residual, place = sound.get("residual"), sound.get("norm_place")
    if residual in ("parallel", "parallel_one_norm") and place in ("post", "sandwich"):
        message = (
            f"norm_place={place} does not go with residual={residual}: layers side by side have their norms before "
            f"them; use norm_place=pre, or residual=sequential"
        )
        yield Problem("norm_place", place, message, (("norm_place", "pre"), ("residual", "sequential")))


def _expert_problems(config: type[BaseModel], sound: Mapping[str, Any]) -> Iterable[Problem]:
    if "n_experts" not in sound:
        return
    experts, active = sound["n_experts"], sound.get("n_active_experts")
    if experts is not None and sound.get("mlp_bias"):
        message = f"mlp_bias=True does not go with n_experts={experts}: experts have no biases; leave mlp_bias out"
        yield Problem("mlp_bias", True, message, (("mlp_bias", None), ("n_experts", None)))
    if experts is None:
        for field in ("n_active_experts", "expert_hidden_dim", "n_shared_experts"):
            value = sound.get(field)
            if value:
                message = f"{field}={value} is about experts, but n_experts is none: give n_experts, or leave it out"
                default = config.model_fields[field].default
                yield Problem(field, value, message, (("n_experts", 8), (field, default)))
    elif active is not None and active > experts:
        message = f"n_active_experts={active} is more than n_experts={experts}: a token can go to {experts} at most"
        yield Problem("n_active_experts", active, message, (("n_active_experts", experts), ("n_experts", active)))


def _window_problems(sound: Mapping[str, Any]) -> Iterable[Problem]:
    if sound.get("full_attention_every") and "sliding_window" in sound and sound["sliding_window"] is None:
        every = sound["full_attention_every"]
        message = (
            f"full_attention_every={every} says which layers have no window, but sliding_window is none: "
            f"give sliding_window a width such as 1024, or leave full_attention_every out"
        )
        yield Problem(
            "full_attention_every", every, message, (("sliding_window", 1024), ("full_attention_every", None))
        )
