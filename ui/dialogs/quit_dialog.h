// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/support/quit_asker.h"

namespace portolan::ui {

/// Asks with a dialog over its owner, also while another program is in front. It does not stop the event loop.
void askWithQuitDialog(const QuitQuestion &question, std::function<void(QuitAnswer)> answer);

} // namespace portolan::ui
