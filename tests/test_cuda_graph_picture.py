"""The picture of a CUDA graph: the kinds of its nodes, and a mark for each node."""

import pytest
from cuda_graph import draw, kinds
from PIL import Image

NODES = {
    "0\nKERNEL\nsm90_xmma_gemm_f32f32": "matrix product",
    "1\nKERNEL\ncupy_add__float32": "elementwise",
    "2\nMEMCPY\nDtoD": "copy",
    "3\nMEMSET": "fill",
    "4\nKERNEL\nadam": "optimizer",
    "5\nKERNEL\nrows_to_images": "convolution",
    "6\nKERNEL\nnormal": "noise",
    "7\nKERNEL\nDeviceReduceKernel": "sum or maximum",
}


def dot(labels):
    nodes = [f'"graph_1_node_{i}" [style="solid" label="{l}"]' for i, l in enumerate(labels)]
    edges = [f'"graph_1_node_{i}" -> "graph_1_node_{i + 1}"' for i in range(len(nodes) - 1)]
    return "digraph dot {\nsubgraph cluster_1 {\n" + "\n".join(nodes + edges) + "\n}\n}"


def test_the_kind_of_a_node_is_read_from_its_label():
    assert kinds(dot(NODES)) == list(NODES.values())


@pytest.mark.parametrize("count", [0, 1, 8, 130])
def test_every_node_is_drawn(tmp_path, count):
    labels = (list(NODES) * 20)[:count]
    assert draw(dot(labels), tmp_path / "graph.png") == count
    with Image.open(tmp_path / "graph.png") as picture:
        assert picture.width > 900
