// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/support/save_asker.h"

namespace portolan::ui {

/// Asks with a file dialog over its owner, also while another program is in front. It does not stop the event loop.
void askWithSaveDialog(const SaveQuestion &question, SaveAnswer answer);

} // namespace portolan::ui
