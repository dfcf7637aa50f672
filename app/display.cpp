// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/display.h"

#include <cstdio>
#include <cstdlib>

namespace portolan::app {
namespace {

constexpr auto wayOut = "Run 'portoland serve' for the portal alone, and 'portoland status --watch' for its zones.\n";

/// Qt says that a display cannot be opened by a fatal message, after which it would abort; the cause is in the warning
/// before that: "could not connect to display :7".
void endInWords(QtMsgType type, const QMessageLogContext &, const QString &message)
{
    static QString cause;
    if (type != QtFatalMsg) {
        if (cause.isEmpty())
            cause = message;
        return;
    }
    std::fprintf(stderr, "portolan: %s. %s", qPrintable(cause.isEmpty() ? message.section('\n', 0, 0) : cause), wayOut);
    std::_Exit(noDisplay);
}

} // namespace

bool isDisplayNamed()
{
    for (const char *name : {"QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"}) {
        if (!qEnvironmentVariableIsEmpty(name))
            return true;
    }
    return false;
}

std::unique_ptr<QApplication> openDisplay(int &argc, char **argv)
{
    if (!isDisplayNamed()) {
        std::fprintf(stderr, "portolan: there is no display (DISPLAY and WAYLAND_DISPLAY are empty). %s", wayOut);
        std::exit(noDisplay);
    }
    const auto usual = qInstallMessageHandler(endInWords);
    auto application = std::make_unique<QApplication>(argc, argv);
    qInstallMessageHandler(usual);
    return application;
}

} // namespace portolan::app
