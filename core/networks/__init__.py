"""The table of networks: one family per file, one line each. Light: their settings are in `options`."""

from core.networks import options
from core.types import Named, Network, NetworkOptions
from core.types.plugins import extend

NETWORKS: dict[str, Network] = {
    "mlp": Network(
        title="MLP", source="Rumelhart et al. 1986", Config=options.MLP, build=Named("core.networks.mlp:build")
    ),
    "convnet": Network(
        title="ConvNet",
        source="Zhao et al. 2021, arXiv:2006.05929",
        Config=options.ConvNet,
        build=Named("core.networks.convnet:build"),
    ),
    "small-cnn": Network(
        title="Small CNN",
        source="after Madry et al. 2018, arXiv:1706.06083",
        Config=options.SmallCNN,
        build=Named("core.networks.small_cnn:build"),
    ),
    "lenet": Network(
        title="LeNet",
        source="LeCun et al. 1998, doi:10.1109/5.726791",
        Config=options.LeNet,
        build=Named("core.networks.lenet:build"),
    ),
    "resnet18": Network(
        title="ResNet-18",
        source="He et al. 2016, arXiv:1512.03385",
        Config=options.ResNet18,
        build=Named("core.networks.resnet18:build"),
    ),
    "ntk-mlp": Network(
        title="NTK MLP",
        source="Jacot et al. 2018, arXiv:1806.07572",
        Config=options.NTKMLP,
        build=Named("core.networks.ntk_mlp:build"),
    ),
}

extend("NETWORKS", NETWORKS, NetworkOptions)
