"""Rows of the bundled corpus, made once, and a project of planted traps."""

from pathlib import Path

import pytest

from toolfmt.errors import MissingExtraError
from toolfmt_train.generate.run import Generated, generate
from toolfmt_train.gym import binaries
from toolfmt_train.gym.corpora import Corpus, open_corpus

PLANTED = {
    "app.js": """\
// A CourierVehicleError: throw new CourierVehicleError() when the gearbox.rotate() jams; new GearboxAssembly() helps.
import { gearbox } from './gearbox.js';

export function drive(gearbox, order) {
  if (order === null) {
    throw new CourierVehicleError(
      'no order',
    );
  }
  const assembly = new GearboxAssembly(order);
  gearbox.rotate(assembly);
  return assembly;
}
""",
    "gears.py": """\
from math import floor


def turn(wheel, angle):
    # turn(wheel, angle) is not called here, and wheel.teeth( is no call either
    teeth = wheel.teeth(floor(angle))
    print("wheel.teeth(", teeth)
    return teeth
""",
}


@pytest.fixture(scope="session")
def programs() -> binaries.Binaries:
    try:
        return binaries.find()
    except MissingExtraError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def train(programs: binaries.Binaries) -> Generated:
    return generate([open_corpus("bundled")], 400)


@pytest.fixture(scope="session")
def held_out(programs: binaries.Binaries) -> Generated:
    return generate([open_corpus("bundled")], 200, held_out=True)


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    root = tmp_path_factory.mktemp("planted")
    for name, text in PLANTED.items():
        Path(root / name).write_text(text, encoding="utf-8")
    return Corpus.of_folder(root, "planted")
