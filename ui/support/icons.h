// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QIcon>

namespace portolan::ui {

/// resources/icons/<name>.svg, drawn in the colour the text of the same state has.
QIcon icon(const QString &name);

} // namespace portolan::ui
