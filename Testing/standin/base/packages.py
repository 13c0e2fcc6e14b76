"""slicer.packaging: says what is missing; what would be installed is recorded in the journal."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement

from .. import journal


def load_requirements(path: str | Path) -> list[Requirement]:
    """Read a requirements.txt; comments, empty lines and pip options ("-r other.txt") are skipped."""
    lines = (line.strip() for line in Path(path).read_text().splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]


def pip_check(req: str | Requirement | Iterable[str | Requirement]) -> bool:
    """Whether the requirements are installed; requirements for other platforms count as installed."""
    return not _missing(req)


def pip_ensure(
    requirements,
    constraints=None,
    skip_packages=None,
    prompt_install=True,
    prompt_restart=True,
    requester=None,
    skip_in_testing=True,
    show_progress=True,
) -> list[str] | None:
    """Ask for, then record, the installation of what is missing.

    Raises:
        RuntimeError: The user declined.
    """
    import slicer

    missing = [str(requirement) for requirement in _missing(requirements)]
    if not missing or (skip_in_testing and slicer.app.testingEnabled()):
        return None
    if prompt_install and not slicer.util.confirmOkCancelDisplay(f"{requester or 'Slicer'} needs {', '.join(missing)}"):
        raise RuntimeError(f"User declined installation of required packages: {', '.join(missing)}")
    return pip_install(missing, constraints=constraints, skip_packages=skip_packages)


def pip_install(requirements, **options) -> list[str] | None:
    """Record the request; nothing is installed. With `skip_packages`, return the empty list of skipped packages."""
    text = requirements if isinstance(requirements, str) else " ".join(map(str, requirements))
    journal.record_message("install", text, repr(options) if options else "")
    return [] if options.get("skip_packages") else None


def pip_uninstall(requirements, **options) -> None:
    """Record the request."""
    journal.record_message("uninstall", str(requirements))


def isPipInstallInProgress() -> bool:
    """Installations end at once here."""
    return False


def _missing(requirements) -> list[Requirement]:
    if isinstance(requirements, str):
        requirements = requirements.split()
    elif isinstance(requirements, Requirement):
        requirements = [requirements]
    wanted = (each if isinstance(each, Requirement) else Requirement(each) for each in requirements)
    return [each for each in wanted if not _is_installed(each)]


def _is_installed(requirement: Requirement) -> bool:
    if requirement.marker is not None and not requirement.marker.evaluate():
        return True
    try:
        version = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return requirement.specifier.contains(version, prereleases=True)
