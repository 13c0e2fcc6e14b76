"""What torchrun runs in test_xraysyn_distributed.py: four steps at once, and in two parts."""

from __future__ import annotations

import sys
from pathlib import Path

from safetensors.torch import save_file
from torch import distributed
from xraysyn_samples import small_trainer

from XraySynLib import training
from XraySynLib.distributed import team

training._EVERY = 1
folder = Path(sys.argv[1])
with team() as processes:
    for name, steps, resume in (("whole", 4, False), ("parts", 2, False), ("parts", 4, True)):
        trainer = small_trainer(folder / name, steps, processes)
        if resume:
            trainer.resume()
        trainer.run(lambda line: None)
        save_file(
            {key: value.contiguous() for key, value in trainer.network.state_dict().items()},
            folder / f"{name}-{processes.rank}.safetensors",
        )
        distributed.barrier()  # until the first one has saved
