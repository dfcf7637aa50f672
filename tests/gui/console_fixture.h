// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/demo/demo_stack.h"
#include "tests/fakes/manual_clock.h"
#include "tests/gui/console_window.h"

namespace portolan::ui {

/// What a console on a demo stands on; made before the window, and gone after it.
struct DemoBehind
{
    explicit DemoBehind(demo::DemoOptions options) : stack(std::move(options), clock) { stack.tick(); }

    ManualClock clock;
    demo::DemoStack stack;
};

/// A console on a demo; time stands still but for tick().
class Console final : public DemoBehind, public ConsoleWindow
{
public:
    explicit Console(demo::DemoOptions demoOptions = {}, ActionGate::Options options = {})
        : DemoBehind(std::move(demoOptions)), ConsoleWindow(DemoBehind::stack, DemoBehind::clock, options)
    {}

    void tick(std::chrono::seconds by = std::chrono::seconds(1))
    {
        clock.advance(by);
        stack.tick();
        settle();
    }
    const std::vector<AuditEntry> &audit() { return stack.deployment().audited(); }
};

} // namespace portolan::ui
