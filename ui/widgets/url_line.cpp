// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/url_line.h"

#include "ui/support/url_password.h"

#include <algorithm>

namespace portolan::ui {

UrlLine::UrlLine(QWidget *parent) : QLineEdit(parent)
{
    setMaxLength(longest);
    // Not textEdited: assistive technology sets texts too.
    connect(this, &QLineEdit::textChanged, this, &UrlLine::takeEdit);
}

void UrlLine::setUrl(const QString &url)
{
    m_url = url.left(longest);
    showMasked();
}

void UrlLine::takeEdit()
{
    if (m_showing)
        return;
    m_url = withPasswordOf(m_url, text());
    showMasked();
}

void UrlLine::showMasked()
{
    const QString shown = withPasswordMasked(m_url);
    if (shown == text())
        return;
    // What stands behind the cursor is not of the password, or is the rest of its mask.
    const qsizetype behind = text().size() - cursorPosition();
    m_showing = true;
    setText(shown); // which forgets what undo would bring back in clear
    setCursorPosition(int(std::max<qsizetype>(0, shown.size() - behind)));
    m_showing = false;
}

} // namespace portolan::ui
