"""Networks of the transformers library, loaded strictly from local folders and never downloaded.

The library is imported when a function is called, not with this module.
"""

from __future__ import annotations

import contextlib
import importlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from motion_seg_ros.errors import InputError, MissingDependencyError
from motion_seg_ros.networks.tensor_files import first_mismatch

CONFIG_FILE = "config.json"
WEIGHT_FILES = ("model.safetensors", "model.safetensors.index.json")
INSTALL = "pip install 'motion_seg_ros[full]'"


def load_pretrained(kind: str, folder: Path, **settings: Any) -> Any:
    """Load a network: in evaluation mode, on the CPU, float32, parameters without gradient.

    Args:
        kind: name of its class in transformers, such as "Dinov2Model".
        folder: holds config.json and model.safetensors, as `save_pretrained` writes them and as
            they are published. They hold no code.
        settings: override the configuration in the folder.

    Returns:
        An instance of the class.

    Raises:
        InputError: the folder does not exist, is damaged, or holds another network or other
            tensors than its configuration describes.
        MissingDependencyError: transformers, or a package that this network needs, is not
            installed.
    """
    cls = _find_class(kind)
    _check_folder(folder, cls.config_class.model_type)
    with _quiet():
        try:
            model, report = cls.from_pretrained(
                folder,
                dtype="float32",
                local_files_only=True,
                use_safetensors=True,
                ignore_mismatched_sizes=True,  # reported below with all else
                output_loading_info=True,
                **settings,
            )
        except ImportError as error:
            raise _missing(kind, error) from error
        except Exception as error:  # of any kind, for a damaged file
            raise InputError(
                f"{folder}: expected weights of {kind}, found: {type(error).__name__}: {error}; "
                "get them again"
            ) from error
    _check_report(kind, folder, report)
    return model.eval().requires_grad_(False)


def _find_class(kind: str) -> Any:
    try:
        return getattr(importlib.import_module("transformers"), kind)
    except (ImportError, AttributeError, RuntimeError) as error:  # RuntimeError: foreign operators
        raise _missing(kind, error) from error


def _missing(kind: str, error: Exception) -> MissingDependencyError:
    return MissingDependencyError(
        f"{kind}: expected the Python package transformers with all that this network needs, "
        f"found: {_with_causes(error)}; {INSTALL}, or choose profile lite"
    )


def _with_causes(error: BaseException) -> str:
    """Return the messages of an error and its causes: transformers' own only says that a class
    could not be imported."""
    messages: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        words = " ".join(str(cause).split())
        if words and not any(words in each for each in messages):
            messages.append(words)
        cause = cause.__cause__ or cause.__context__
    return ", because: ".join(messages)


def _check_folder(folder: Path, model_type: str) -> None:
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing there"
        raise InputError(
            f"{folder}: expected a folder with {CONFIG_FILE} and {WEIGHT_FILES[0]}, found {found}; "
            "name the folder, or get it with motion_seg weights fetch"
        )
    try:
        config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        found = config["model_type"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"{folder / CONFIG_FILE}: expected the configuration of a network, found: "
            f"{type(error).__name__}: {error}; get the folder again"
        ) from error
    if found != model_type:
        raise InputError(
            f"{folder}: expected weights of the type {model_type}, found {found}; name the folder "
            "of that network"
        )
    if not any((folder / each).is_file() for each in WEIGHT_FILES):
        raise InputError(
            f"{folder}: expected {WEIGHT_FILES[0]}, found no such file; get the folder again"
        )


def _check_report(kind: str, folder: Path, report: Mapping[str, Any]) -> None:
    """Refuse other tensors than those of the network."""
    wrong = first_mismatch(
        missing=sorted(report["missing_keys"]),
        unknown=sorted(report["unexpected_keys"]),
        reshaped=sorted(report["mismatched_keys"]),
    )
    if wrong is None and report["error_msgs"]:
        wrong = report["error_msgs"][0]
    if wrong is not None:
        raise InputError(
            f"{folder}: expected exactly the tensors of {kind} as {CONFIG_FILE} describes it, "
            f"found {wrong}; use weights that belong to this network"
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Suppress progress bars and reports of transformers, which the errors make redundant."""
    logging: Any = importlib.import_module("transformers.utils.logging")
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
