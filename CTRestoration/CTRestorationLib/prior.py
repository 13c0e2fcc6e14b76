"""The shipped prior: its weights, the manifest that vouches for them, and reading both."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch

from .prior_network import PriorNetwork

FOLDER = Path(__file__).parent / "prior"
DENOISE, FILL, REFINE = NETWORKS = ("denoise", "fill", "refine")  # refine: super-resolution


def write_prior(name: str, network: PriorNetwork, folder: Path, settings: dict[str, Any]) -> None:
    """Write the weights (fp16) as name.safetensors and the manifest with their SHA-256 as name.json.

    settings: "channels" and "scales" of the network, and whatever else the manifest shall tell.
    """
    from safetensors.torch import save

    data = save({k: v.detach().to(torch.float16).contiguous() for k, v in network.state_dict().items()})
    (folder / f"{name}.safetensors").write_bytes(data)
    manifest = {
        "file": f"{name}.safetensors",
        "sha256": hashlib.sha256(data).hexdigest(),
        "parameters": sum(p.numel() for p in network.parameters()),
        **settings,
    }
    (folder / f"{name}.json").write_text(json.dumps(manifest, indent=2) + "\n")


def read_prior(name: str, folder: Path | None = None) -> tuple[PriorNetwork | None, dict[str, Any], str]:
    """One of NETWORKS with the shipped weights, its manifest, and "".

    Without usable weights: None, an empty manifest, and a sentence that says why.
    """
    folder = folder or FOLDER
    try:
        manifest = json.loads((folder / f"{name}.json").read_text())
        data = (folder / manifest["file"]).read_bytes()
    except (OSError, ValueError, KeyError):
        return None, {}, f"No trained prior '{name}' is in {folder}; the network started from random weights."
    if hashlib.sha256(data).hexdigest() != manifest["sha256"]:
        return None, {}, f"The prior '{name}' does not match its manifest; the network started from random weights."
    try:
        from safetensors.torch import load
    except ImportError:
        return None, {}, "The package safetensors is missing; the network started from random weights."
    network = PriorNetwork(manifest["channels"], manifest["scales"])
    network.load_state_dict({k: v.float() for k, v in load(data).items()})
    return network, manifest, ""
