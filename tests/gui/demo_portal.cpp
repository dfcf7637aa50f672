// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/console_fixture.h"
#include "tests/gui/portal_under_test.h"

#include <algorithm>

namespace portolan::ui {

namespace {

class DemoPortal final : public PortalUnderTest
{
public:
    LocalStack &stack() override { return m_demo.stack; }
    const Clock &clock() const override { return m_demo.clock; }
    void nextSample() override
    {
        m_demo.clock.advance(std::chrono::seconds(1));
        m_demo.stack.tick();
        ConsoleWindow::settle();
    }
    std::vector<AuditEntry> audit() override { return m_demo.stack.deployment().audited(); }
    QString strangers() override
    {
        const auto there = [this] { // in this situation they come by themselves
            const auto clients = m_demo.stack.deployment().ask(ClientsQuestion{}).result();
            return std::ranges::count_if(clients->items,
                                         [](const auto &c) { return c.address.starts_with("10.0.0.7:"); });
        };
        while (there() < 6) {
            m_demo.clock.advance(std::chrono::minutes(10));
            nextSample();
        }
        return "10.0.0.7";
    }
    std::string otherDatabase() const override { return "postgresql://db.example.org/portal"; }

private:
    DemoBehind m_demo{{.situation = "leak"}};
};

} // namespace

std::unique_ptr<PortalUnderTest> makePortal() { return std::make_unique<DemoPortal>(); }

} // namespace portolan::ui
