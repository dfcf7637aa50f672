// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/snapshot.h"

#include <QString>
#include <optional>
#include <string_view>

/// What to do, and why something is not known: more words of how a portal stands.
namespace portolan::ui {

/// What to do about what is red or yellow; empty where the figures themselves say it.
QString adviceText(const Snapshot &snapshot);
/// Why what comes over `link` ("redis", "database") is not known: it is down. Empty while it answers.
QString silence(const Snapshot &snapshot, std::string_view link);
/// What happens more rarely than once a second, by the minute: "5.4/min"; else as rateText(). `beside`: another pace
/// that stands next to it, so that both are in one unit.
QString paceText(const std::optional<double> &perSecond, const std::optional<double> &beside = {});

} // namespace portolan::ui
