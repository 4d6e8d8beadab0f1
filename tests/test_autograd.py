"""grad: derivatives of every order, only of the tensors that are asked for, or a clear error."""

import threading

import numpy as np
import pytest

from tinygan import Tensor, grad, nn, no_grad, ops
from tinygan.gradcheck import check_gradients


def tensor(*values, name=None):
    return Tensor(np.array(values if len(values) != 1 else values[0], np.float64), name=name)


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize(
    "function, derivatives",
    [
        (lambda x: x * x * x, [lambda x: 3 * x**2, lambda x: 6 * x, lambda x: 6]),
        (
            ops.tanh,
            [
                lambda x: 1 - np.tanh(x) ** 2,
                lambda x: -2 * np.tanh(x) * (1 - np.tanh(x) ** 2),
                lambda x: (6 * np.tanh(x) ** 2 - 2) * (1 - np.tanh(x) ** 2),
            ],
        ),
    ],
)
def test_three_derivatives_in_closed_form(function, derivatives):
    x = tensor(0.7)
    y = function(x)
    for derivative in derivatives:
        (y,) = grad(y, [x], create_graph=True)
        np.testing.assert_allclose(y.item(), derivative(0.7), rtol=1e-12)


def test_third_derivatives_of_a_network_by_differences():
    net = nn.Sequential(nn.Linear(2, 3, rng=rng()), nn.Tanh()).astype(np.float64)
    check_gradients(net, Tensor(rng().normal(size=(2, 2))), rng=rng(), order=3)


def test_the_gradients_of_a_tensor_used_often_add_up():
    x = tensor(3.0)
    a, b = x * 2, x * x
    y = a * b + a - x / b
    (dx,) = grad(y, [x])
    np.testing.assert_allclose(dx.item(), 6 * 9 + 2 + 1 / 9, rtol=1e-15)  # 2x^3 + 2x - 1/x


def test_a_chain_of_100_000_ops():
    x = tensor(1.0)
    y = x
    for _ in range(100_000):
        y = y + 1.0
    (dx,) = grad(y, [x], create_graph=True)
    assert (y.item(), dx.item()) == (100_001, 1)
    del y, dx  # letting go of the graph must not recurse either


def test_gradients_are_values_and_do_not_accumulate():
    x = tensor(1.0, 2.0)
    y = ops.sum(x * x)
    for _ in range(2):
        np.testing.assert_array_equal(grad(y, [x])[0].data, [2, 4])


def test_gradients_at_inner_tensors_at_y_itself_and_at_a_tensor_listed_twice():
    x = tensor(2.0)
    a = x * x
    y = a * a
    assert [g.item() for g in grad(y, [x, a, y, x])] == [32, 8, 1, 32]


def test_gradients_are_recorded_only_on_request():
    x = tensor(2.0)
    assert grad(x * x * x, [x])[0].edges == ()
    assert grad(x * x * x, [x], create_graph=True)[0].edges != ()
    with no_grad():
        assert not grad_of_recorded(x).edges


def grad_of_recorded(x):
    with pytest.raises(ValueError, match="no_grad"):
        grad(x * x, [x])
    return x * x


def test_create_graph_records_even_where_recording_is_off():
    x = tensor(2.0)
    y = x * x * x
    with no_grad():
        (dx,) = grad(y, [x], create_graph=True)
    assert grad(dx, [x])[0].item() == 12


# Only the tensors between y and xs.


def forbidden(a):
    def pull(g, y):
        raise AssertionError("this rule is not between y and xs")

    return Tensor(a.data.copy(), (a, pull))


def test_rules_off_the_path_are_not_called():
    x, w = tensor(2.0), tensor(3.0)
    aside = forbidden(w) * forbidden(w * 2)
    assert grad(x * aside + aside, [x])[0].item() == 18
    below = forbidden(x)  # x is wanted only as it enters `inner`
    inner = below * w
    assert grad(inner * inner, [inner])[0].item() == 12
    with pytest.raises(AssertionError, match="between"):
        grad(x * aside, [w])


def test_the_pull_of_a_factor_outside_xs_is_not_called():
    calls = []
    x, w = tensor(2.0), tensor(3.0)

    def product(a, b):
        return Tensor(
            a.data * b.data,
            (a, lambda g, _: calls.append("a") or g * b),
            (b, lambda g, _: calls.append("b") or g * a),
        )

    assert grad(product(x, w), [x])[0].item() == 3
    assert calls == ["a"]


def test_xs_may_be_any_iterable():
    x, w = tensor(3.0), tensor(4.0)
    dx, dw = grad(x * w, iter([x, w]))
    assert (dx.item(), dw.item()) == (4, 3)


def test_tensors_are_keys_by_identity_though_they_cannot_be_compared():
    x, twin = tensor(1.0), tensor(1.0)
    assert x in {x} and twin not in {x}
    assert {x: 1, twin: 2}[twin] == 2
    assert x in [x] and [x, twin] == [x, twin]
    with pytest.raises(TypeError, match="no == or !="):
        _ = twin in [x]


# Tensors that y does not depend on, and detached ones.


def test_the_error_names_tensors_that_y_does_not_depend_on():
    x, lost, nameless = tensor(1.0), tensor(1.0, name="G.weight"), tensor(1.0, 2.0)
    with pytest.raises(ValueError, match=r"depend on G\.weight, xs\[2\] of shape \(2,\);"):
        grad(x * x, [x, lost, nameless])


def test_allow_unused_gives_zeros_of_the_same_shape_and_dtype():
    x, lost = tensor(1.0), Tensor(np.ones((2, 3), np.float32))
    dx, zero = grad(x * x, [x, lost], allow_unused=True)
    assert dx.item() == 2
    assert zero.dtype == np.float32
    np.testing.assert_array_equal(zero.data, np.zeros((2, 3)))
    assert grad(tensor(1.0) * 1.0, [x], allow_unused=True)[0].item() == 0  # nothing is used


def test_detach_cuts_the_graph_and_keeps_the_value():
    x = tensor(3.0)
    y = x * x.detach()
    assert (y.item(), grad(y, [x])[0].item()) == (9, 3)
    with pytest.raises(ValueError, match="detached"):
        grad((x * x).detach(), [x])


def test_integers_cut_the_graph():
    x = tensor(1.7)
    with pytest.raises(ValueError, match="does not depend"):
        grad(x.astype(np.int64) * 0.5, [x])


def test_y_is_one_number_of_any_shape():
    one = Tensor(np.ones((1, 1)))
    assert grad(one * 3, [one])[0].shape == (1, 1)


def test_a_rule_of_the_wrong_shape_is_refused():
    x = Tensor(np.ones((2, 3)))
    wrong = Tensor(x.data.T, (x, lambda g, _: g))  # a transpose that forgot to transpose back
    with pytest.raises(ValueError, match=r"\(2, 3\) does not broadcast to \(3, 2\)"):
        grad(wrong.sum(), [x])


# dtype.


def test_each_gradient_has_the_dtype_of_its_x():
    a, b = Tensor(np.ones((2, 2), np.float32)), Tensor(np.ones(2, np.float64))
    y = ops.sum((a * b) ** 2) + ops.sum(a)
    da, db = grad(y, [a, b], create_graph=True)
    assert (y.dtype, da.dtype, db.dtype) == (np.float64, np.float32, np.float64)
    np.testing.assert_array_equal(da.data, [[3, 3], [3, 3]])
    np.testing.assert_array_equal(db.data, [4, 4])
    (second,) = grad(ops.sum(da * da), [b])
    assert second.dtype == np.float64
    # da = 2 a b^2 + 1 = 3, so d(da^2)/db = 2 da 4 a b = 24, from two rows.
    np.testing.assert_array_equal(second.data, [48, 48])


def test_astype_carries_the_gradient_back_in_its_own_dtype():
    x = Tensor(np.array([1.0, 2.0], np.float32))
    (dx,) = grad(ops.sum(x.astype(np.float64) ** 2), [x])
    assert dx.dtype == np.float32
    np.testing.assert_array_equal(dx.data, [2, 4])


# Recording.


def test_no_grad_records_nothing_and_ends_with_its_block():
    x = tensor(1.0)
    with no_grad():
        assert (x * x).edges == ()
    with pytest.raises(ZeroDivisionError), no_grad():
        raise ZeroDivisionError
    assert (x * x).edges != ()


def test_no_grad_is_a_decorator_too():
    @no_grad()
    def square(x):
        return x * x

    x = tensor(1.0)
    assert square(x).edges == square(x).edges == ()
    assert (x * x).edges != ()


def test_each_thread_has_its_own_no_grad():
    x, seen = tensor(1.0), []
    inside, done = threading.Event(), threading.Event()

    def other():
        with no_grad():
            inside.set()
            done.wait(10)
            seen.append((x * x).edges)

    thread = threading.Thread(target=other)
    thread.start()
    assert inside.wait(10)
    recorded = (x * x).edges  # while the other thread is within its no_grad
    done.set()
    thread.join()
    assert recorded != ()
    assert seen == [()]


def test_a_tensor_with_many_paths_is_visited_once():
    x = Tensor(np.ones(()))
    y = x
    for _ in range(100):  # 2^100 ways lead from y to x
        y = y + y
    (dx,) = grad(y, [x])
    assert dx.item() == 2.0**100
