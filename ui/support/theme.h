#pragma once

#include <QObject>
#include <QSettings>

class QApplication;

namespace portolan::ui {

/// Light, dark, or as the system is: follows it while the program runs from Qt 6.5 on, before that the palette it
/// started with. The choice is kept in the settings.
class Theme final : public QObject
{
    Q_OBJECT

public:
    enum class Mode { System, Light, Dark };
    Q_ENUM(Mode)

    Theme(QApplication &application, QSettings &settings, QObject *parent = nullptr);

    Mode mode() const { return m_mode; }
    void setMode(Mode mode);

signals:
    void modeChanged();

private:
    bool systemIsDark() const;
    void apply();

    QApplication &m_application;
    QSettings &m_settings;
    bool m_startedDark;
    Mode m_mode = Mode::System;
};

} // namespace portolan::ui
