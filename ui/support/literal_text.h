// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QJsonValue>
#include <QList>
#include <QString>
#include <optional>

namespace portolan::ui {

struct Literals
{
    QList<QJsonValue> values;
    bool cut = false; ///< the text ends before the last one does
};

/// Reads values one after the other, to the end of the text: JSON, or what Python's repr() writes of plain values
/// ("{'symbol': 'AAPL'}", "(1, None)"). What was begun where the text was cut is closed; a name without its value and a
/// number that may have gone on are left out. nullopt: there is something else in it.
std::optional<Literals> readLiterals(const QString &text);

} // namespace portolan::ui
