// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/pages/page.h"
#include "ui/support/action_gate.h"
#include "ui/support/shown.h"
#include "ui/support/there_clock.h"

#include <QStackedWidget>

namespace portolan::ui {

/// What a console has of the deployment it shows: all its pages, in the order of the table, and the gate they act
/// through. For another deployment another one is made: so no figure, row, chart or answer of one can outlast it, and
/// no page has to see to that.
class PageStack final : public QStackedWidget
{
    Q_OBJECT

public:
    struct Parts
    {
        Confirmer &confirmer;
        ActionGate::Options options;
        const Clock &clock;
        QSettings &settings;
        std::function<bool(const QUrl &)> openUrl;
        SaveAsker askWhereToSave;
        std::function<void(const QString &sentence, bool worked)> tell;
        bool rememberChoices;
        LateOutcomes late;
    };

    PageStack(Deployment &deployment, LocalStack *stack, const Parts &parts, QWidget *parent = nullptr);
    ~PageStack() override;

    /// Lets go of the deployment: from now on pages and gate change nothing and say nothing, whoever still calls them.
    void end();

    const Shown &shown() const { return m_shown; }
    const Clock &clock() const { return m_clock; } ///< as it is there
    ActionGate &gate() { return m_gate; }
    Page *page() const { return page(currentIndex()); } ///< the current one
    Page *page(int row) const { return static_cast<Page *>(widget(row)); }
    /// Whether it is one of this deployment's: what is of this machine's portal is not, where there is none.
    bool isThere(int row) const;
    int rowOf(const QString &id) const; ///< -1: there is no such page

signals:
    void pageWanted(const QString &id);

private:
    Shown m_shown;
    const ThereClock m_clock;
    ActionGate m_gate;
};

} // namespace portolan::ui
