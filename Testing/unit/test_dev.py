"""dev.py: what it installs and when, and what it says when something is missing."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """dev.py as a module, at work in a copy of the project's requirements, in a folder with a space in its name."""
    specification = importlib.util.spec_from_file_location("dev", ROOT / "dev.py")
    module = importlib.util.module_from_spec(specification)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    specification.loader.exec_module(module)
    folder = tmp_path / "a folder"
    folder.mkdir()
    for name in ("ROOT", "VENV", "PYTHON", "STAMP", "LOG", "PROJECT", "REQUIREMENTS"):
        monkeypatch.setattr(module, name, folder / getattr(module, name).relative_to(ROOT))
    for path in (module.PROJECT, module.REQUIREMENTS):
        shutil.copy(ROOT / path.name, path)
    return module


@pytest.fixture
def done(dev, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What set_up did, in short words, instead of making an environment and running pip."""
    actions: list[str] = []

    def make_venv() -> None:
        shutil.rmtree(dev.VENV, ignore_errors=True)
        dev.PYTHON.parent.mkdir(parents=True)
        dev.PYTHON.touch()
        actions.append("venv")

    def step(name: str, arguments: list[str], *, optional: bool = False) -> bool:
        actions.append("torch" if arguments[0].startswith("torch==") else "project")
        return True

    monkeypatch.setattr(dev, "make_venv", make_venv)
    monkeypatch.setattr(dev, "step", step)
    return actions


ALL = ["venv", "torch", "project"]


def test_the_first_run_installs_and_the_second_does_nothing(dev, done):
    dev.set_up()
    assert done == ALL
    dev.set_up()
    assert done == ALL


@pytest.mark.parametrize("name", ["PROJECT", "REQUIREMENTS"])
def test_changed_requirements_are_installed_into_what_is_there(dev, done, name):
    dev.set_up()
    path = getattr(dev, name)
    path.write_text(path.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
    dev.set_up()
    assert done == [*ALL, "torch", "project"]


def test_another_python_gets_a_new_environment(dev, done, monkeypatch):
    dev.set_up()
    monkeypatch.setattr(dev.sys, "version_info", (3, 99, 0))
    dev.set_up()
    assert done == ALL * 2


def test_a_moved_checkout_gets_a_new_environment(dev, done, monkeypatch):
    dev.set_up()
    monkeypatch.setattr(dev, "ROOT", dev.ROOT / "elsewhere")
    dev.set_up()
    assert done == ALL * 2


@pytest.mark.parametrize("stamp", ["", "{", "[]", '"text"'])
def test_a_damaged_stamp_gets_a_new_environment(dev, done, stamp):
    dev.set_up()
    dev.STAMP.write_text(stamp, encoding="utf-8")
    dev.set_up()
    assert done == ALL * 2


@pytest.mark.parametrize("updating", [False, True])
def test_after_an_interrupted_installation_the_environment_is_made_anew(dev, done, monkeypatch, updating):
    if updating:
        dev.set_up()
        dev.PROJECT.write_text("changed", encoding="utf-8")

    def interrupted(name: str, arguments: list[str], *, optional: bool = False) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(dev, "step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            dev.set_up()
    done.clear()
    dev.set_up()
    assert done == ALL


CPU = ["torch==1.2.3+cpu", "--extra-index-url", "https://download.pytorch.org/whl/cpu"]
CUDA = ["torch==1.2.3+cu130", "--extra-index-url", "https://download.pytorch.org/whl/cu130"]
ORDINARY = ["torch==1.2.3"]


@pytest.mark.parametrize(
    ("system", "gpu", "expected"),
    [
        ("Linux", False, [CPU, ORDINARY]),
        ("Linux", True, [ORDINARY]),
        ("Windows", False, [ORDINARY]),
        ("Windows", True, [CUDA, ORDINARY]),
        ("Darwin", False, [ORDINARY]),
    ],
)
def test_the_build_of_torch_fits_the_machine(dev, system, gpu, expected):
    assert [arguments[:3] for _, arguments in dev.torch_choices("1.2.3", system, gpu)] == expected


@pytest.mark.parametrize(("to_be_had", "tried"), [("+cpu", 1), ("", 2)])
def test_the_ordinary_torch_is_taken_where_the_fitting_one_is_out_of_reach(dev, monkeypatch, to_be_had, tried):
    wanted = f"torch=={dev.torch_version()}"
    requirements = []

    def step(name: str, arguments: list[str], *, optional: bool = False) -> bool:
        requirements.append(arguments[0])
        assert optional == (arguments[0] != wanted)
        return arguments[0] == wanted + to_be_had

    monkeypatch.setattr(dev, "step", step)
    monkeypatch.setattr(dev.platform, "system", lambda: "Linux")
    monkeypatch.setattr(dev, "has_nvidia_gpu", lambda: False)
    dev.install_torch()
    assert requirements == [wanted + "+cpu", wanted][:tried]


def test_a_driver_without_a_gpu_is_no_gpu(dev, monkeypatch):
    monkeypatch.setattr(dev.shutil, "which", lambda program: sys.executable)  # Python knows no option -L and fails
    assert not dev.has_nvidia_gpu()


def test_an_environment_is_made_where_the_path_has_a_space(dev):
    dev.make_venv()
    program = "import sys; print(sys.prefix != sys.base_prefix)"
    assert subprocess.check_output([dev.PYTHON, "-c", program], text=True).strip() == "True"


def test_a_python_without_venv_is_told_what_to_install(dev, monkeypatch):
    monkeypatch.setattr(dev.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(dev.Failure, match="apt-get install -y python3-venv"):
        dev.make_venv()


def test_what_pip_says_is_kept_and_its_failure_named(dev, monkeypatch, capsys):
    dev.VENV.mkdir()
    monkeypatch.setattr(dev, "PYTHON", Path(sys.executable))
    assert dev.step("Nonsense", ["no such requirement"], optional=True) is False
    with pytest.raises(dev.Failure, match=r"could not install Nonsense .*install\.log"):
        dev.step("Nonsense", ["no such requirement"])
    assert "Invalid requirement" in dev.LOG.read_text(encoding="utf-8")
    assert "Invalid requirement" in capsys.readouterr().out


def test_a_missing_system_library_is_named_with_the_command_that_installs_it(dev, monkeypatch):
    error = "libEGL.so.1: cannot open shared object file: No such file or directory"
    monkeypatch.setattr(dev, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(dev, "IMPORT_CHECK", f"raise ImportError({error!r})")
    with pytest.raises(dev.Failure, match=r"lacks the system library libEGL\.so\.1; .*apt-get install -y libegl1 "):
        dev.check_libraries()


def test_other_trouble_with_qt_is_told_as_it_is(dev, monkeypatch):
    monkeypatch.setattr(dev, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(dev, "IMPORT_CHECK", "import no_such_package")
    with pytest.raises(dev.Failure, match="No module named 'no_such_package'"):
        dev.check_libraries()


def test_ci_installs_what_dev_names(dev):
    assert dev.LIBRARIES in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_every_folder_of_tests_is_run(dev):
    run = [name for command in dev.commands("test", []) for name in command if name.startswith("Testing/")]
    folders = {path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("Testing/*/test_*.py")}
    assert sorted(run) == sorted(folders)


def test_arguments_reach_the_job(dev):
    assert dev.commands("test", ["-k", "image"]) == [["-m", "pytest", "-k", "image"]]
    assert dev.commands("demo", ["--seed", "1"])[0][-2:] == ["--seed", "1"]
    assert [command[1:] for command in dev.commands("lint", ["--fix"])] == [
        ["ruff", "check", "--fix"],
        ["ruff", "format"],
        ["mypy"],
    ]
    with pytest.raises(dev.Failure, match="lint knows only --fix"):
        dev.commands("lint", ["--nonsense"])


def test_every_program_runs_and_the_worst_exit_code_is_returned(dev, monkeypatch, tmp_path):
    programs = [["-c", "raise SystemExit(3)"], ["-c", f"open({str(tmp_path / 'ran')!r}, 'w')"]]
    monkeypatch.setattr(dev, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(dev, "set_up", lambda: None)
    monkeypatch.setattr(dev, "commands", lambda job, extra: programs)
    assert dev.main(["lint"]) == 3
    assert (tmp_path / "ran").exists()


def run_dev(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(ROOT / "dev.py"), *arguments], capture_output=True, text=True)


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_without_a_job_it_prints_the_jobs(dev, arguments):
    result = run_dev(*arguments)
    assert result.returncode == 0
    assert all(f"python3 dev.py {job}" in result.stdout for job in dev.JOBS)


def test_an_unknown_job_is_refused_in_one_sentence():
    result = run_dev("nonsense")
    assert result.returncode == 1
    assert result.stderr == "dev.py: There is no job 'nonsense'; choose one of demo, test, panels, lint.\n"


@pytest.mark.parametrize("numbers", [(3, 9, 18), (3, 14, 0)])
def test_a_python_of_another_version_is_refused_in_one_sentence(dev, monkeypatch, numbers):
    monkeypatch.setattr(dev.sys, "version_info", numbers)
    with pytest.raises(dev.Failure, match=r"needs Python 3\.10 to 3\.13, but this is "):
        dev.main(["test"])
