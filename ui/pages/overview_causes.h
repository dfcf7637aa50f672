// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/snapshot.h"

#include <QString>
#include <optional>
#include <vector>

namespace portolan::ui {

/// What weighs most on a resource at the moment.
struct Cause
{
    QString name;
    QString figure;
    Age age{0}; ///< when the snapshot was made
};

/// A place to look at when something turns yellow. Another one is one more entry in the source.
struct CauseKind
{
    const char *title;                       ///< to be translated in the context "causes"
    const char *page;                        ///< that explains it
    const char *link;                        ///< it is known over; empty: none but that to the portal
    const char *none;                        ///< said when there is none; to be translated in the same context
    bool (*known)(const Snapshot &snapshot); ///< whether it can be said at all
    std::optional<Cause> (*find)(const Snapshot &snapshot);
};

const std::vector<CauseKind> &causeTable();

} // namespace portolan::ui
