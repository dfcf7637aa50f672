// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/deployment.h"

#include <QString>

/// Why something cannot be done, and why a portal is not there, in a sentence. Empty for what needs none: it can be
/// done, it is there.
namespace portolan::ui {

QString whyText(const Capability &capability); ///< "This takes the role admin."
QString linkText(LinkReason reason);           ///< "The portal is not running."

} // namespace portolan::ui
