"""PyTorchUtils (module of the PyTorch extension): installations are recorded in the journal.

For a Slicer without that extension: monkeypatch.setitem(sys.modules, "PyTorchUtils", None).
"""

from __future__ import annotations

import importlib.util

from . import journal


class PyTorchUtilsLogic:
    """Installs torch for the computer it runs on."""

    @staticmethod
    def torchInstalled() -> bool:
        return importlib.util.find_spec("torch") is not None

    @property
    def torch(self):
        if self.torchInstalled():
            import torch

            return torch
        return self.installTorch()

    def installTorch(self, askConfirmation=False, forceComputationBackend=None, torchVersionRequirement=None):
        if askConfirmation and not journal.next_answer():
            return None
        journal.record_message("install", f"torch{torchVersionRequirement or ''}", forceComputationBackend or "")
        return None

    def getDevice(self):
        return self.torch.device("cuda") if self.torch.cuda.is_available() else "cpu"
