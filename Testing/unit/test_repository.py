"""What must hold for the repository as a whole: complete CMake lists, metadata, import rules, file hygiene."""

from __future__ import annotations

import ast
import json
import re
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
RAW = "https://raw.githubusercontent.com/SlicerInverseImaging/SlicerInverseImaging/main/"


def repository_files() -> list[str]:
    """Every file that is or would be committed, relative to the root, with forward slashes."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        output = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True, encoding="utf-8").stdout
        names = output.split("\0")
    except (OSError, subprocess.CalledProcessError):  # an unpacked archive, or no git
        made = re.compile(
            r"(\.git|\.venv|\.\w+_cache|\.hypothesis|build|dist|demo|panels)/|.*(__pycache__|\.egg-info)/"
        )
        names = [path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*")]
        names = [name for name in names if not made.match(name)]
    return sorted(name for name in names if name and (ROOT / name).is_file())


def cmake_text(folder: str = "") -> str:
    return (ROOT / folder / "CMakeLists.txt").read_text(encoding="utf-8")


def cmake_list(text: str, name: str) -> list[str]:
    """The words of set(name ...); a quoted string is one word."""
    word = r'(?:"[^"]*"|[^\s"()]+)'
    body = re.search(rf"^set\({name}((?:\s+{word})*)\s*\)", text, re.MULTILINE)
    assert body, f"set({name} ...) is missing or holds more than words"
    return [found.strip('"') for found in re.findall(word, body[1])]


FILES = repository_files()
TEXTS = [name for name in FILES if Path(name).suffix not in {".png", ".jpg", ".safetensors", ".dcm", ".nrrd", ".mrb"}]
MODULES = re.findall(r"^add_subdirectory\((\w+)\)", cmake_text(), re.MULTILINE)
LIBRARIES = [f"{module}Lib" for module in MODULES]
LIBRARY_FILES = [name for name in FILES if re.fullmatch(r"\w+/\w+Lib/.*\.py", name)]


# CMake


def test_the_extension_has_its_modules():
    assert MODULES[:2] == ["InverseImaging", "CTRestoration"]
    assert sorted(MODULES) == sorted({Path(name).parts[0] for name in FILES if re.fullmatch(r"(\w+)/\1\.py", name)})


@pytest.mark.parametrize("module", MODULES)
def test_every_shipped_file_is_listed(module: str):
    text = cmake_text(module)
    assert cmake_list(text, "MODULE_NAME") == [module]
    scripts, resources = (
        [entry.replace("${MODULE_NAME}", module) for entry in cmake_list(text, name)]
        for name in ("MODULE_PYTHON_SCRIPTS", "MODULE_PYTHON_RESOURCES")
    )
    shipped = {
        name.removeprefix(f"{module}/")
        for name in FILES
        if name.startswith(f"{module}/") and not name.startswith(f"{module}/Testing/")
    } - {"CMakeLists.txt"}
    assert sorted(scripts) == sorted(name for name in shipped if name.endswith(".py"))
    assert sorted(resources) == sorted(name for name in shipped if not name.endswith(".py"))
    assert {f"Resources/Icons/{module}.png", f"Resources/UI/{module}.ui", "Resources/requirements.txt"} <= set(
        resources
    )


@pytest.mark.parametrize("module", MODULES)
def test_slicer_runs_the_tests_of_a_module(module: str):
    text = cmake_text(module)
    assert "WITH_GENERIC_TESTS" in text
    assert "slicer_add_python_unittest(SCRIPT ${MODULE_NAME}.py)" in text
    assert "add_subdirectory(Testing)" in text
    assert cmake_text(f"{module}/Testing").strip() == "add_subdirectory(Python)"
    listed = re.findall(r"^slicer_add_python_unittest\(SCRIPT (\S+)\)", cmake_text(f"{module}/Testing/Python"), re.M)
    folder = f"{module}/Testing/Python/"
    tests = [name.removeprefix(folder) for name in FILES if name.startswith(folder) and name.endswith(".py")]
    assert [name.replace("${MODULE_NAME}", module) for name in listed] == tests


def test_the_extension_metadata_is_complete():
    text = cmake_text()
    assert re.search(r"^project\(InverseImaging\)$", text, re.MULTILINE)
    for name in ("HOMEPAGE", "CONTRIBUTORS", "DESCRIPTION", "ICONURL", "SCREENSHOTURLS", "DEPENDS"):
        words = cmake_list(text, f"EXTENSION_{name}")
        assert len(words) == 1, f"EXTENSION_{name} needs one quoted text"
        assert words[0]
    assert cmake_list(text, "EXTENSION_DEPENDS") == ["PyTorch"]
    # The Extension Wizard adds new modules at this mark.
    assert re.search(r"^add_subdirectory\(\w+\)\n## NEXT_MODULE$", text, re.MULTILINE)


@pytest.mark.parametrize("name", ["EXTENSION_ICONURL", "EXTENSION_SCREENSHOTURLS"])
def test_pictures_of_the_catalog_are_here(name: str):
    for url in cmake_list(cmake_text(), name)[0].split(" "):
        assert url.startswith(RAW)
        assert url.removeprefix(RAW) in FILES


# Slicer's catalog of extensions


def test_catalog_entry_follows_the_schema():
    """The rules of Slicer's slicer-extension-catalog-entry-schema-v1.0.2.json, and of the index beyond them."""
    texts = {"$schema", "category", "scm_url", "scm_revision", "scm_type", "dicom_support_rule", "build_subdirectory"}
    required = {"$schema", "category", "scm_url"}
    entry = json.loads((ROOT / "InverseImaging.json").read_text(encoding="utf-8"))
    assert required <= set(entry) <= texts | {"build_dependencies", "enabled", "tier"}
    assert all(isinstance(entry[key], str) for key in texts & set(entry))
    assert all(isinstance(name, str) for name in entry["build_dependencies"])
    assert entry.get("scm_type", "git") in {"git", "local"}
    assert isinstance(entry.get("enabled", True), bool)
    assert entry.get("tier", 1) in {1, 2, 3, 4, 5}

    schemas = "https://raw.githubusercontent.com/Slicer/Slicer/main/Schemas/"
    assert entry["$schema"] == schemas + "slicer-extension-catalog-entry-schema-v1.0.2.json#"
    assert entry["category"] == "Image Synthesis"
    assert entry["build_dependencies"] == cmake_list(cmake_text(), "EXTENSION_DEPENDS")
    assert entry["scm_url"] == cmake_list(cmake_text(), "EXTENSION_HOMEPAGE")[0] + ".git"
    # The index asks that the repository's name begins with Slicer and the extension's name does not.
    assert re.search(r"/Slicer\w+\.git$", entry["scm_url"])


def test_license_is_apache():
    text = (ROOT / "LICENSE.txt").read_text(encoding="utf-8")
    assert text.split()[:6] == ["Apache", "License", "Version", "2.0,", "January", "2004"]
    assert "END OF TERMS AND CONDITIONS" in text
    assert pyproject()["project"]["license"] == "Apache-2.0"


PAPERS = {
    "CT Image Reconstruction and Optimization with Unsupervised Deep Learning": (["Yin"], None),
    "XraySyn: Realistic View Synthesis From a Single Radiograph Through CT Priors": (
        ["Peng", "Liao", "Wong", "Luo", "Zhou", "Chellappa"],
        2021,
    ),
    "Single-image Tomography: 3D Volumes from 2D Cranial X-Rays": (["Henzler", "Rasche", "Ropinski", "Ritschel"], 2018),
    "CT2RGB: Seeing The True Colors of Computed Tomography Images": (["Liao", "Lin", "Wang", "Sun"], 2022),
    "Recovering medical images from CT film photos": (["Quan", "Wang", "Li", "Du", "Zhou"], None),
}


def test_citation_names_the_software_and_the_five_papers():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["message"]
    assert citation["title"]
    assert citation["license"] == "Apache-2.0"
    assert citation["repository-code"] == cmake_list(cmake_text(), "EXTENSION_HOMEPAGE")[0]
    assert [author["name"] for author in citation["authors"]] == cmake_list(cmake_text(), "EXTENSION_CONTRIBUTORS")
    papers = {
        reference["title"]: ([author["family-names"] for author in reference["authors"]], reference.get("year"))
        for reference in citation["references"]
    }
    assert papers == PAPERS
    # The format knows more kinds; these are the ones in use here.
    assert {reference["type"] for reference in citation["references"]} <= {"article", "conference-paper", "unpublished"}


# Packages


def pyproject() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def package_name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower()


IN_SLICER = {"numpy", "pillow", "scipy", "simpleitk", "pydicom", "requests", "vtk"}
PACKAGE_OF = {"PIL": "pillow", "skimage": "scikit-image", "pywt": "pywavelets"}


def required_in_slicer(module: str) -> set[str]:
    lines = (ROOT / module / "Resources" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return {line for line in lines if line and not line.startswith("#")}


@pytest.mark.parametrize("module", MODULES)
def test_slicer_installs_only_what_it_may(module: str):
    """slicer.packaging gets lower bounds only, and neither torch (PyTorch extension) nor what Slicer itself brings."""
    requirements = required_in_slicer(module)
    assert [line for line in requirements if not re.fullmatch(r"[\w.-]+>=[\d.]+", line)] == []
    names = {package_name(line) for line in requirements}
    assert not names & {"torch", *IN_SLICER}
    assert names <= {package_name(line) for line in pyproject()["project"]["dependencies"]}


def test_all_modules_need_the_same():
    """Slicer's build puts the resources of all modules of an extension into one folder."""
    assert len({(ROOT / module / "Resources" / "requirements.txt").read_bytes() for module in MODULES}) == 1


@pytest.mark.parametrize("module", MODULES)
def test_every_import_of_a_library_is_declared(module: str):
    """In pyproject.toml, and in requirements.txt for Slicer, which has no use for the command line."""
    in_package = {package_name(line) for line in pyproject()["project"]["dependencies"]}
    # torch brings triton where that can be used, numba llvmlite, spekpy matplotlib
    brought = {*IN_SLICER, "torch", "triton", "llvmlite", "matplotlib"}
    in_slicer = {package_name(line) for line in required_in_slicer(module)} | brought
    undeclared = set()
    for name in LIBRARY_FILES:
        if name.startswith(f"{module}/") and name not in MAY_IMPORT:
            roots = set(imported_packages(parse(name))) - sys.stdlib_module_names - set(LIBRARIES)
            packages = {PACKAGE_OF.get(root, root).lower() for root in roots}
            command_line = Path(name).name.startswith("cli")
            undeclared |= {(name, package) for package in packages - (in_package if command_line else in_slicer)}
    assert undeclared == set()


def test_the_pip_package_holds_every_library():
    setuptools = pyproject()["tool"]["setuptools"]["packages"]["find"]
    assert sorted(setuptools["where"]) == sorted({Path(name).parts[0] for name in LIBRARY_FILES})
    command = pyproject()["project"]["scripts"]["inverse-imaging"]
    assert command == "InverseImagingLib.cli:main"
    assert "InverseImaging/InverseImagingLib/cli.py" in FILES
    folders = {str(Path(name).parent.as_posix()) for name in LIBRARY_FILES}
    assert [folder for folder in sorted(folders) if f"{folder}/__init__.py" not in FILES] == []


def test_no_dependency_is_pinned():
    assert [line for line in pyproject()["project"]["dependencies"] if re.search(r"==|<|~", line)] == []


def test_everybody_checks_with_the_same_ruff():
    pinned = re.search(r"^ruff==(\S+)", (ROOT / "requirements-dev.txt").read_text(encoding="utf-8"), re.MULTILINE)
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert pinned
    assert [hook["rev"] for hook in hooks if hook["repo"].endswith("ruff-pre-commit")] == [f"v{pinned[1]}"]


def test_ci_runs_the_test_command_of_the_readme():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "\npython3 dev.py test " in script
    assert "python3 dev.py test" in (ROOT / "README.md").read_text(encoding="utf-8")


# Import rules

SLICER_NAMES = {"slicer", "qt", "ctk", "PythonQt", "PySide6", "PyQt5"}
MAY_IMPORT = {
    "InverseImaging/InverseImagingLib/nodes.py": {"slicer"},
    "InverseImaging/InverseImagingLib/job.py": {"qt"},
    "InverseImaging/InverseImagingLib/panel.py": {"slicer"},
    "InverseImaging/InverseImagingLib/live_panel.py": {"slicer", "qt"},
    "InverseImaging/InverseImagingLib/method_panel.py": {"slicer"},
    "InverseImaging/InverseImagingLib/sections.py": {"slicer", "qt"},
    "InverseImaging/InverseImagingLib/settings.py": {"slicer", "qt"},
    "InverseImaging/InverseImagingLib/volume_view.py": {"slicer"},
    "InverseImaging/InverseImagingLib/xray/scene.py": {"slicer"},
    "CT2RGB/CT2RGBLib/nodes.py": {"slicer"},
    "CT2RGB/CT2RGBLib/scope.py": {"slicer"},
    "CT2RGB/CT2RGBLib/section.py": {"slicer"},
    "FilmRecovery/FilmRecoveryLib/handles.py": {"slicer"},
    "FilmRecovery/FilmRecoveryLib/nodes.py": {"slicer"},
    "FilmRecovery/FilmRecoveryLib/section.py": {"slicer"},
    "FilmRecovery/FilmRecoveryLib/words.py": {"slicer"},
    "XraySyn/XraySynLib/ct_section.py": {"slicer"},
    "XraySyn/XraySynLib/nodes.py": {"slicer"},
    "XraySyn/XraySynLib/radiograph_section.py": {"slicer"},
    "XrayTomography/XrayTomographyLib/nodes.py": {"slicer"},
    "XrayTomography/XrayTomographyLib/section.py": {"slicer"},
}


def imported_packages(tree: ast.AST, *, file_scope_only: bool = False) -> Iterator[str]:
    """The top-level packages that a tree imports by name; relative imports stay within one and are left out."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]
        elif file_scope_only and runs_later(node):
            continue
        else:
            yield from imported_packages(node, file_scope_only=file_scope_only)


def runs_later(node: ast.AST) -> bool:
    """Whether the import of a file leaves the node's body out: functions, and what only type checkers read."""
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in ast.dump(node.test)
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))


def parse(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text(encoding="utf-8"), filename=name)


@pytest.mark.parametrize("name", LIBRARY_FILES)
def test_libraries_know_slicer_and_qt_only_in_few_files(name: str):
    assert set(imported_packages(parse(name))) & SLICER_NAMES <= MAY_IMPORT.get(name, set())


@pytest.mark.parametrize("name", LIBRARY_FILES)
def test_methods_do_not_know_each_other(name: str):
    own = Path(name).parts[1]
    assert set(imported_packages(parse(name))) & set(LIBRARIES) <= {own, "InverseImagingLib"}


@pytest.mark.parametrize("module", MODULES)
def test_modules_load_without_their_packages(module: str):
    allowed = {*sys.stdlib_module_names, "numpy", "vtk", "SimpleITK", "slicer"}
    assert set(imported_packages(parse(f"{module}/{module}.py"), file_scope_only=True)) - allowed == set()


NEEDS_TORCH = {
    f"InverseImaging/InverseImagingLib/xray/{name}.py"
    for name in ("inversion", "joseph_torch", "joseph_triton", "projector", "radiograph", "unet")
} | {name for name in LIBRARY_FILES if Path(name).parent.name in {"training", "evaluation"}}
LIGHT_FILES = [
    name
    for name in LIBRARY_FILES
    if (name.startswith("InverseImaging/") and name not in {*MAY_IMPORT, *NEEDS_TORCH})
    or name.endswith(("/options.py", "/flags.py"))
]


@pytest.mark.parametrize("name", LIGHT_FILES)
def test_library_loads_without_torch_slicer_and_qt(name: str):
    """In a fresh interpreter in which these packages cannot be found."""
    module = ".".join(Path(name).with_suffix("").parts[1:]).removesuffix(".__init__")
    hidden = sorted({"torch", *SLICER_NAMES})
    program = f"import sys; sys.modules.update(dict.fromkeys({hidden!r})); import {module}"
    folders = sorted({str(ROOT / Path(file).parts[0]) for file in LIBRARY_FILES})
    search = f"import sys; sys.path[:0] = {folders!r}; "
    result = subprocess.run([sys.executable, "-c", search + program], capture_output=True, encoding="utf-8")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import a.b\nfrom c import d\nfrom . import e\nfrom .f import g", {"a", "c"}),
        ("try:\n  import a\nexcept ImportError:\n  pass\nclass B:\n  import c", {"a", "c"}),
        ("def f():\n  import a\nif TYPE_CHECKING:\n  import b\nif True:\n  import c", {"c"}),
    ],
)
def test_imports_at_file_scope_are_found(source: str, expected: set[str]):
    assert set(imported_packages(ast.parse(source), file_scope_only=True)) == expected


# Files


@pytest.mark.parametrize("module", MODULES)
def test_icons_have_the_size_that_slicer_expects_and_a_vector_source(module: str):
    data = (ROOT / module / "Resources" / "Icons" / f"{module}.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == (128, 128)
    assert f"Resources/{module}.svg" in FILES


def test_the_extension_has_the_icon_of_its_home_panel():
    icon = ROOT / "InverseImaging" / "Resources" / "Icons" / "InverseImaging.png"
    assert (ROOT / "Resources" / "InverseImaging.png").read_bytes() == icon.read_bytes()


def test_texts_are_utf8_with_unix_line_ends_and_a_final_one():
    def fault(name: str) -> str | None:
        data = (ROOT / name).read_bytes()
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            return "no UTF-8"
        return "CR in a line end" if b"\r" in data else "no final line end" if data and data[-1:] != b"\n" else None

    assert {name: fault(name) for name in TEXTS if fault(name)} == {}


def test_no_file_is_too_large():
    assert [name for name in FILES if (ROOT / name).stat().st_size > 16 * 2**20] == []
    assert sum((ROOT / name).stat().st_size for name in FILES) < 90e6, "the index takes at most 100 MB"


def test_no_path_of_one_machine():
    pattern = re.compile(r"(?<![\w./:-])/(?:work|root|farm)/\w")
    assert [name for name in TEXTS if pattern.search((ROOT / name).read_text(encoding="utf-8"))] == []


def test_links_in_documents_lead_to_files():
    broken = []
    for name in (name for name in FILES if name.endswith(".md")):
        for link in re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", (ROOT / name).read_text(encoding="utf-8")):
            target = (link[0] or link[1]).partition("#")[0]
            if target and "://" not in target and not (ROOT / name).parent.joinpath(target).exists():
                broken.append(f"{name}: {target}")
    assert broken == []
