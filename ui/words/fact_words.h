// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/action.h"
#include "core/api/fact.h"

#include <QString>
#include <vector>

/// The sentences made of what an action would do, and of what it has done. GUI thread or any other.
namespace portolan::ui {

/// "Deletes 412 keys of results, about 1.2 MB. Finished analyses cannot be fetched any more."
QString previewText(const ActionPreview &preview);
/// "Revoked 3 tasks. 1 other could not be: it has ended already." Empty: nothing is known of what came of it.
QString outcomeText(const ActionOutcome &outcome);
QString outcomeText(const std::vector<Fact> &facts);
/// A line of what would be touched: "portal.analysis 3f2a91c0, ada@example.com: {'symbol': 'AAPL'}"
QString touchedText(const Touched &touched);

} // namespace portolan::ui
