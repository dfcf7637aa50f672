// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/snapshot.h"

#include <QString>
#include <string>
#include <string_view>

/// What is wrong with a link. GUI thread or any other.
namespace portolan::ui {

/// To go on with: "not reachable: localhost:6379 (Connection refused)". Of a reason that another version knows, what
/// was told; empty where nothing is known.
QString linkPhrase(std::string_view reason, const std::string &about = {}, const std::string &told = {});

/// What a link that is down has stopped, to go on with: "Redis does not answer", "tasks cannot be queued or run".
QString silentText(const LinkStatus &link);

/// What to do about it, in a sentence or two; empty: nothing that is known.
QString linkAdvice(const LinkStatus &link);

/// Both, as sentences.
QString troubleText(const LinkStatus &link);

} // namespace portolan::ui
