"""Laws of natural gradients: products with the explicit Fisher matrix, closed forms of a quadratic."""

import pytest
import torch
from torch import nn

from sim2real.configs.schema.algorithm import ALGORITHMS
from sim2real.training.action_distribution import Gaussian
from sim2real.training.gaussian_fisher import gaussian_fisher
from sim2real.training.natural_gradient import assign, conjugate_gradient, fisher_product, flat, natural_step
from sim2real.training.policy import Policy


def quadratic(matrix, *, damping=0.0):
    """Parameters at the minimum of ½·θᵀAθ, and products with its curvature."""
    theta = nn.Parameter(torch.zeros(len(matrix), dtype=torch.float64))
    return theta, fisher_product(0.5 * theta @ matrix @ theta, [theta], damping)


def test_the_step_on_a_quadratic_is_the_closed_form():
    # A = diag(2, 8), g = (2, 4): A⁻¹g = (1, 0.5), gᵀA⁻¹g = 4; √(2·0.08/4) = 0.2
    _, product = quadratic(torch.tensor([[2.0, 0.0], [0.0, 8.0]], dtype=torch.float64))
    step = natural_step(product, torch.tensor([2.0, 4.0], dtype=torch.float64), 0.08, 10)
    assert step.tolist() == pytest.approx([0.2, 0.1], abs=1e-12)
    # Its divergence to second order is δ: ½·(2·0.04 + 8·0.01)
    assert float(0.5 * step @ product(step)) == pytest.approx(0.08, abs=1e-12)


def test_a_gradient_of_zero_is_a_step_of_zero():
    _, product = quadratic(torch.eye(3, dtype=torch.float64))
    assert natural_step(product, torch.zeros(3, dtype=torch.float64), 0.1, 10).tolist() == [0.0, 0.0, 0.0]


def test_conjugate_gradients_solve_in_as_many_products_as_dimensions():
    generator = torch.Generator().manual_seed(0)
    root = torch.randn(6, 6, generator=generator, dtype=torch.float64)
    matrix, target = root @ root.T + torch.eye(6), torch.randn(6, generator=generator, dtype=torch.float64)
    count = []
    found = conjugate_gradient(lambda vector: (count.append(1), matrix @ vector)[1], target, 6)
    torch.testing.assert_close(found, torch.linalg.solve(matrix, target), rtol=1e-9, atol=1e-9)
    assert len(count) == 6


def test_products_are_those_with_the_explicit_fisher_matrix():
    generator = torch.Generator().manual_seed(1)
    network = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    distribution = Gaussian(2, 0.7).double()
    states = torch.randn(20, 3, generator=generator, dtype=torch.float64)
    parameters = [*network.parameters(), *distribution.parameters()]
    output = network(states)
    divergence = distribution.divergence(distribution.frozen(), output.detach(), output).mean()
    size = flat([parameter.detach() for parameter in parameters]).numel()
    found = torch.stack([fisher_product(divergence, parameters, 0.1)(row) for row in torch.eye(size).double()])
    # E[Jᵀ·diag(1/σ²)·J] of the means, and 2 for each log σ.
    expected = 0.1 * torch.eye(size, dtype=torch.float64)
    for row in output:
        jacobian = torch.stack(
            [flat(torch.autograd.grad(mean, network.parameters(), retain_graph=True)) for mean in row]
        )
        expected[: size - 2, : size - 2] += jacobian.T @ jacobian / 0.7**2 / len(states)
    expected[size - 2 :, size - 2 :] += 2.0 * torch.eye(2, dtype=torch.float64)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-8)


def test_a_vector_is_written_into_parameters_in_their_order():
    layer = nn.Linear(2, 3)
    assign(list(layer.parameters()), torch.arange(9.0))
    assert layer.weight.flatten().tolist() + layer.bias.tolist() == list(range(9))


@pytest.mark.parametrize("activation", ["tanh", "elu", "relu"])
@pytest.mark.parametrize("hidden", [(), (5,), (7, 4)])
def test_products_by_hand_are_those_of_autograd(activation, hidden):
    generator = torch.Generator().manual_seed(1)
    config = ALGORITHMS["npg"].config.model_validate({"name": "npg", "hidden": hidden, "activation": activation})
    policy, distribution = Policy(config, 6, 3, generator, squash=False), Gaussian(3, 0.5)
    with torch.no_grad():
        for parameter in (*policy.parameters(), *distribution.parameters()):
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.3)
    rows = torch.randn(40, 6, generator=generator)
    parameters = [*policy.parameters(), *distribution.parameters()]
    output = policy.mean(rows)
    divergence = distribution.divergence(distribution.frozen(), output.detach(), output).mean()
    expected = fisher_product(divergence, parameters, 0.1)
    product = gaussian_fisher(policy, distribution.log_std, rows, 0.1)
    for _ in range(3):
        vector = torch.randn(sum(each.numel() for each in parameters), generator=generator)
        before = vector.clone()
        torch.testing.assert_close(product(vector), expected(vector), rtol=1e-4, atol=1e-5)
        assert torch.equal(vector, before)
