// SPDX-License-Identifier: GPL-3.0-or-later
// Links all of the console, used or not, with the interfaces and the demo only: it would not link if any window of it
// needed the server core. Run, it shows a console once.
#include "tests/gui/console_fixture.h"

int main(int argc, char **argv)
{
    QApplication application(argc, argv);
    const portolan::ui::Console console;
    return console.window->isVisible() ? 0 : 1;
}
