// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/local_stack.h"

#include <QSettings>
#include <string>
#include <utility>
#include <vector>

namespace portolan::ui {

/// What somebody made the portal of this machine of, for the next start. Only what was chosen here is kept: the rest
/// stays with the command line, the environment and the built-in choice. Secrets are never kept: of a URL with a
/// password nothing is, and what was kept before in its place goes.
///
/// `before`: what it was made of until then; `chosen`: what it was started with.
void rememberChoices(QSettings &settings, const LocalStackSettings &before, const LocalStackSettings &chosen);

/// Setting of the portal ("tier", "redis.url", …) → text. What cannot have been written by the call above is passed
/// over: no text, longer than 4096 letters, with control characters or a password.
std::vector<std::pair<std::string, std::string>> rememberedChoices(const QSettings &settings);

} // namespace portolan::ui
