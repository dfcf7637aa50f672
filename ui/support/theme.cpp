// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/support/theme.h"

#include "ui/support/colours.h"
#include "ui/support/console_style.h"
#include "ui/support/portal_scheme.h"

#include <QApplication>
#include <QMetaEnum>
#include <QStyleHints>

namespace portolan::ui {

namespace {

constexpr auto key = "theme";

}

Theme::Theme(QApplication &application, QSettings &settings, const PortalScheme *desktop, QObject *parent)
    : QObject(parent),
      m_application(application),
      m_settings(settings),
      m_desktop(desktop),
      m_startedDark(isDark(application.palette()))
{
    m_application.setStyle(new ConsoleStyle);
    // Anything unreadable in the settings is as good as nothing.
    const QByteArray stored = settings.value(key).toString().toLatin1();
    bool known = false;
    const int value = QMetaEnum::fromType<Mode>().keyToValue(stored.constData(), &known);
    m_mode = known ? Mode(value) : Mode::System;
#if QT_VERSION >= QT_VERSION_CHECK(6, 5, 0)
    connect(m_application.styleHints(), &QStyleHints::colorSchemeChanged, this, &Theme::apply);
#endif
    if (m_desktop)
        connect(m_desktop, &PortalScheme::changed, this, &Theme::apply);
    apply();
}

void Theme::setMode(Mode mode)
{
    if (m_mode == mode)
        return;
    m_mode = mode;
    m_settings.setValue(key, QMetaEnum::fromType<Mode>().valueToKey(int(mode)));
    apply();
    emit modeChanged();
}

bool Theme::systemIsDark() const
{
#if QT_VERSION >= QT_VERSION_CHECK(6, 5, 0)
    if (const auto scheme = m_application.styleHints()->colorScheme(); scheme != Qt::ColorScheme::Unknown)
        return scheme == Qt::ColorScheme::Dark;
#endif
    return m_desktop ? m_desktop->dark().value_or(m_startedDark) : m_startedDark;
}

void Theme::apply()
{
    const bool dark = m_mode == Mode::Dark || (m_mode == Mode::System && systemIsDark());
    m_application.setPalette(paletteOf(dark ? darkColours : lightColours));
}

} // namespace portolan::ui
