// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/page_stack.h"

#include "ui/pages/page_table.h"

namespace portolan::ui {

PageStack::PageStack(Deployment &deployment, LocalStack *stack, const Parts &parts, QWidget *parent)
    : QStackedWidget(parent),
      m_shown(deployment, stack),
      m_clock(parts.clock, m_shown),
      m_gate(m_shown, parts.confirmer, parts.options, parts.late)
{
    const auto tell = [this, tell = parts.tell](const QString &sentence, bool worked) {
        if (!m_shown.isOver())
            tell(sentence, worked);
    };
    const PageContext context{
        m_shown, m_gate, m_clock, parts.settings, parts.openUrl, parts.askWhereToSave, tell, parts.rememberChoices};
    for (const PageEntry &entry : pageTable()) {
        Page *page = entry.make(context, this);
        page->setObjectName(entry.id);
        page->setAccessibleName(pageTitle(entry));
        connect(page, &Page::pageWanted, this, &PageStack::pageWanted);
        addWidget(page);
    }
}

PageStack::~PageStack()
{
    while (count() > 0) // before what they look at and act through
        delete widget(0);
}

void PageStack::end()
{
    m_shown.end();
    for (int row = 0; row < count(); ++row) {
        for (QAction *action : page(row)->actions())
            action->setEnabled(false);
    }
}

bool PageStack::isThere(int row) const
{
    return row >= 0 && row < count() && (m_shown.stack() || !pageTable()[std::size_t(row)].needsStack);
}

int PageStack::rowOf(const QString &id) const
{
    for (int row = 0; row < count(); ++row) {
        if (page(row)->objectName() == id && isThere(row))
            return row;
    }
    return -1;
}

} // namespace portolan::ui
