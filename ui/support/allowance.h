// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/words/why_words.h"

#include <QString>

namespace portolan::ui {

/// Whether a button can be pressed, and if not, why, in a sentence: for reasons of the portal's, and of the page's own,
/// which no deployment knows.
struct Allowance
{
    bool available = true;
    QString reason = {};
    bool operator==(const Allowance &) const = default;
};

inline Allowance allowanceOf(const Capability &capability) { return {capability.available(), whyText(capability)}; }

} // namespace portolan::ui
