"""Flags and settings say the same: what is written is read back, and what is unclear is refused."""

import shlex
from typing import get_args

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.compressors import METHODS
from core.errors import ConfigError
from core.networks import NETWORKS
from core.settings import flags
from core.settings.run import EvaluationConfig, MethodChoice, RunConfig, unsuited
from core.training import TRAINERS
from core.types import DataConfig

CONDENSE = ("data", "method")


def read(line, stages=flags.STAGES):
    return flags.parse(flags.split(shlex.split(line)), stages=stages)


def test_the_published_condense_lines():
    by_budget = read("--data digits --method mfc --norm L2 --ipc 10 --seed 0", CONDENSE)
    assert (by_budget.data.name, by_budget.method.name, by_budget.seed) == ("digits", "mfc", 0)
    assert (by_budget.method.options.norm, by_budget.method.options.ipc) == ("L2", 10)
    by_radius = read("--data digits --method mfc --norm L2 --radius 1.5 --seed 0", CONDENSE)
    assert (by_radius.method.options.radius, by_radius.method.options.ipc) == (1.5, None)


def test_the_published_run_line():
    config = read(
        "--data ../shared/data/mnist.npz --limit 500 --method random --ipc 10 --network convnet --width 32 "
        "--training adversarial --norm Linf --eps 0.3 --epochs 20 --eval-images 500 --seed 0"
    )
    assert (config.data.name, config.data.limit) == ("../shared/data/mnist.npz", 500)
    assert config.method == MethodChoice.of("random", ipc=10)
    assert (config.network.name, config.network.options.width) == ("convnet", 32)
    assert (config.training.options.norm, config.training.options.eps) == ("Linf", 0.3)
    assert (config.evaluation.norm, config.evaluation.eps, config.evaluation.images) == ("Linf", 0.3, 500)
    assert config.training.options.epochs == 20


def test_the_threat_model_goes_to_every_stage_and_can_be_set_apart():
    config = read("--norm Linf --eps 8/255 --method-norm L1 --eval-eps 0.1")
    assert (config.method.options.norm, config.training.options.norm, config.evaluation.norm) == ("L1", "Linf", "Linf")
    assert (config.training.options.eps, config.evaluation.eps) == (8 / 255, 0.1)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--attack-steps 5", "write --training-attack-steps or --eval-attack-steps"),
        ("--foo 1", "--foo is not an option"),
        ("--epoch 1", "did you mean --epochs"),
        ("--ipc ten", "--ipc must be a whole number, got 'ten'"),
        ("--eps 1/0", "--eps must be a number"),
        ("--weighted perhaps", "--weighted must be true or false"),
        ("--method nothing", "there is no method called 'nothing'; there are: mfc"),
        ("--ipc 0", "method mfc: ipc: should be greater than or equal to 1"),
        ("--ipc 3 --radius 1", "exactly one of ipc and radius"),
        ("--ipc 3 --ipc 4", "--ipc is given twice"),
        ("ipc 3", "expected an option"),
        ("--seed -1", "seed: should be greater than or equal to 0"),
        ("--limit 0", "limit: should be greater"),
        ("--networks 21", "networks: should be less than or equal to 20"),
        ("--protocol house", "there is no protocol called 'house'; there are: field, field-augmented"),
    ],
)
def test_unclear_flags_are_refused_with_what_would_do(line, message):
    with pytest.raises(ConfigError, match=message.replace("(", r"\(")):
        read(line)


def test_a_protocol_is_what_is_not_given():
    config = read("--training standard --protocol field-augmented --epochs 40 --networks 5")
    options = config.training.options
    assert (options.epochs, options.lr, options.augment, options.schedule) == (40, 0.01, "auto", "half")
    assert config.networks == 5 and read(flags.to_command(config).removeprefix("python -m core run ")) == config
    assert read("--protocol field").training.options.epochs == 300


@pytest.mark.parametrize("line", ["--networks 3", "--protocol field"])
def test_condensing_alone_has_no_networks_and_no_protocol(line):
    with pytest.raises(ConfigError, match="is not an option"):
        read(line, CONDENSE)


def test_a_stage_that_does_not_exist_has_no_flags():
    with pytest.raises(ConfigError, match="--eps is not an option"):
        read("--eps 0.1", CONDENSE)


def test_equals_signs_lone_switches_and_none():
    assert read("--norm=L2 --weighted --limit=none") == read("--norm L2 --weighted true --limit none")


def option(info):
    """Any value that an option may take."""
    if info.choices:
        values = st.sampled_from(info.choices)
    elif info.type is bool:
        values = st.booleans()
    elif info.type is int:
        values = st.integers(int(info.minimum or 0), int(min(info.maximum or 10**6, 10**6)))
    elif info.type is float:
        values = st.floats(info.minimum or 0.0, info.maximum or 100.0, allow_nan=False)
    else:
        values = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1)
    return st.none() | values if info.optional else values


def chosen(config):
    """Any few options of a Config, as a dict that it accepts."""
    infos = list(config.describe())
    pick = st.lists(st.sampled_from(infos), max_size=4, unique_by=lambda info: info.name) if infos else st.just([])
    return pick.flatmap(lambda some: st.fixed_dictionaries({info.name: option(info) for info in some}))


def row(table):
    return st.sampled_from(sorted(table)).flatmap(
        lambda name: st.fixed_dictionaries({"name": st.just(name), "options": chosen(table[name].Config)})
    )


ANY = st.fixed_dictionaries(
    {
        "data": chosen(DataConfig),
        "method": row(METHODS),
        "network": row(NETWORKS),
        "training": row(TRAINERS),
        "evaluation": chosen(EvaluationConfig),
        "seed": st.integers(0, 2**31),
        "networks": st.integers(1, 20),
    }
)


@settings(max_examples=150, deadline=None)
@given(ANY)
def test_a_command_repeats_its_settings(values):
    try:
        config = RunConfig(**values)
    except ConfigError:
        assume(False)
    words = shlex.split(flags.to_command(config))
    assert words[:4] == ["python", "-m", "core", "run"]
    if "beyond all images" in unsuited(config):  # refused alike by a page and by the command
        with pytest.raises(ConfigError, match="beyond all images"):
            flags.parse(flags.split(words[4:]))
        return
    assert flags.parse(flags.split(words[4:])) == config
    assert RunConfig(**config.to_json()) == config
    assert isinstance(hash(config), int)


def test_texts_that_look_like_options_are_kept_apart():
    for name in ("--seed", "a=b", "--a=b", ""):
        config = RunConfig(data={"name": name or "digits"}, method={"name": "kip", "options": {"start": name}})
        assert flags.parse(flags.split(shlex.split(flags.to_command(config))[4:])) == config


def test_defaults_need_no_flags():
    assert flags.to_flags(RunConfig()) == {}
    assert flags.to_flags(read("--radius 1.5")) == {"radius": "1.5"}
    assert flags.to_flags(read("--norm L2 --eps 0.5")) == {"norm": "L2", "eps": "0.5"}


def test_choices_take_names_and_refuse_the_rest():
    assert RunConfig(method="random") == RunConfig(method={"name": "random"})
    for wrong, message in (
        ({"name": "random", "colour": 1}, "got also: colour"),
        ({"options": {}}, "no method called None"),
        ({"name": "random", "options": {"radius": 1}}, "method random: radius is not a setting here; there are: ipc"),
    ):
        with pytest.raises(ConfigError, match=message):
            RunConfig(method=wrong)


def test_the_shared_options_are_the_threat_model():
    holders = [TRAINERS["adversarial"].Config, EvaluationConfig]
    assert all(set(flags.SHARED) <= set(config.model_fields) for config in holders)
    assert get_args(EvaluationConfig.model_fields["norm"].annotation) == ("Linf", "L2", "L1")


ON_PURPOSE = {"norm", "eps"}  # the threat model goes to every stage that has it
PREFIXED = {
    # stages mean different things by one word: the bare option is refused with its longer forms
    "method/training": {"augment", "batch", "lr", "momentum", "schedule", "warmup"},
    "method/network": {"bias_std", "depth", "width"},
    "method/eval": {"restarts"},
    "method/training/eval": {"attack_steps", "step_size"},
}


def stages_of_options():
    """Every option that can be given bare, with the stages that have one of that name."""
    found = {}
    tables = {"method": METHODS, "network": NETWORKS, "training": TRAINERS}
    rows = [(stage, row.Config) for stage, table in tables.items() for row in table.values()]
    for stage, config in (*rows, ("data", DataConfig), ("eval", EvaluationConfig)):
        for name in config.model_fields:
            if name not in flags.OWN.get(stage, ()):
                found.setdefault(name, set()).add(stage)
    return {name: "/".join(s for s in flags.STAGES if s in stages) for name, stages in found.items()}


def test_the_only_options_that_stages_share_are_meant_to_be():
    shared = {name: stages for name, stages in stages_of_options().items() if "/" in stages}
    unforeseen = {
        name: stages
        for name, stages in shared.items()
        if name not in ON_PURPOSE and name not in PREFIXED.get(stages, ())
    }
    assert unforeseen == {}
    assert all("network" not in shared[name] for name in flags.SHARED)  # a network has no threat model


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("method", METHODS)
def test_every_choice_takes_every_shared_flag_and_repeats_itself(method, network):
    own = ["--radius", "1.5"] if method == "mfc" else []
    for training in TRAINERS:
        for threat in (["--norm", "Linf"], ["--norm", "L2", "--eps", "0.25"], ["--eps", "8/255"]):
            words = ["--method", method, "--network", network, "--training", training, *threat, *own]
            config = flags.parse(flags.split(words))
            wanted = dict(zip([w[2:] for w in threat[::2]], threat[1::2], strict=True))
            for part in (config.method.options, config.training.options, config.evaluation):
                if "norm" in wanted and "norm" in type(part).model_fields:
                    assert part.norm == wanted["norm"]
            assert flags.parse(flags.split(shlex.split(flags.to_command(config))[4:])) == config


def test_an_option_is_read_under_its_former_name_and_written_under_its_own():
    old = RunConfig(network={"name": "resnet18", "options": {"norm": "batch"}})
    assert old == RunConfig(network={"name": "resnet18", "options": {"normalisation": "batch"}})
    assert old.to_json()["network"]["options"]["normalisation"] == "batch"
    assert "norm" not in old.to_json()["network"]["options"]
