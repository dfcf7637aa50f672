// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "ui/support/shown.h"

namespace portolan::ui {

/// The time where the deployment is that is shown: its clock may be an hour off ours, or ours off its. How old what it
/// told is, and until when its history goes, is to be asked of this one.
class ThereClock final : public Clock
{
public:
    ThereClock(const Clock &here, const Shown &shown) : m_here(here), m_shown(shown) {}
    WallTime wall() const override { return m_here.wall() + m_shown.deployment().skew(); }
    SteadyTime steady() const override { return m_here.steady(); }

private:
    const Clock &m_here;
    const Shown &m_shown;
};

} // namespace portolan::ui
