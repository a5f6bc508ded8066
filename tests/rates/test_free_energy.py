"""Free energy along a coordinate and the rate before recrossing, by exact frames of surfaces that quadrature knows."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from surface_models import Surface

from separatrix.core.units import BOLTZMANN
from separatrix.rates import free_energy, mbar, reweighting
from separatrix.rates.mbar import Window

KT = BOLTZMANN * 300.0

#: y is heavier; the gradient of the last r depends on where y is.
SURFACES = {
    "one coordinate": (Surface(18.0, 2.0), 1.5),
    "linear in two": (Surface(18.0, 2.0, stiffness=6000.0, mixed=0.7), 2.6),
    "curved in two": (Surface(18.0, 2.0, stiffness=6000.0, mixed=0.7, curved=0.25), 2.8),
}

#: Of chi-squared with 20 degrees of freedom, one in a thousand below and above.
LOW, HIGH = 5.92, 45.3


@pytest.mark.parametrize("name", SURFACES)
def test_rates_constant_and_barrier_are_those_of_quadrature_and_errors_cover(name: str):
    surface, ends = SURFACES[name]
    deviations = []
    for seed in range(20):
        made = surface.windows(np.random.default_rng(seed), 200, count=15, ends=ends)
        rate, profile = free_energy.surface_rate(made, 300.0, rng=np.random.default_rng(100 + seed), n_bootstrap=40)
        forward, backward, constant = surface.exact(rate.top)
        r, energy = np.array(profile.r), np.array(profile.free_energy)
        lowest = int(np.argmin(np.where(r < rate.top, energy, math.inf)))
        highest = int(np.argmin(np.abs(r - rate.top)))
        barrier = KT * math.log(surface.density(r[lowest]) / surface.density(rate.top))
        deviations.append(
            [
                math.log(rate.forward / forward) / rate.ln_forward_error,
                math.log(rate.backward / backward) / rate.ln_backward_error,
                math.log(rate.equilibrium_constant / constant) / rate.ln_equilibrium_error,
                (rate.barrier_forward - barrier) / profile.error[highest],
            ]
        )
        assert rate.ln_forward_error < 0.6 and rate.ln_equilibrium_error < 0.6
        # Detailed balance.
        assert rate.forward / rate.backward == pytest.approx(rate.equilibrium_constant, rel=1e-9)
    z = np.array(deviations)
    # The errors are neither too small nor too large, and nothing leans to one side.
    total = (z**2).sum(axis=0)
    assert np.all((total > LOW) & (total < HIGH)), total
    assert np.all(np.abs(z.mean(axis=0)) < 3.3 / math.sqrt(20)), z.mean(axis=0)


@pytest.mark.parametrize("name", SURFACES)
def test_many_frames_give_the_exact_numbers(name: str):
    """To better than a fifth, so that a lost factor of sqrt(2/pi), 1/2 or a mass cannot hide in the error."""
    surface, ends = SURFACES[name]
    made = surface.windows(np.random.default_rng(7), 8000, count=19, ends=ends)
    rate, profile = free_energy.surface_rate(made, 300.0, rng=np.random.default_rng(8), n_bootstrap=4)
    exact = surface.exact(rate.top)
    assert rate.ln_forward_error < 0.1
    assert rate.forward == pytest.approx(exact[0], rel=0.18)
    assert rate.backward == pytest.approx(exact[1], rel=0.18)
    assert rate.equilibrium_constant == pytest.approx(exact[2], rel=0.18)
    # The whole profile, where there is anything.
    r, energy = np.array(profile.r), np.array(profile.free_energy)
    known = energy < 9.0 * KT
    half = 0.5 * (r[1] - r[0])
    shape = np.array([-KT * math.log(surface.density(x, half=half)) for x in r[known]])
    off = energy[known] - shape
    assert known.sum() > 40 and np.abs(off - off.mean()).max() < 0.25 * KT
    # The surface stands at the top of the exact profile.
    inside = np.linspace(rate.top - 0.3, rate.top + 0.3, 61)
    lowest = inside[np.argmin([surface.density(x) for x in inside])]
    assert abs(rate.top - lowest) < 0.05


def test_the_surface_is_no_place_where_frames_happen_to_be_few():
    """A top at the bin with the fewest frames made rates too low by their whole error."""
    surface, ends = SURFACES["one coordinate"]
    tops = []
    for seed in range(20):
        made = surface.windows(np.random.default_rng(seed), 100, count=15, ends=ends)
        tops.append(free_energy.surface_rate(made, 300.0, rng=np.random.default_rng(1), n_bootstrap=2)[0].top)
    assert np.std(tops, ddof=1) < 0.04
    exact = np.linspace(-0.2, 0.2, 401)
    assert abs(np.mean(tops) - exact[np.argmax(18.0 * (exact**2 - 1.0) ** 2 + 2.0 * exact)]) < 0.02


def test_a_given_surface_is_kept_and_the_rate_goes_with_it():
    surface, ends = SURFACES["one coordinate"]
    made = surface.windows(np.random.default_rng(3), 4000, ends=ends)
    rate, _ = free_energy.surface_rate(made, 300.0, rng=np.random.default_rng(4), top=0.25, n_bootstrap=20)
    assert rate.top == 0.25
    assert abs(math.log(rate.forward / surface.exact(0.25)[0])) < 4.0 * rate.ln_forward_error < 0.4


def test_resampled_weights_are_those_of_mbar_on_the_resample():
    """Newton's method on frames with multiplicities, against pymbar on the frames themselves, repeated."""
    made = SURFACES["one coordinate"][0].windows(np.random.default_rng(5), 60, count=9)
    whole = mbar.combine(made, 300.0)
    weight = next(mbar.resamples(made, 300.0, whole.free_energies, 5, 1, np.random.default_rng(6)))
    rng, drawn, order = np.random.default_rng(6), [], []
    for number, window in enumerate(made):
        pieces = np.array_split(np.arange(60), 5)
        index = np.concatenate([pieces[i] for i in rng.integers(0, 5, 5)])
        drawn.append(Window(window.centre, window.stiffness, window.r[index], window.speed[index]))
        order.append(60 * number + index)
    again = mbar.combine(drawn, 300.0)
    expected = np.zeros(len(weight))
    np.add.at(expected, np.concatenate(order), again.weight)
    # What is read off between points of r is off by 1e-4.
    np.testing.assert_allclose(weight, expected, rtol=1e-3, atol=1e-15)


# --- what cannot be put together ---


def test_windows_that_do_not_meet_are_refused():
    made = SURFACES["one coordinate"][0].windows(np.random.default_rng(2), 200, count=15)
    with pytest.raises(ValueError, match=r"the windows at r = -0\.64 and 0\.64 do not overlap; give more windows"):
        free_energy.surface_rate(
            [w for w in made if abs(w.centre) > 0.6], 300.0, rng=np.random.default_rng(1), n_bootstrap=2
        )


def test_one_well_is_no_barrier():
    harmonic = Surface(0.0, 0.0, stiffness=6000.0, masses=(6.0, 6.0))
    # barrier 0: x is free between the grid's ends, and y - x harmonic; r = (y - x) has one well.
    x, y = harmonic.grid
    well = dataclasses.replace(harmonic)
    well.__dict__["r"] = (y - x) / harmonic.a
    well.__dict__["speed"] = np.full(len(x), math.sqrt(2.0 / 6.0) / harmonic.a)
    made = well.windows(np.random.default_rng(2), 400, count=9, ends=1.2)
    with pytest.raises(ValueError, match="reach over no barrier"):
        free_energy.surface_rate(made, 300.0, rng=np.random.default_rng(1), n_bootstrap=2)


@pytest.mark.parametrize("keep", ["one", "empty"])
def test_an_empty_window_is_refused(keep: str):
    made = SURFACES["one coordinate"][0].windows(np.random.default_rng(2), 50, count=9)
    if keep == "one":
        made = made[:1]
    else:
        made[4] = Window(made[4].centre, made[4].stiffness, np.empty(0), np.empty(0))
    with pytest.raises(ValueError, match="two windows or more, and frames in each"):
        free_energy.surface_rate(made, 300.0, rng=np.random.default_rng(1), n_bootstrap=2)


def test_the_slab_is_never_without_frames():
    surface, ends = SURFACES["one coordinate"]
    made = surface.windows(np.random.default_rng(9), 12, count=13, ends=ends)
    rate, _ = free_energy.surface_rate(made, 300.0, rng=np.random.default_rng(1), top=0.06, bins=200)
    r = np.concatenate([w.r for w in made])
    assert (np.abs(r - 0.06) <= rate.half_width).sum() == free_energy.FEWEST_IN_SLAB
    assert abs(math.log(rate.forward / surface.exact(0.06)[0])) < 4.0 * rate.ln_forward_error


def test_a_surface_that_resamples_leave_empty_has_no_error():
    """And says so, in place of a number."""
    surface, ends = SURFACES["one coordinate"]
    # All that is near the top comes from one block of one window.
    made = surface.windows(np.random.default_rng(9), 40, count=13, ends=ends)
    near = [np.abs(w.r - 0.06) < 0.12 for w in made]
    first = max(range(13), key=lambda i: near[i].sum())
    kept = []
    for i, (w, close) in enumerate(zip(made, near, strict=True)):
        order = np.argsort(~close, kind="stable") if i == first else np.flatnonzero(~close)
        kept.append(dataclasses.replace(w, r=w.r[order], speed=w.speed[order], energy=w.energy[order]))
    rate, _ = free_energy.surface_rate(kept, 300.0, rng=np.random.default_rng(1), top=0.06, bins=200)
    assert math.isinf(rate.ln_forward_error) and math.isinf(rate.ln_backward_error)
    assert rate.to_dict()["ln_forward_error"] is None


# --- other temperatures ---


@pytest.mark.parametrize("name", ["one coordinate", "curved in two"])
def test_rates_at_other_temperatures_are_those_of_quadrature(name: str):
    """Frames of 300 K, reweighted; the errors cover, and the rate at 300 K is that of the windows themselves."""
    surface, ends = SURFACES[name]
    targets, z = [270.0, 300.0, 340.0, 400.0], []
    for seed in range(20):
        made = surface.windows(np.random.default_rng(seed), 200, count=15, ends=ends)
        rate, _ = free_energy.surface_rate(made, 300.0, rng=np.random.default_rng(1), n_bootstrap=2)
        found = reweighting.other_temperatures(
            made, 300.0, targets, rate, rng=np.random.default_rng(200 + seed), n_bootstrap=40
        )
        assert found.forward[1] == pytest.approx(rate.forward) and found.backward[1] == pytest.approx(rate.backward)
        exact = np.array([surface.exact(rate.top, t)[:2] for t in targets])
        off = np.log(np.array([found.forward, found.backward]).T / exact)
        spread = [np.diag(found.ln_forward_covariance), np.diag(found.ln_backward_covariance)]
        z.append((off / np.sqrt(np.array(spread).T)).ravel())
        assert min(found.effective_reactant) > 30 and min(found.effective_top) > 10
    total = (np.array(z) ** 2).sum(axis=0)
    assert np.all((total > LOW) & (total < HIGH)), total
    assert np.all(np.abs(np.mean(z, axis=0)) < 3.3 / math.sqrt(20))


def test_temperatures_differ_by_less_than_either_rate_is_known():
    """The same frames stand behind all temperatures, so that the activation energy is better than the rates."""
    surface, ends = SURFACES["one coordinate"]
    made = surface.windows(np.random.default_rng(1), 4000, count=15, ends=ends)
    rate, _ = free_energy.surface_rate(made, 300.0, rng=np.random.default_rng(1), n_bootstrap=2)
    found = reweighting.other_temperatures(made, 300.0, [300.0, 400.0], rate, rng=np.random.default_rng(2))
    covariance = np.array(found.ln_forward_covariance)
    difference = covariance[0, 0] + covariance[1, 1] - 2.0 * covariance[0, 1]
    assert difference < 0.2 * covariance[0, 0]
    exact = [surface.exact(rate.top, t)[0] for t in (300.0, 400.0)]
    # Small enough to see that velocities are those of the other temperature: sqrt(4/3) in the rate.
    assert (
        abs(math.log(found.forward[1] / found.forward[0] / (exact[1] / exact[0]))) < 4.0 * math.sqrt(difference) < 0.1
    )


def test_few_effective_frames_are_told():
    """Of n frames with normal energies the share that is left is exp(-(spread of U times the change of 1/kT)^2)."""
    rng, n = np.random.default_rng(4), 200_000
    energy = 6.0 * KT * rng.standard_normal(n)
    change = 1.0 / (BOLTZMANN * 315.0) - 1.0 / KT
    weight = reweighting.reweighted(np.full(n, 1.0 / n), energy, change)
    assert reweighting.kish(weight) == pytest.approx(n * math.exp(-((6.0 * KT * change) ** 2)), rel=0.02)
    assert reweighting.effective_frames(np.full(n, 1.0 / n), energy, change) == pytest.approx(
        n * math.exp(-((6.0 * KT * change) ** 2)), rel=0.02
    )
    assert reweighting.kish(np.zeros(3)) == 0.0 and reweighting.kish(np.array([1e-200, 1e-200])) == 2.0


def test_frames_without_the_tail_that_counts_do_not_pass_for_good_ones():
    """Energies of 66 quadratic degrees of freedom at 300 K, 100 frames: at 425 K one in 540 of them would count.

    Kish's number alone is above 25 at times, when nothing of the tail is among them; the average is then far too small.
    """
    rng, change, freedom = np.random.default_rng(2), 1.0 / (BOLTZMANN * 425.0) - 1.0 / KT, 33.0
    passed, off = 0, []
    for _ in range(500):
        energy, weight = KT * rng.gamma(freedom, size=100), np.full(100, 0.01)
        if reweighting.kish(reweighting.reweighted(weight, energy, change)) >= 25.0:
            off.append(math.log(np.mean(np.exp(-change * energy))) + freedom * math.log(300.0 / 425.0))
        passed += reweighting.effective_frames(weight, energy, change) >= 25.0
    assert len(off) > 3 and np.mean(off) < -0.5 and max(off) < -0.3 and passed == 0
    # And what does carry passes: at 330 K two thirds are left.
    energy, near = KT * rng.gamma(freedom, size=100), 1.0 / (BOLTZMANN * 330.0) - 1.0 / KT
    assert reweighting.effective_frames(np.full(100, 0.01), energy, near) > 50.0


def test_windows_without_energies_stay_at_their_temperature():
    made = SURFACES["one coordinate"][0].windows(np.random.default_rng(5), 100)
    rate, _ = free_energy.surface_rate(made, 300.0, rng=np.random.default_rng(1), n_bootstrap=2)
    bare = [dataclasses.replace(w, energy=None) for w in made]
    with pytest.raises(ValueError, match="no energies on record"):
        reweighting.other_temperatures(bare, 300.0, [310.0], rate, rng=np.random.default_rng(1))


def test_windows_that_are_not_equilibrated_are_told_by_their_halves():
    surface, ends = SURFACES["one coordinate"]
    made = surface.windows(np.random.default_rng(5), 400, count=15, ends=ends)
    change, error = free_energy.drift(made, 300.0, 0.0, rng=np.random.default_rng(1))
    assert abs(change) < 3.0 * error and error < 0.6

    def lagging(window: Window) -> Window:
        """In its first half as near to the spring's centre as if there were half the force."""
        r = window.r.copy()
        first = slice(len(r) // 2)
        r[first] += 0.5 * (window.centre - r[first].mean())
        return dataclasses.replace(window, r=r)

    change, error = free_energy.drift([lagging(w) for w in made], 300.0, 0.0, rng=np.random.default_rng(1))
    # The force grows while the windows settle, the barrier with it, and the rate falls.
    assert change < -3.0 * error
    assert free_energy.equilibrated((change, error)) is False
    assert free_energy.equilibrated((1.9, 1.0)) and not free_energy.equilibrated((2.1, 1.0))
    assert free_energy.equilibrated(None) is None
    short = [dataclasses.replace(w, r=w.r[:1], speed=w.speed[:1], energy=w.energy[:1]) for w in made]
    assert free_energy.drift(short, 300.0, 0.0, rng=np.random.default_rng(1)) is None
