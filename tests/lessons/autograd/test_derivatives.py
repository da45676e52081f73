"""The numbers of the lesson on automatic differentiation, against hand, against torch, against theory."""

import json
import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from llm_explorer.lessons.autograd import derivatives, graph, rules
from llm_explorer.lessons.autograd.limits import INPUTS, MOST_BACKWARDS
from llm_explorer.texts import autograd as texts

EXAMPLE = {"x": 1.1, "w": 2.2, "b": 0.0, "y": 1.0}


def inputs_of_the_page() -> st.SearchStrategy[dict[str, float]]:
    return st.fixed_dictionaries(
        {name: st.floats(each.lowest, each.highest).map(lambda v: round(v, 2)) for name, each in INPUTS.items()}
    )


def gradients(x: float, w: float, b: float, y: float) -> tuple[float, float]:
    """dL/dw and dL/db by torch's own loss of logits, another path to the same numbers than the lesson takes."""
    leaves = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (w, b)]
    z = leaves[0] * x + leaves[1]
    F.binary_cross_entropy_with_logits(z, torch.tensor(y, dtype=torch.float64)).backward()
    dw, db = (leaf.grad for leaf in leaves)
    assert dw is not None
    assert db is not None
    return dw.item(), db.item()


def test_the_worked_example_gives_the_published_gradients() -> None:
    # Raschka, "Build a Large Language Model (From Scratch)", appendix A.4: tensor([-0.0898]), tensor([-0.0817])
    found = derivatives.worked_example(**EXAMPLE)
    for way in ("by hand", "finite differences", "autograd"):
        assert (round(found[way]["w"], 4), round(found[way]["b"], 4)) == (-0.0898, -0.0817)
    assert found["loss"] == pytest.approx(math.log(1 + math.exp(-2.42)))  # -ln sigmoid(z) = ln(1 + e^-z)
    assert (found["z"], found["a"]) == pytest.approx((2.42, 1 / (1 + math.exp(-2.42))))


@given(inputs_of_the_page())
def test_by_hand_and_by_autograd_are_the_gradients_of_torch_s_loss_of_logits(values: dict[str, float]) -> None:
    found = derivatives.worked_example(**values)
    dw, db = gradients(**values)
    for way in ("by hand", "autograd"):
        assert (found[way]["w"], found[way]["b"]) == pytest.approx((dw, db), rel=1e-7, abs=1e-9)
    # one-sided: off by h/2 times the second derivative, at most x^2/4 <= 2.25, and by rounding, 1e-15 * L / h
    assert found["finite differences"]["w"] == pytest.approx(dw, abs=1e-5)
    assert found["finite differences"]["b"] == pytest.approx(db, abs=1e-5)


DERIVATIVES = {"double": lambda u: 2.0, "square": lambda u: 2 * u, "sine": math.cos}
DERIVATIVES["sigmoid"] = lambda u: math.exp(-u) / (1 + math.exp(-u)) ** 2
VALUES = {"double": lambda u: 2 * u, "square": lambda u: u * u, "sine": math.sin}
VALUES["sigmoid"] = lambda u: 1 / (1 + math.exp(-u))


@pytest.mark.parametrize("outer", texts.FUNCTIONS)
@pytest.mark.parametrize("inner", texts.FUNCTIONS)
@given(x=st.floats(-2, 2))
def test_the_chain_rule_s_slopes_are_those_of_calculus_and_multiply(outer: str, inner: str, x: float) -> None:
    found = derivatives.chain_rule(outer, inner, x)
    u = VALUES[inner](x)
    assert (found["u"], found["y"]) == pytest.approx((u, VALUES[outer](u)))
    assert found["du/dx"] == pytest.approx(DERIVATIVES[inner](x))
    assert found["dy/du"] == pytest.approx(DERIVATIVES[outer](u))
    assert found["dy/dx"] == pytest.approx(found["dy/du"] * found["du/dx"])


def test_the_curves_of_the_chain_rule_go_through_its_points() -> None:
    curves, found = derivatives.chain_curves("sine", "square"), derivatives.chain_rule("sine", "square", 1.5)
    at = [round(x, 9) for x in curves["x"]].index(1.5)
    assert (curves["u"][at], curves["y"][at]) == pytest.approx((found["u"], found["y"]))
    assert (min(curves["u_range"]), max(curves["u_range"])) == (min(curves["u"]), max(curves["u"]))
    assert curves["f"] == pytest.approx([math.sin(u) for u in curves["u_range"]])


@given(inputs_of_the_page())
def test_the_slope_of_the_curve_is_the_product_of_its_factors_and_the_gradient_at_each_w(
    values: dict[str, float],
) -> None:
    curve = derivatives.loss_curve(values["x"], values["b"], values["y"])
    for at in range(0, 81, 8):
        w = curve["w"][at]
        dw, _ = gradients(**(values | {"w": w}))
        assert curve["w.grad"][at] == pytest.approx(dw, rel=1e-7, abs=1e-9)
        product = curve["dL/da"][at] * curve["da/dz"][at] * curve["dz/dw"][at]
        assert product == pytest.approx(curve["w.grad"][at], rel=1e-9, abs=1e-12)
        assert curve["loss"][at] == pytest.approx(derivatives.loss_of(**(values | {"w": w})), rel=1e-9, abs=1e-12)


def test_the_error_of_finite_differences_is_u_shaped_with_its_bottom_where_theory_has_it() -> None:
    # one-sided: the square root of epsilon, two-sided: the third root (Press et al., Numerical Recipes, 5.7)
    for central, root in ((False, 2), (True, 3)):
        found = derivatives.difference_errors(**EXAMPLE, central=central)
        for name, epsilon in (("float32", 2.0**-23), ("float64", 2.0**-52)):
            errors = found[name]
            best = found["h"][errors.index(min(errors))]
            # the bottom is flat and rough, and the constant beside the root is near 1 only
            assert abs(math.log10(best) - math.log10(epsilon) / root) < 1.5
            assert errors[0] > 100 * min(errors)
            assert errors[-1] == pytest.approx(abs(found["exact"])), "w + 1e-16 is w"
    assert found["exact"] == pytest.approx(-0.0898, abs=5e-5)


def test_the_error_grows_with_h_and_for_the_two_sided_difference_with_its_square() -> None:
    for central, power in ((False, 1), (True, 2)):
        found = derivatives.difference_errors(**EXAMPLE, central=central)
        tenth, hundredth = found["float64"][0], found["float64"][4]  # h = 0.1 and 0.01
        assert tenth / hundredth == pytest.approx(10**power, rel=0.1)


@given(inputs_of_the_page())
def test_our_engine_and_torch_agree_in_every_number_that_is_shown(values: dict[str, float]) -> None:
    for row in derivatives.engine_check(**values):
        assert row["ours"] == pytest.approx(row["torch"], rel=1e-9, abs=1e-12), row
        assert row["our grad"] == pytest.approx(row["torch grad"], rel=1e-7, abs=1e-9), row


@pytest.mark.parametrize("expression", graph.EXPRESSIONS)
@given(values=inputs_of_the_page())
def test_the_gradients_that_flow_through_the_graph_are_those_that_backward_leaves(
    expression: str, values: dict[str, float]
) -> None:
    found = {node["name"]: node for node in graph.graph(expression, **values)["nodes"]}
    tensors = graph.EXPRESSIONS[expression](*(values[name] for name in "xwby"))
    for value in tensors.values():
        value.retain_grad()
    tensors["L"].backward()
    assert set(found) == set(tensors)
    for name, value in tensors.items():
        assert value.grad is not None
        assert found[name]["gradient"] == pytest.approx(value.grad.item(), rel=1e-9, abs=1e-12), name
        assert found[name]["value"] == value.item()


def test_the_graph_is_the_one_that_grad_fn_leads_to() -> None:
    found = graph.graph("one neuron", **EXAMPLE)
    operations = {node["name"]: node["operation"] for node in found["nodes"]}
    assert operations == {
        "L": "BinaryCrossEntropyBackward0",
        "a": "SigmoidBackward0",
        "z": "AddBackward0",
        "p": "MulBackward0",
        "w": "AccumulateGrad",
        "b": "AccumulateGrad",
    }
    edges = {(edge["source"], edge["target"]) for edge in found["edges"]}
    assert edges == {("L", "a"), ("a", "z"), ("z", "p"), ("z", "b"), ("p", "w")}
    kept = {node["name"]: list(node["kept"].values()) for node in found["nodes"]}
    assert kept["p"] == [1.1], (
        "a product keeps x, the slope for w; its other factor is not needed: x asks for no gradient"
    )
    assert kept["z"] == [], "a sum needs nothing for its backward"


def test_each_node_of_the_graph_comes_after_all_that_send_to_it_and_a_shared_weight_gets_the_sum() -> None:
    found = graph.graph("the same neuron twice", **EXAMPLE)
    order = [node["name"] for node in found["nodes"]]
    for edge in found["edges"]:
        assert order.index(edge["source"]) < order.index(edge["target"])
    arriving = [edge["flow"] for edge in found["edges"] if edge["target"] == "w"]
    assert len(arriving) == 2
    assert found["nodes"][order.index("w")]["gradient"] == pytest.approx(sum(arriving))


def test_the_rules_are_told_by_pytorch_itself() -> None:
    assert rules.requires_grad() == [
        "x.requires_grad = False",
        "w.requires_grad = True",
        "z.requires_grad = True",
        "type(z.grad_fn).__name__ = 'MulBackward0'",
        "(x * x).grad_fn = None",
        "(x * x).backward(): element 0 of tensors does not require grad and does not have a grad_fn",
    ]
    assert rules.no_grad() == [
        "w -= 0.5: a leaf Variable that requires grad is being used in an in-place operation.",
        "z.requires_grad = False",
        "z.grad_fn = None",
        "w = tensor(1.5000, requires_grad=True)",
    ]
    assert rules.leaves() == [
        "w.is_leaf = True",
        "x.is_leaf = True",
        "z.is_leaf = False",
        "z.detach().is_leaf = True",
        "w.grad = tensor(5.3240)",  # d(x w)^2/dw = 2 x^2 w
        "z.grad = tensor(4.8400)",  # 2 x w
        "loss.retains_grad = False",
    ]


@pytest.mark.parametrize("backwards", range(1, MOST_BACKWARDS + 1))
def test_gradients_add_up_until_they_are_cleared(backwards: int) -> None:
    lines = rules.accumulation(backwards)
    expected = [f"{count} x backward(): w.grad = tensor({3 * count}.)" for count in range(1, backwards + 1)]
    assert lines == [*expected, "cleared, once more: w.grad = tensor(3.)"]


BAD: list[tuple[Any, dict[str, Any], str]] = [
    (derivatives.worked_example, EXAMPLE | {"x": 3.01}, "x must be a number from -3 to 3"),
    (derivatives.worked_example, EXAMPLE | {"y": -0.1}, "y must be a number from 0 to 1"),
    (derivatives.worked_example, EXAMPLE | {"w": math.nan}, "w must be a number"),
    (derivatives.loss_curve, {"x": 1.0, "b": math.inf, "y": 1.0}, "b must be a number"),
    (derivatives.difference_errors, EXAMPLE | {"b": -4.0, "central": True}, "b must be a number from -3 to 3"),
    (derivatives.engine_check, EXAMPLE | {"w": 99.0}, "w must be a number from -4 to 4"),
    (derivatives.chain_rule, {"outer": "__import__", "inner": "sine", "x": 1.0}, "no function of this name"),
    (derivatives.chain_rule, {"outer": "sine", "inner": "sine", "x": 2.5}, "x must be a number from -2 to 2"),
    (derivatives.chain_curves, {"outer": "sine", "inner": ""}, "no function of this name"),
    (graph.graph, {"expression": "w", **EXAMPLE}, "no expression of this name"),
    (graph.graph, {"expression": "one neuron", **EXAMPLE, "x": 9.0}, "x must be a number"),
    (rules.accumulation, {"backwards": 0}, "Choose 1 to 5"),
    (rules.accumulation, {"backwards": 10**9}, "Choose 1 to 5"),
]


@pytest.mark.parametrize(("function", "values", "told"), BAD)
def test_inputs_outside_the_limits_are_refused_in_words(function: Any, values: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        function(**values)


@given(inputs_of_the_page())
def test_everything_a_page_asks_for_is_json_without_infinities(values: dict[str, float]) -> None:
    answers = (
        derivatives.worked_example(**values),
        derivatives.loss_curve(values["x"], values["b"], values["y"]),
        derivatives.difference_errors(**values, central=False),
        derivatives.engine_check(**values),
        graph.graph("the same neuron twice", **values),
    )
    for answer in answers:
        json.dumps(answer, allow_nan=False)
