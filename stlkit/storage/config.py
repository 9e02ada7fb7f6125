"""``config.json``: what a person prefers, remembered from one session to the next."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from stlkit.errors import NewerVersionError, OptionError, StateFileError
from stlkit.files import encode_json, open_regular_file, printable, read_json, write_atomically
from stlkit.model.encoding import explain, from_plain, to_plain
from stlkit.model.options import CleanupOptions, OutputSettings, RenderOptions, ValidationOptions
from stlkit.storage.migration import (
    CONFIG_VERSION,
    StateMigration,
    is_newer_major,
    is_older,
    keep_before_migration,
    shown_version,
    version_of,
)

MOST_RECENT = 10
LARGEST_BYTES = 1 << 20
LARGEST_IMAGE_BYTES = 1 << 28
IMAGE_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF")  # those that are drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class UserConfig:
    """Preferences.

    Parameters
    ----------
    render_options, validation_options, output_settings : dict
        Only what differs from the defaults.
    cleanup : dict
        What the home folder keeps, as in `stlkit.model.options.CleanupOptions`; only what differs from the defaults.
    recent_folders : tuple of Path
        Newest first.
    last_background_image : Path or None
        As it was chosen; `usable_background_image` says whether it still can be.
    panel : dict
        Layout of the notebook panel.
    unknown : dict
        Keys this version does not know, kept and written back.
    """

    version: str = CONFIG_VERSION
    render_options: dict[str, Any] = field(default_factory=dict)
    validation_options: dict[str, Any] = field(default_factory=dict)
    output_settings: dict[str, Any] = field(default_factory=dict)
    cleanup: dict[str, Any] = field(default_factory=dict)
    recent_folders: tuple[Path, ...] = ()
    last_background_image: Path | None = None
    panel: dict[str, Any] = field(default_factory=dict)
    unknown: dict[str, Any] = field(default_factory=dict)

    def with_recent_folder(self, folder: Path) -> UserConfig:
        """Return preferences that name `folder` as the one used last."""
        others = tuple(path for path in self.recent_folders if path != folder)
        return replace(self, recent_folders=(folder, *others)[:MOST_RECENT])

    def with_background_image(self, path: Path) -> UserConfig:
        """Return preferences that name `path` as the background image used last.

        Raises
        ------
        OptionError
            It is no picture that can be used; the message says why.
        """
        if (problem := background_image_problem(path)) is not None:
            raise OptionError(problem, field="background_image")
        return replace(self, last_background_image=path)

    def usable_background_image(self) -> Path | None:
        """Return the background image used last, if it is still there and still a picture."""
        path = self.last_background_image
        return path if path is not None and background_image_problem(path) is None else None


def background_image_problem(path: Path) -> str | None:
    """Say what is wrong with a picture, without unpacking it; None where nothing is.

    Parameters
    ----------
    path : Path

    Returns
    -------
    str or None
    """
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - few sessions ask

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with (
                open_regular_file(path, limit_bytes=LARGEST_IMAGE_BYTES) as stream,
                Image.open(stream, formats=IMAGE_FORMATS) as image,
            ):
                image.verify()
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        return f"{printable(path)} is too large: {error}"
    except UnidentifiedImageError:
        return f"{printable(path)} is not a picture that can be read ({', '.join(IMAGE_FORMATS)})"
    except FileNotFoundError:
        return f"{printable(path)} does not exist any more"
    except (OSError, ValueError, SyntaxError) as error:  # Pillow's readers raise all of these for damaged files
        return f"{printable(path)} cannot be read: {error}"
    return None


def load_config(path: Path) -> UserConfig:
    """Read the preferences; those of before the version field are brought up to date.

    Parameters
    ----------
    path : Path
        ``config.json``; defaults where it is missing.

    Returns
    -------
    UserConfig

    Raises
    ------
    StateFileError
        The file is damaged.
    NewerVersionError
        It comes from a newer major version.
    """
    if not path.exists():
        return UserConfig()
    try:
        data = read_json(path, limit_bytes=LARGEST_BYTES)
        version = version_of(data)
        if is_newer_major(version, CONFIG_VERSION):
            raise _newer(path, version)
        data = StateMigration().migrate_user_config(data, version)
        known = {key: data.pop(key) for key in list(data) if key in UserConfig.__slots__ and key != "unknown"}
        return _checked(from_plain(UserConfig, {**known, "unknown": data}))
    except (ValueError, TypeError, AttributeError) as error:
        text, field_path = explain(error) if isinstance(error, ValueError) else (str(error), None)
        raise StateFileError(
            f"{path} cannot be used: {text}{f' at {field_path}' if field_path else ''}; mend or delete it",
            path=path,
            field=field_path,
        ) from error


def _checked(config: UserConfig) -> UserConfig:
    groups = {
        "render_options": RenderOptions(),
        "validation_options": ValidationOptions(),
        "output_settings": OutputSettings(),
        "cleanup": CleanupOptions(),
    }
    for name, group in groups.items():
        try:
            group.merged(getattr(config, name))
        except OptionError as error:
            raise ValueError(f"{error} - at `$.{name}`") from error
    return config


def save_config(path: Path, config: UserConfig) -> None:
    """Write the preferences atomically; a file of an older version is kept among the backups first.

    Raises
    ------
    NewerVersionError
        The file comes from a newer major version; it is left alone.
    OSError
        The home folder cannot be written; the file is as it was.
    """
    version = _version_on_disk(path)
    if version is not None and is_newer_major(version, CONFIG_VERSION):
        raise _newer(path, version)
    if version is not None and is_older(version, CONFIG_VERSION):
        keep_before_migration(path, version, path.parent / "backups")
    data = to_plain(config)
    write_atomically(path, encode_json(data.pop("unknown") | data), mode=0o600)


def _newer(path: Path, version: str) -> NewerVersionError:
    return NewerVersionError(
        f"{path} has version {shown_version(version)}, this stlkit knows {CONFIG_VERSION}; update stlkit. "
        "It was not touched.",
        path=path,
    )


def _version_on_disk(path: Path) -> str | None:
    try:
        data = read_json(path, limit_bytes=LARGEST_BYTES)
    except (OSError, ValueError):  # nothing there that could be kept
        return None
    return version_of(data) if isinstance(data, dict) else None
